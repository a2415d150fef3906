//! Another program, in another language, written from the published formats alone, agrees.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use datashare::audit::verify::{Finding, Kind};
use serde_json::{Value, json};

use super::mutate::Base;
use super::mutations::names;
use super::{Dice, STREAM, env, verified};

const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/evidence/verify.py");

/// The other verifier, started once.
pub struct Other {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Other {
    pub fn start() -> Self {
        let mut child = Command::new("python3")
            .args([VERIFIER, "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3: see tests/require.sh");
        let (asks, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, asks, answers }
    }

    pub fn verify(&mut self, stream: &Path, checkpoint: Option<&Path>) -> Vec<Finding> {
        writeln!(self.asks, "{}", json!({"stream": stream, "checkpoint": checkpoint})).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).expect("the other verifier ended");
        let findings = answer["findings"].as_array().unwrap().iter().map(|found| {
            let entries =
                found["entries"].as_array().map(|ends| (ends[0].as_u64().unwrap(), ends[1].as_u64().unwrap()));
            Finding {
                // kinds are words for people; places are what has to agree
                kind: Kind::Changed,
                file: format!("{STREAM}/{}", found["file"].as_str().unwrap()),
                line: found["line"].as_u64(),
                entries,
                says: format!("{}: {}", found["kind"], found["says"]),
            }
        });
        findings.collect()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn another_program_in_another_language_agrees_on_what_is_whole_and_what_is_not() {
    let base = Base::new();
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    fs::write(&kept, base.witness.signed.note.to_string()).unwrap();
    let mut other = Other::start();
    let whole = folder.path().join("whole").join(STREAM);
    base.stream.write_to(&whole);
    assert_eq!(other.verify(&whole, Some(&kept)), []);

    // all of them, where the long run is asked for; each needs a folder of its own
    let wanted = env("DATASHARE_MUTATIONS", 300);
    let mut dice = Dice(env("DATASHARE_SEED", 11) as u64);
    let (mut done, mut spared) = (0, 0);
    while done < wanted {
        let Some(mutation) = base.mutate(&mut dice) else { continue };
        done += 1;
        let case = folder.path().join("case");
        mutation.stream.write_to(&case.join(STREAM));
        let (witnesses, checkpoint) = if mutation.needs_witness {
            (std::slice::from_ref(&base.witness), Some(kept.as_path()))
        } else {
            (&[][..], None)
        };
        let ours = verified(&mutation.stream, witnesses).findings;
        let theirs = other.verify(&case.join(STREAM), checkpoint);
        let reads_as_before = theirs.is_empty() && reads_the_same(&base, &case.join(STREAM), &mutation.files);
        fs::remove_dir_all(&case).unwrap();
        if reads_as_before {
            assert!(!ours.is_empty() && names(&ours[0], &mutation), "{}: {ours:?}", mutation.what);
            spared += 1;
            continue;
        }
        for findings in [&ours, &theirs] {
            let first = findings.first().unwrap_or_else(|| panic!("{}: {ours:?} and {theirs:?}", mutation.what));
            assert!(names(first, &mutation), "{}: {ours:?} and {theirs:?}", mutation.what);
        }
    }
    assert!(spared <= 1 + done / 1000, "{spared} of {done}");
}

/// Whether the program that the other verifier reads sealed segments with finds in a changed one what was written: older
/// ones of its kind pass over a bit that means nothing.
fn reads_the_same(base: &Base, stream: &Path, files: &[String]) -> bool {
    let [file] = files else { return false };
    let is_sealed = Path::new(file).extension().is_some_and(|extension| extension == "zst");
    let Some(before) = base.stream.0.get(file).filter(|_| is_sealed) else { return false };
    let read = Command::new("zstd").args(["-dcq"]).arg(stream.join(file)).output().expect("zstd: see tests/require.sh");
    read.status.success() && Some(read.stdout) == zstd::decode_all(&before[..]).ok()
}

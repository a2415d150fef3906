//! The auditor's commands as scripts meet them: what the exit code says, whoever reads, and that what is not there is
//! named.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use datashare::audit::{Entry, Event, Evidence, Log, Options};
use datashare::clock::Clock;
use datashare::delivery::state_dir::{NOTARY, StateDir};

use super::{Ran, jinan, run};
use crate::folder::copy;

const STREAM: &str = "guard-1";

/// The example with a signed record beside it.
struct Site {
    place: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let (place, root) = jinan();
        let state = place.path().join("state");
        drop(StateDir::hold(&state, &root).unwrap());
        let evidence = Evidence { checkpoint_every: Duration::from_secs(3600), ..Evidence::new(&state.join(NOTARY)) };
        let options = Options { stream: Some(STREAM.to_owned()), evidence: Some(evidence), ..Options::default() };
        let log = Log::open(&state.join("log"), &options, Clock::system()).unwrap().0;
        log.set_site("jinan");
        for user in ["p-1", "p-2", "p-3"] {
            log.append_blocking(&Entry::<&str> { user: Some(user), ..Entry::new(Event::Call) }).unwrap();
        }
        log.checkpoint_now();
        log.close().unwrap();
        Self { place }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.place.path().join(path)
    }

    fn stream(&self) -> PathBuf {
        self.at("state/log").join(STREAM)
    }

    fn segment(&self) -> PathBuf {
        self.stream().join(format!("entries/{:020}.jsonl", 0))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_datashare"));
        command.arg("audit").args(words).current_dir(self.place.path()).env("XDG_STATE_HOME", self.at("home"));
        command
    }

    fn audit(&self, words: &[&str]) -> Ran {
        run(&mut self.command(words))
    }

    /// How it ends when nobody reads its results, and when nobody reads its messages.
    fn unread(&self, words: &[&str]) -> [Option<i32>; 2] {
        let closed = || {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            Stdio::from(writer)
        };
        let code = |command: &mut Command| command.stdin(Stdio::null()).status().unwrap().code();
        [
            code(self.command(words).stdout(closed()).stderr(Stdio::null())),
            code(self.command(words).stdout(Stdio::null()).stderr(closed())),
        ]
    }
}

#[test]
fn the_exit_code_is_the_verdict_also_when_nobody_reads_it() {
    let site = Site::new();
    fs::copy(site.stream().join("keys"), site.at("keys")).unwrap();
    let proof = site.audit(&["prove", "guard-1/2", "--state", "state"]).out;
    fs::write(site.at("good"), &proof).unwrap();
    fs::write(site.at("bad"), proof.replace("index 2", "index 1")).unwrap();
    let good: [&[&str]; 2] = [&["verify", "--state", "state"], &["verify-proof", "good", "--key", "keys"]];
    for words in good {
        assert_eq!(site.unread(words), [Some(0); 2], "{words:?}");
    }
    let text = fs::read_to_string(site.segment()).unwrap();
    fs::write(site.segment(), text.replace("p-2", "p-9")).unwrap();
    let bad: [&[&str]; 5] = [
        &["verify", "--state", "state"],
        &["verify", "--state", "state", "-o", "csv"],
        &["inspect", "--state", "state"],
        &["inspect", "--state", "state", "-o", "json"],
        &["verify-proof", "bad", "--key", "keys"],
    ];
    for words in bad {
        assert_eq!((site.audit(words).code, site.unread(words)), (1, [Some(1); 2]), "{words:?}");
    }
    // an answer of which somebody has seen enough
    assert_eq!(site.unread(&["query", "--state", "state"]), [Some(0); 2]);
}

#[test]
fn the_verdict_of_check_is_the_same_when_nobody_reads_it() {
    let (_place, root) = jinan();
    fs::write(root.join("broken.yaml"), "kind: [").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_datashare"));
    let done = command.args(["check", "."]).current_dir(&root).stdout(writer).stderr(Stdio::null()).status().unwrap();
    assert_eq!(done.code(), Some(1));
}

#[test]
fn an_archive_that_has_no_such_site_or_no_record_at_all_is_no_empty_answer() {
    let site = Site::new();
    let stream = site.at("arch/jinan").join(STREAM);
    copy(&site.stream(), &stream);
    let plain = stream.join(format!("entries/{:020}.jsonl", 0));
    let sealed = zstd::encode_all(&*fs::read(&plain).unwrap(), 1).unwrap();
    fs::write(plain.with_extension("jsonl.zst"), sealed).unwrap();
    fs::remove_file(plain).unwrap();
    fs::create_dir_all(site.at("empty")).unwrap();
    fs::create_dir_all(site.at("above")).unwrap();
    fs::rename(site.at("arch"), site.at("above/arch")).unwrap();
    let asked = |archive: &str, more: &[&str]| {
        site.audit(&[&["query", "--state", "nowhere", "-o", "json", "--archive", archive], more].concat())
    };
    for more in [&[][..], &["--site", "jinan"]] {
        let told = asked("above/arch", more);
        assert!(told.code == 0 && told.json().as_array().unwrap().len() == 5, "{}", told.messages);
    }
    for (archive, more, says) in [
        ("above/arch", &["--site", "jinnan"][..], "above/arch has no site jinnan (there: jinan)"),
        ("above", &[], "above/arch has no stream of a record (there: jinan)"),
        ("above/arch/jinan", &[], "above/arch/jinan/guard-1 has no stream of a record (there: entries)"),
        ("above/arch/jinan/guard-1", &[], "guard-1/entries has no stream of a record (there: nothing)"),
        ("empty", &[], "empty has no stream of a record (there: nothing)"),
        ("empty", &["--site", "jinan"], "empty has no site jinan (there: nothing)"),
    ] {
        let told = asked(archive, more);
        assert!(told.code == 2 && told.messages.contains(says), "{archive} {more:?}: {} {}", told.code, told.messages);
    }
}

#[test]
fn a_policy_that_is_not_there_is_no_finding() {
    let site = Site::new();
    for wanted in ["nope", "elsewhere/default", "jinan-registration/nope"] {
        let told = site.audit(&["inspect", "--state", "state", "--policy", wanted]);
        let says = format!("there is no audit policy {wanted} (there: jinan-registration/default)");
        assert!(told.code == 2 && told.messages.contains(&says), "{}", told.messages);
    }
    let policy = site.at("jinan/audit-policy.yaml");
    let text = fs::read_to_string(&policy).unwrap();
    fs::write(&policy, text.split("  inspection:").next().unwrap()).unwrap();
    let told = site.audit(&["inspect", "--state", "state"]);
    assert!(told.code == 2 && told.messages.contains("name one with --policy"), "{}", told.messages);
    assert_eq!(site.audit(&["inspect", "--state", "state", "--policy", "default", "-o", "json"]).code, 0);
}

#[test]
fn an_inspection_of_everything_names_no_moment_it_begins_at() {
    let site = Site::new();
    let inspected = |more: &[&str]| {
        let told = site.audit(&[&["inspect", "--state", "state", "-o", "json"], more].concat());
        told.json()[0].clone()
    };
    let all = inspected(&[]);
    assert!(all.get("from").is_none() && all["until"].is_string(), "{all}");
    assert_eq!(inspected(&["--since", "2026-01-01"])["from"], "2025-12-31T15:59:59.999999Z");
}

#[test]
fn a_key_that_is_gone_is_named_before_anything_is_written() {
    let site = Site::new();
    let before = fs::read(site.segment()).unwrap();
    for file in fs::read_dir(site.at("state").join(NOTARY)).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let told = site.audit(&["rotate-key", "--state", "state"]);
    assert_eq!(told.code, 2);
    let says = "the key that signs for jinan/guard-1 is not in state/notary: put it back";
    assert!(told.messages.contains(says), "{}", told.messages);
    assert_eq!(fs::read(site.segment()).unwrap(), before, "no entry came of it");
    assert_eq!(fs::read_dir(site.at("state").join(NOTARY)).unwrap().count(), 0, "and no key");
}

#[test]
fn what_cannot_be_read_or_found_is_named() {
    let site = Site::new();
    copy(&site.stream(), &site.at("arch/jinan").join(STREAM));
    let told = site.audit(&["prove", "guard-x/1", "--state", "nowhere", "--archive", "arch"]);
    assert!(told.code == 2 && told.messages.contains("arch/jinan has no stream guard-x"), "{}", told.messages);
    let told = site.audit(&["prove", "guard-x/1", "--state", "state", "--archive", "arch"]);
    assert!(told.messages.contains("state/log, arch/jinan has no stream guard-x"), "{}", told.messages);

    // a link to itself fails for everybody, also for root, whom no permissions stop
    fs::remove_file(site.segment()).unwrap();
    symlink(site.segment(), site.segment()).unwrap();
    let told = site.audit(&["prove", "guard-1/1", "--state", "state"]);
    let says = format!("state/log: guard-1/entries/{:020}.jsonl: ", 0);
    assert!(told.code == 2 && told.messages.contains(&says), "{}", told.messages);

    fs::create_dir_all(site.at("fresh/log")).unwrap();
    let told = site.audit(&["rotate-key", "--state", "fresh"]);
    assert!(told.code == 2 && told.messages.contains("fresh/log has no stream yet"), "{}", told.messages);
}

#[test]
fn the_readme_asks_for_units_that_the_example_has() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let asked: Vec<&str> = readme
        .lines()
        .filter(|line| line.contains("audit query"))
        .filter_map(|line| line.split_once("--unit ")?.1.split_whitespace().next())
        .collect();
    assert!(!asked.is_empty());
    let mut requests = String::new();
    for folder in fs::read_dir(root.join("examples/jinan/requests")).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            requests.push_str(&fs::read_to_string(file.unwrap().path()).unwrap());
        }
    }
    for unit in asked {
        let has = |text: String| requests.contains(&text);
        assert!(has(format!("unit: {{name: {unit},")) || has(format!("code: \"{unit}\"")), "{unit}");
    }
}

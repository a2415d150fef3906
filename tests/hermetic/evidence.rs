//! A record that proves itself: signed as it is written, whole after every crash, and every change of
//! it found and named.

mod commands;
mod crash;
mod disk;
mod interim;
mod life;
mod memory;
mod mutate;
mod mutations;
mod python;
mod rotation;
mod spoil;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use datashare::audit::checkpoint::Signed;
use datashare::audit::pruned::Pruned;
use datashare::audit::scan::scan;
use datashare::audit::tree::Range;
use datashare::audit::verify::{self, Folder, Known, Place, Verdict, Witness};
use datashare::audit::{Entry, Event, Evidence, Log, Options, Parameter};
use datashare::clock::Clock;
use jiff::Timestamp;

const NOON: &str = "2026-11-24T04:00:00Z";
const STREAM: &str = "guard-1";

fn noon() -> Timestamp {
    NOON.parse().unwrap()
}

fn clock() -> Clock {
    Clock::manual(noon())
}

/// A state directory with one stream.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn stream(&self) -> PathBuf {
        self.log().join(STREAM)
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("notary")
    }

    /// Checkpoints only when asked for, and short segments.
    fn options(&self) -> Options {
        let evidence = Evidence { checkpoint_every: Duration::from_secs(3600), ..Evidence::new(&self.keys()) };
        Options {
            stream: Some(STREAM.to_owned()),
            max_segment_bytes: 700,
            evidence: Some(evidence),
            ..Options::default()
        }
    }

    fn open(&self) -> Log {
        let log = Log::open(&self.log(), &self.options(), clock()).unwrap().0;
        log.set_site("jinan");
        log
    }

    fn verify(&self) -> Verdict {
        self.verify_with(&[])
    }

    fn verify_with(&self, witnesses: &[Witness]) -> Verdict {
        verified(&Folder(self.log()), witnesses)
    }

    /// The newest checkpoint, as somebody else may keep it.
    fn witness(&self) -> Witness {
        let note = fs::read_to_string(self.stream().join("checkpoint")).unwrap();
        Witness { from: "a witness".to_owned(), signed: Signed::parse(&note).unwrap() }
    }

    fn segments(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> =
            fs::read_dir(self.stream().join("entries")).unwrap().map(|item| item.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// Compresses a segment, as sealing does.
    fn seal(path: &Path) {
        let sealed = zstd::encode_all(&*fs::read(path).unwrap(), 3).unwrap();
        fs::write(path.with_extension("jsonl.zst"), sealed).unwrap();
        fs::remove_file(path).unwrap();
    }

    /// Has the record say that these segments are removed on time, before they are.
    fn give_notice(log: &Log, paths: &[&PathBuf]) {
        for path in paths {
            let first = first(path);
            let lines = fs::read_to_string(path).unwrap().lines().count() as u64;
            let (from, to) = (first.to_string(), (first + lines).to_string());
            let parameters = [Parameter { name: "from", value: &from }, Parameter { name: "to", value: &to }];
            let entry = Entry::<&str> { code: Some("pruned"), parameters: &parameters, ..Entry::new(Event::Audit) };
            log.append_blocking(&entry).unwrap();
        }
    }

    /// Removes a segment and leaves its subtrees, as retention does.
    fn prune(&self, path: &Path) {
        let first = first(path);
        let mut range = Range::empty_at(first);
        let lines = fs::File::open(path).unwrap();
        scan(lines, STREAM, first, &[]).unwrap().slices.iter().for_each(|slice| range.extend(slice).unwrap());
        let mut line = Vec::new();
        Pruned { range, removed_at: noon() }.write(&mut line);
        line.push(b'\n');
        let file = self.stream().join("pruned.jsonl");
        fs::write(&file, [fs::read(&file).unwrap_or_default(), line].concat()).unwrap();
        fs::remove_file(path).unwrap();
    }
}

/// The first entry of a segment.
fn first(path: &Path) -> u64 {
    path.file_name().unwrap().to_str().unwrap()[..20].parse().unwrap()
}

fn verified(place: &dyn Place, witnesses: &[Witness]) -> Verdict {
    let known = Known { keys: None, first_keys: &[], witnesses, seen: None, now: noon() };
    verify::verify(place, STREAM, &known, &|_| {}).unwrap()
}

fn call(user: &str) -> Entry<'_, &str> {
    Entry { user: Some(user), ..Entry::new(Event::Call) }
}

fn record(log: &Log, users: std::ops::Range<u32>) {
    for user in users {
        log.append_blocking(&call(&format!("p-{user}"))).unwrap();
    }
}

fn env(name: &str, usually: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usually)
}

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.next() % sides.max(1) as u64).unwrap()
    }
}

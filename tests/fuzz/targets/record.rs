//! Lines of the record: put together again they are the file, and a question finds only what was asked
//! for, counts what cannot be read, and loses nothing.
#![no_main]

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::sync::LazyLock;

use datashare::audit::{Filter, Line, Lines, Recorded, query};
use libfuzzer_sys::fuzz_target;

struct Log {
    folder: tempfile::TempDir,
    segment: PathBuf,
}

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let entries = folder.path().join("guard-fuzz/entries");
    fs::create_dir_all(&entries).unwrap();
    Log { segment: entries.join("00000000000000000000.jsonl"), folder }
});

/// Gives its bytes a few at a time, as a slow disk may.
struct Slow<'b>(&'b [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let some = self.0.len().min(out.len()).min(self.1);
        out[..some].copy_from_slice(&self.0[..some]);
        self.0 = &self.0[some..];
        Ok(some)
    }
}

fuzz_target!(|file: &[u8]| {
    let step = file.first().map_or(1, |byte| usize::from(*byte) + 1);
    let mut lines = Lines::new(Slow(file, step));
    let (mut again, mut whole) = (Vec::new(), Vec::new());
    loop {
        assert_eq!(lines.offset(), again.len() as u64);
        match lines.next_line().unwrap() {
            None => break,
            Some(Line::Whole(line)) => {
                again.extend_from_slice(line);
                again.push(b'\n');
                whole.push(line.to_vec());
            }
            Some(Line::Torn(line)) => again.extend_from_slice(line),
            Some(Line::Long { .. }) => panic!("no line of a fuzzer is that long"),
        }
    }
    assert_eq!(again, file);

    fs::write(&LOG.segment, file).unwrap();
    let ask = |filter: &Filter| {
        let mut found = Vec::new();
        let summary = query::run(LOG.folder.path(), filter, None, &mut |line| {
            found.push(line.entry().unwrap());
            Ok(())
        });
        (found, summary.unwrap())
    };
    let (all, summary) = ask(&Filter::default());
    assert_eq!(summary.found, all.len() as u64);
    assert_eq!(summary.found + summary.unreadable, whole.len() as u64, "every line is found or counted");
    for entry in &all {
        assert!(whole.iter().any(|line| Recorded::parse(line).is_ok_and(|read| read == *entry)));
        assert!(entry.receipt().ends_with(&format!("/{}", entry.index)));
    }
    let filter = Filter { user: Some("p-1".into()), ..Filter::default() };
    let (some, _) = ask(&filter);
    assert!(some.iter().all(|entry| entry.user.as_deref() == Some("p-1") && all.contains(entry)));
});

//! Journals of the state directory: every whole line or none of it; damage is named and left alone, a
//! torn end is cut, and what is appended behind it is read back.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use datashare::delivery::journal::{Journal, JournalError};
use datashare::delivery::tombstones::Tombstones;
use datashare::judge::ledger::LedgerEntry;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    // a disk in memory, where there is one: every append waits for its disk
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
});

fuzz_target!(|file: &[u8]| {
    let path = FOLDER.path().join("ledger.jsonl");
    fs::write(&path, file).unwrap();
    let typed = Journal::<LedgerEntry>::read(&path);
    assert_eq!(Tombstones::read(FOLDER.path()).is_ok(), typed.is_ok());

    let read = Journal::<Value>::read(&path);
    assert!(read.is_ok() || typed.is_err());
    match Journal::<Value>::open(&path) {
        Ok((mut journal, records)) => {
            assert_eq!(read.unwrap(), records);
            let whole = file.iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(records.len(), whole);
            journal.append(&[json!({"id": 1})]).unwrap();
            let after = Journal::<Value>::read(&path).unwrap();
            assert_eq!(after.split_last(), Some((&json!({"id": 1}), records.as_slice())));
        }
        Err(JournalError::Damaged { line, .. }) => {
            assert!(read.is_err() && line >= 1);
            assert_eq!(fs::read(&path).unwrap(), file, "damage is left as it was");
        }
        Err(error) => panic!("{error}"),
    }
});

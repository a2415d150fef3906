//! The journal gives back what was appended, and survives a torn tail.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    id: u32,
    text: String,
}

fn record(id: u32) -> Record {
    Record { id, text: format!("登记 {id}\n") }
}

fn open(path: &Path) -> (Journal<Record>, Vec<Record>) {
    Journal::open(path).unwrap()
}

#[test]
fn keeps_what_was_appended_privately() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/tombstones.jsonl");
    let (mut journal, records) = open(&path);
    assert!(records.is_empty());
    journal.append(&[record(1), record(2)]).unwrap();
    journal.append(&[]).unwrap();
    journal.append(&[record(3)]).unwrap();
    assert_eq!(Journal::<Record>::read(&path).unwrap(), [record(1), record(2), record(3)]);
    drop(journal);
    assert_eq!(open(&path).1.len(), 3);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert!(Journal::<Record>::read(&dir.path().join("none")).unwrap().is_empty());
}

#[test]
fn a_crash_at_any_byte_leaves_whole_records_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.jsonl");
    open(&path).0.append(&[record(1), record(2), record(3)]).unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let complete = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        let (mut journal, records) = open(&path);
        assert_eq!(records.len(), complete, "cut at {cut}");
        journal.append(&[record(9)]).unwrap();
        let after = Journal::<Record>::read(&path).unwrap();
        assert_eq!((after.len(), after.last().unwrap().id), (complete + 1, 9));
    }
}

#[test]
fn damage_is_named_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.jsonl");
    open(&path).0.append(&[record(1), record(2), record(3)]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("{\"id\":2", "{\"id\":x", 1)).unwrap();
    let error = Journal::<Record>::open(&path).unwrap_err().to_string();
    assert!(error.contains("j.jsonl:2: damaged"), "{error}");
    // zeros, as some file systems leave them after a crash, are no torn line of ours
    fs::write(&path, format!("{text}\0\0\0\0\n")).unwrap();
    assert!(Journal::<Record>::open(&path).unwrap_err().to_string().contains(":4: damaged"));
}

#[test]
fn compacts_by_replacing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.jsonl");
    let (mut journal, _) = open(&path);
    let many: Vec<_> = (0..100_000).map(record).collect();
    journal.append(&many).unwrap();
    journal.compact(&[record(7)]).unwrap();
    journal.append(&[record(8)]).unwrap();
    assert_eq!(open(&path).1, [record(7), record(8)]);
    // a crash between writing and renaming leaves a file that nobody reads
    fs::write(path.with_extension("new"), "garbage").unwrap();
    assert_eq!(open(&path).1.len(), 2);
}

#[test]
fn an_error_poisons() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.jsonl");
    let (mut journal, _) = open(&path);
    journal.file = File::open(&path).unwrap();
    assert!(matches!(journal.append(&[record(1)]), Err(JournalError::Io { .. })));
    assert!(matches!(journal.append(&[record(1)]), Err(JournalError::Poisoned { .. })));
    assert!(matches!(journal.compact(&[record(1)]), Err(JournalError::Poisoned { .. })));
    let large = Record { id: 1, text: "x".repeat(2 * 1024 * 1024) };
    assert!(matches!(open(&path).0.append(&[large]), Err(JournalError::TooLarge { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_records_come_back_and_any_bytes_are_whole_lines_or_damage(
        texts in prop::collection::vec(any::<String>(), 0..6),
        bytes in "(\\{\"id\":[0-9]{1,3},\"text\":\"[a-z]{0,3}\"\\}\n|\\{\"id\"|\n|x){0,6}",
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j.jsonl");
        let records: Vec<_> = (0..).zip(texts).map(|(id, text)| Record { id, text }).collect();
        open(&path).0.append(&records).unwrap();
        prop_assert_eq!(open(&path).1, records);
        fs::write(&path, &bytes).unwrap();
        match Journal::<Record>::open(&path) {
            Ok((_, read)) => prop_assert_eq!(read.len(), bytes.matches('\n').count()),
            Err(JournalError::Damaged { .. }) => prop_assert_eq!(fs::read_to_string(&path).unwrap(), bytes),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}

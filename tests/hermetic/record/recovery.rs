//! After a crash everything acknowledged is there, a torn end is cut, and nothing else is touched.

use std::fs;
use std::path::Path;

use datashare::audit::{Event, Log, LogError, Options};
use proptest::prelude::*;

use super::{call, clock, entries, open, segments, simple};
use crate::folder::copy;

fn written(log: &Path, users: &[&str], options: &Options) {
    let (log, _) = Log::open(log, options, clock()).unwrap();
    for user in users {
        log.append_blocking(&call(user, &["ownerName"], &[])).unwrap();
    }
    log.close().unwrap();
}

#[test]
fn a_last_entry_torn_at_any_byte_is_cut_and_everything_before_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    written(&log, &["a", "b"], &Options::default());
    let whole = fs::read(&segments(&log)[0]).unwrap();
    let ends: Vec<_> = whole.iter().zip(1..).filter(|(byte, _)| **byte == b'\n').map(|(_, end)| end).collect();
    let (before_last, last) = (ends[1], ends[2]);
    for length in before_last..=last {
        let crashed = folder.path().join(format!("crashed-{length}"));
        copy(&log, &crashed);
        fs::write(&segments(&crashed)[0], &whole[..length]).unwrap();
        let (reopened, recovery) = Log::open(&crashed, &Options::default(), clock()).unwrap();
        let torn = length != before_last && length != last;
        let there: u64 = if length == last { 3 } else { 2 };
        assert_eq!(recovery.entries, there, "{length}");
        assert_eq!(recovery.cut.as_ref().map(|cut| cut.bytes), torn.then_some((length - before_last) as u64));
        assert_eq!(recovery.restart.as_str(), "recovered");
        reopened.close().unwrap();
        let entries = entries(&crashed);
        assert_eq!(entries.len() as u64, there + 2);
        let start = &entries[usize::try_from(there).unwrap()];
        assert_eq!((start.event, start.code.as_deref()), (Event::Start, Some("recovered")));
        assert_eq!(start.bytes, torn.then_some((length - before_last) as u64));
        fs::remove_dir_all(&crashed).unwrap();
    }
}

#[test]
fn a_start_says_what_came_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path();
    open(log).close().unwrap();
    open(log).close().unwrap();
    let said: Vec<_> = entries(log).into_iter().filter_map(|entry| entry.code).collect();
    assert_eq!(said, ["first", "clean"]);
}

#[test]
fn a_crash_right_after_a_rotation_leaves_an_empty_segment_that_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path();
    written(log, &["a"], &Options::default());
    let empty = segments(log)[0].with_file_name(format!("{:020}.jsonl", 3));
    fs::write(&empty, b"").unwrap();
    written(log, &["b"], &Options::default());
    let entries = entries(log);
    assert_eq!(entries.len(), 6);
    assert_eq!(entries[3].code.as_deref(), Some("clean"));
    assert_eq!(segments(log).len(), 2);
}

#[test]
fn what_no_crash_can_do_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    // a segment for each entry: start, a, b, stop
    written(&log, &["a", "b"], &Options { max_segment_bytes: 1, ..Options::default() });
    let harms: [(&str, Harm, &str); 7] = [
        (
            "cut-inside",
            |paths| edit(&paths[1], |text| text.truncate(text.len() - 2)),
            "00001.jsonl:1: the segment breaks off at entry 1",
        ),
        (
            "other-index",
            |paths| replace(&paths[2], "\"index\":2", "\"index\":7"),
            "00002.jsonl:1: index 7 where 2 belongs",
        ),
        (
            "other-index-last",
            |paths| replace(&paths[3], "\"index\":3", "\"index\":2"),
            "00003.jsonl:1: index 2 where 3 belongs",
        ),
        ("not-json", |paths| edit(&paths[1], |text| text.insert(3, '\u{1}')), "00001.jsonl:1: "),
        ("removed", |paths| fs::remove_file(&paths[1]).unwrap(), "00002.jsonl begins with entry 2 where 1 belongs"),
        (
            "removed-first",
            |paths| fs::remove_file(&paths[0]).unwrap(),
            "00001.jsonl begins with entry 1 where 0 belongs",
        ),
        ("other-stream", |paths| replace(&paths[3], "guard-", "draug-"), "00003.jsonl:1: an entry of stream `draug-"),
    ];
    for (name, harm, expected) in harms {
        let harmed = folder.path().join(name);
        copy(&log, &harmed);
        harm(&segments(&harmed));
        let before: Vec<_> = segments(&harmed).iter().map(|path| fs::read(path).unwrap()).collect();
        let said = Log::open(&harmed, &Options::default(), clock()).unwrap_err().to_string();
        assert!(said.contains(expected), "{name}: {said}");
        let after: Vec<_> = segments(&harmed).iter().map(|path| fs::read(path).unwrap()).collect();
        assert!(before == after, "{name}: changed");
    }
}

#[test]
fn a_bad_line_before_the_last_is_not_a_torn_one() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &["a", "b"], &Options::default());
    let path = &segments(folder.path())[0];
    replace(path, "\"user\":\"a\"", "\"user\":a\"");
    let error = Log::open(folder.path(), &Options::default(), clock()).unwrap_err();
    assert!(matches!(error, LogError::BadEntry { line: 2, .. }), "{error}");
}

type Harm = fn(&[std::path::PathBuf]);

fn edit(path: &Path, change: fn(&mut String)) {
    let mut text = fs::read_to_string(path).unwrap();
    change(&mut text);
    fs::write(path, text).unwrap();
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from));
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_at_the_end_neither_panic_nor_harm_what_was_there(
        garbage in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0), any::<u8>()], 0..200),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let log = open(folder.path());
        log.append_blocking(&simple("kept")).unwrap();
        log.close().unwrap();
        let path = &segments(folder.path())[0];
        let mut bytes = fs::read(path).unwrap();
        let kept = bytes.clone();
        bytes.extend(&garbage);
        fs::write(path, &bytes).unwrap();
        let opened = Log::open(folder.path(), &Options::default(), clock());
        let lines = garbage.split(|byte| *byte == b'\n').filter(|rest| !rest.is_empty()).count();
        if let Ok((log, recovery)) = opened {
            prop_assert_eq!(recovery.entries, 3);
            log.close().unwrap();
        } else {
            prop_assert!(lines > 1 || garbage.contains(&b'\n'));
        }
        prop_assert!(fs::read(path).unwrap().starts_with(&kept));
    }
}

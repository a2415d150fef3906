//! The journal: what was acknowledged is in the open segment after a crash, whatever the disk had got of it, and
//! nothing else is.

use std::fs;
use std::path::{Path, PathBuf};

use datashare::audit::{Log, LogError, Options};
use proptest::prelude::*;

use super::{clock, entries, open, segments, simple};
use crate::folder::copy;

const HALF: usize = 1 << 20;

/// A log with `users` on record, as a crash leaves it: the copy of one that is still being written.
fn crashed(at: &Path, users: &[&str]) -> PathBuf {
    let (running, crashed) = (at.join("running"), at.join("crashed"));
    let log = open(&running);
    for user in users {
        log.append_blocking(&simple(user)).unwrap();
    }
    copy(&running, &crashed);
    log.close().unwrap();
    crashed
}

fn journal(log: &Path) -> PathBuf {
    segments(log)[0].parent().unwrap().with_file_name("journal")
}

/// Opens, closes, and gives the users on record.
fn recovered(log: &Path) -> (Vec<String>, Option<u64>) {
    let (opened, recovery) = Log::open(log, &Options::default(), clock()).unwrap();
    opened.close().unwrap();
    let users = entries(log).into_iter().filter_map(|entry| entry.user).collect();
    (users, recovery.cut.map(|cut| cut.bytes))
}

#[test]
fn an_open_segment_that_lost_its_end_gets_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let log = crashed(folder.path(), &["a", "b", "c"]);
    let path = segments(&log)[0].clone();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        let cut = folder.path().join(format!("cut-{length}"));
        copy(&log, &cut);
        fs::write(&segments(&cut)[0], &whole[..length]).unwrap();
        assert_eq!(recovered(&cut), (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], None), "{length}");
        assert!(fs::read(&segments(&cut)[0]).unwrap().starts_with(&whole));
        fs::remove_dir_all(cut).unwrap();
    }
}

#[test]
fn what_a_power_cut_made_of_the_unsynced_part_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let log = crashed(folder.path(), &["a", "b"]);
    let path = &segments(&log)[0];
    let mut holes = fs::read(path).unwrap();
    holes[10..60].fill(0);
    holes.extend_from_slice(b"\0\0\0{\"never\":\"acknowledged\"}\n\0{\"nor\":\"this\"}\n");
    fs::write(path, holes).unwrap();
    let (users, cut) = recovered(&log);
    assert_eq!((users, cut), (vec!["a".to_owned(), "b".to_owned()], Some(44)));
}

#[test]
fn a_clean_stop_leaves_nothing_in_the_journal_and_a_damaged_journal_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let running = open(&log);
    running.append_blocking(&simple("a")).unwrap();
    running.close().unwrap();
    let after = fs::read(journal(&log)).unwrap();
    assert!(after.starts_with(&[0; 48]) && after[HALF..].starts_with(&[0; 48]));

    let log = crashed(folder.path(), &["a", "b"]);
    let whole = fs::read(journal(&log)).unwrap();
    for at in [0, 8, 20, 30, 40, 80, 200, 500, 700, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        let harmed = folder.path().join(format!("harmed-{at}"));
        copy(&log, &harmed);
        fs::write(journal(&harmed), damaged).unwrap();
        // the segment itself is whole, and stays so
        assert_eq!(recovered(&harmed), (vec!["a".to_owned(), "b".to_owned()], None), "{at}");
    }
}

#[test]
fn a_power_cut_that_tears_the_first_frame_of_a_half_leaves_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let running = folder.path().join("running");
    let writer = open(&running);
    let runs = || {
        let text = fs::read(journal(&running)).unwrap();
        [&text[..HALF], &text[HALF..]].map(|half| u64::from_le_bytes(half[8..16].try_into().unwrap()))
    };
    let mut users = Vec::new();
    // the other half, and then the first one again
    for half in [1, 0] {
        let before = runs();
        while runs()[half] == before[half] {
            assert!(users.len() < 200, "the halves take turns");
            users.push(format!("{}-{}", users.len(), "x".repeat(30_000)));
            writer.append_blocking(&simple(users.last().unwrap())).unwrap();
        }
        let crashed = folder.path().join(format!("crashed-{half}"));
        copy(&running, &crashed);
        // the entry that was not acknowledged yet: what says that it is there is torn, and the segment has anything in its
        // place
        let mut torn = fs::read(journal(&crashed)).unwrap();
        torn[half * HALF + 20] ^= 1;
        fs::write(journal(&crashed), torn).unwrap();
        let path = &segments(&crashed)[0];
        let mut segment = fs::read(path).unwrap();
        let length = segment.len();
        segment.truncate(length - 30_000);
        let begin = segment.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        segment.truncate(begin);
        let anything = b"\0\0\0\n{\"never\":\"acknowledged\"}\n\0";
        segment.extend_from_slice(anything);
        fs::write(path, segment).unwrap();
        let (found, cut) = recovered(&crashed);
        assert!(found == users[..users.len() - 1], "{half}: {} of {}", found.len(), users.len());
        assert_eq!(cut, Some(anything.len() as u64));
    }
    writer.close().unwrap();
}

#[test]
fn many_entries_go_through_a_journal_that_is_smaller_and_huge_ones_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let (running, log) = (folder.path().join("running"), folder.path().join("crashed"));
    let writer = open(&running);
    let text = "x".repeat(200_000);
    let mut expected = Vec::new();
    for round in 0..60 {
        // one in four is too long for the journal
        let user = if round % 4 == 0 { format!("{round}-{text}") } else { format!("{round}-{}", &text[..30_000]) };
        writer.append_blocking(&simple(&user)).unwrap();
        expected.push(user);
        if round == 20 {
            // together more than the journal has room for
            let together: Vec<_> = (0..10).map(|n| format!("together-{n}-{text}")).collect();
            let pending: Vec<_> = together.iter().map(|user| writer.append(&simple(user))).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            pending.into_iter().for_each(|pending| drop(runtime.block_on(pending).unwrap()));
            expected.extend(together);
        }
    }
    copy(&running, &log);
    writer.close().unwrap();
    assert_eq!(fs::metadata(journal(&log)).unwrap().len(), 2 * HALF as u64);
    // everything but the journal's part is on disk by itself
    let (users, cut) = recovered(&log);
    assert!(users == expected && cut.is_none());
}

#[test]
fn what_was_acknowledged_beside_the_journal_is_never_taken_for_what_a_crash_left() {
    let folder = tempfile::tempdir().unwrap();
    let running = folder.path().join("running");
    let writer = open(&running);
    let users: Vec<_> = (0..3).map(|n| format!("{n}-{}", "x".repeat(200_000))).collect();
    for user in &users {
        writer.append_blocking(&simple(user)).unwrap();
        let log = folder.path().join(&user[..1]);
        copy(&running, &log);
        let path = segments(&log)[0].clone();
        let whole = fs::read(&path).unwrap();
        let end = whole.len();
        // its beginning, its middle, its last letter and its line end
        for at in [end - 200_100, end - 100_000, end - 2, end - 1] {
            let mut damaged = whole.clone();
            damaged[at] = 0;
            // followed by something or not
            for behind in ["", "{\"never\":\"acknowledged\"}\n"] {
                damaged.truncate(end);
                damaged.extend_from_slice(behind.as_bytes());
                fs::write(&path, &damaged).unwrap();
                let error = Log::open(&log, &Options::default(), clock()).map(|_| ()).unwrap_err();
                assert!(matches!(error, LogError::BadEntry { .. }), "{at} of {end}: {error}");
                assert!(fs::read(&path).unwrap() == damaged, "{at} of {end}: changed");
            }
        }
    }
    writer.close().unwrap();
}

#[test]
fn what_is_cut_is_kept_beside_the_segments() {
    let folder = tempfile::tempdir().unwrap();
    let log = crashed(folder.path(), &["a"]);
    let path = &segments(&log)[0];
    for leavings in ["{\"never\":\"acknowledged\"", "\0\0"] {
        let mut torn = fs::read(path).unwrap();
        torn.extend_from_slice(leavings.as_bytes());
        fs::write(path, torn).unwrap();
        assert_eq!(recovered(&log).1, Some(leavings.len() as u64));
        assert_eq!(fs::read_to_string(journal(&log).with_file_name("cut")).unwrap(), leavings);
    }
}

#[test]
fn a_segment_that_is_shorter_than_it_ever_was_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (running, log) = (folder.path().join("running"), folder.path().join("crashed"));
    let writer = open(&running);
    for _ in 0..60 {
        writer.append_blocking(&simple(&"x".repeat(30_000))).unwrap();
    }
    copy(&running, &log);
    writer.close().unwrap();
    let path = &segments(&log)[0];
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(1000).unwrap();
    let error = Log::open(&log, &Options::default(), clock()).unwrap_err();
    assert!(matches!(error, LogError::Journal { .. }), "{error}");
    assert!(error.to_string().contains("put the intact segment back"), "{error}");
    assert_eq!(fs::metadata(path).unwrap().len(), 1000);
}

#[test]
fn a_segment_that_was_sealed_before_the_journal_could_say_so_needs_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = crashed(folder.path(), &["a", "b"]);
    let path = &segments(&log)[0];
    let sealed = zstd::encode_all(fs::File::open(path).unwrap(), 3).unwrap();
    fs::write(path.with_extension("jsonl.zst"), sealed).unwrap();
    fs::remove_file(path).unwrap();
    let (opened, recovery) = Log::open(&log, &Options::default(), clock()).unwrap();
    opened.close().unwrap();
    assert_eq!((recovery.entries, recovery.restart.as_str()), (3, "recovered"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_for_a_journal_neither_panic_nor_take_an_entry(
        text in proptest::collection::vec(any::<u8>(), 0..400),
        keeps in 0_usize..400,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let log = crashed(folder.path(), &["kept"]);
        let path = journal(&log);
        let mut journal = fs::read(&path).unwrap();
        let begin = keeps.min(text.len());
        journal[begin..text.len()].copy_from_slice(&text[begin..]);
        fs::write(&path, journal).unwrap();
        let (users, _) = recovered(&log);
        prop_assert_eq!(users, ["kept"]);
    }
}

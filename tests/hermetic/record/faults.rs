//! A disk that fails once has failed for good, and a full one refuses before it is full.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use datashare::audit::{Log, Options, RecordUnavailable};
use jiff::SignedDuration;

use super::disk::{Mood, Moody};
use super::{clock, entries, open, poll_once, simple};

#[test]
fn every_fault_ends_the_log_for_all_who_wait_and_all_who_come() {
    use Mood::*;
    for mood in [FailWrite, Full, ReadOnly, ShortWrite, FailSync, FailCreate, Panic] {
        let folder = tempfile::tempdir().unwrap();
        let disk = Moody::new();
        let (log, _) = Log::open_on(Arc::new(disk.clone()), folder.path(), &Options::default(), clock()).unwrap();
        let recorded = log.append_blocking(&simple("before")).unwrap();

        disk.set(Mood::StallSync);
        let during = log.append(&simple("during"));
        disk.wait_until_stalled();
        let stalled_at = disk.syncs();
        // what comes next begins a segment, so that creating one is tried too
        log.close_segments_at(1, SignedDuration::from_hours(1));
        let waiting = [log.append(&simple("a")), log.append(&simple("b"))];
        let mut failed = pin!(log.failed());
        assert!(poll_once(failed.as_mut()).is_pending());
        disk.set(mood);

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let first = runtime.block_on(during);
        let fails_at_sync = matches!(mood, Mood::FailSync | Mood::Panic);
        assert_eq!(first.is_err(), fails_at_sync, "{mood:?}");
        if fails_at_sync {
            assert_eq!(disk.syncs(), stalled_at, "{mood:?}: the sync was tried again");
        }
        for pending in waiting {
            assert_eq!(runtime.block_on(pending), Err(RecordUnavailable::Failed), "{mood:?}");
        }
        let failure = runtime.block_on(failed);
        assert_eq!(log.failure(), Some(failure.clone()));
        let said = failure.to_string();
        assert!(said.contains(".jsonl: ") || said.contains("/journal: "), "{said}");

        let (writes, syncs) = (disk.writes(), disk.syncs());
        disk.set(Mood::Well);
        assert_eq!(log.append_blocking(&simple("after")), Err(RecordUnavailable::Failed));
        assert_eq!(log.close(), Err(RecordUnavailable::Failed));
        assert_eq!((disk.writes(), disk.syncs()), (writes, syncs), "{mood:?}: the disk was tried again");

        // what was acknowledged is there after the restart, and the restart says what happened
        let (log, recovery) = Log::open(folder.path(), &Options::default(), clock()).unwrap();
        assert_eq!(recovery.restart.as_str(), "recovered");
        log.close().unwrap();
        let entries = entries(folder.path());
        let index = usize::try_from(recorded.index()).unwrap();
        assert_eq!(entries[index].user.as_deref(), Some("before"));
        assert!(entries.iter().all(|entry| entry.user.as_deref() != Some("after")));
    }
}

#[test]
fn no_receipt_before_the_sync_has_returned() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Moody::new();
    let (log, _) = Log::open_on(Arc::new(disk.clone()), folder.path(), &Options::default(), clock()).unwrap();
    disk.set(Mood::StallSync);
    let mut pending = pin!(log.append(&simple("held")));
    disk.wait_until_stalled();
    // its bytes are in the file already, and still it is not recorded
    assert_eq!(entries(folder.path()).last().unwrap().user.as_deref(), Some("held"));
    assert_eq!(poll_once(pending.as_mut()), Poll::Pending);
    let mut behind = pin!(log.append(&simple("behind")));
    assert_eq!(poll_once(behind.as_mut()), Poll::Pending);
    disk.set(Mood::Well);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let receipt = runtime.block_on(pending).unwrap();
    assert_eq!(receipt.to_string(), format!("{}/1", log.stream()));
    assert_eq!(runtime.block_on(behind).unwrap().index(), 2);
}

#[test]
fn what_waits_for_the_disk_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Moody::new();
    let options = Options { max_queued_entries: 3, ..Options::default() };
    let (log, _) = Log::open_on(Arc::new(disk.clone()), folder.path(), &options, clock()).unwrap();
    disk.set(Mood::StallSync);
    let in_flight = log.append(&simple("in flight"));
    disk.wait_until_stalled();
    let queued: Vec<_> = (0..3).map(|_| log.append(&simple("queued"))).collect();
    let mut refused = pin!(log.append(&simple("one too many")));
    assert_eq!(poll_once(refused.as_mut()), Poll::Ready(Err(RecordUnavailable::Busy)));
    disk.set(Mood::Well);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(in_flight).unwrap();
    for pending in queued {
        runtime.block_on(pending).unwrap();
    }
    log.append_blocking(&simple("room again")).unwrap();
}

#[test]
fn queued_bytes_are_bounded_and_a_huge_entry_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { max_queued_bytes: 4096, ..Options::default() };
    let (log, _) = Log::open(folder.path(), &options, clock()).unwrap();
    assert_eq!(log.append_blocking(&simple(&"x".repeat(5000))), Err(RecordUnavailable::Busy));
    assert_eq!(log.append_blocking(&simple(&"x".repeat(2 << 20))), Err(RecordUnavailable::TooLong));
    assert_eq!(log.append_blocking(&simple("small")).unwrap().index(), 1);
}

#[test]
fn a_nearly_full_disk_refuses_calls_until_there_is_space_again() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, clock) = (Moody::new(), clock());
    let options = Options { reserve_bytes: 1000, ..Options::default() };
    disk.set_free(999);
    let (log, _) = Log::open_on(Arc::new(disk.clone()), folder.path(), &options, clock.clone()).unwrap();
    assert_eq!(log.append_blocking(&simple("a")), Err(RecordUnavailable::DiskLow));
    disk.set_free(1000);
    assert_eq!(log.append_blocking(&simple("asked too soon")), Err(RecordUnavailable::DiskLow));
    clock.advance(SignedDuration::from_secs(1));
    log.append_blocking(&simple("b")).unwrap();

    disk.set_free(999);
    clock.advance(SignedDuration::from_secs(1));
    // the entry that finds the disk low was written while it still counted as fine
    log.append_blocking(&simple("c")).unwrap();
    while log.append_blocking(&simple("d")).is_ok() {}
    assert_eq!(log.append_blocking(&simple("e")), Err(RecordUnavailable::DiskLow));
    assert!(log.failure().is_none());
    // nobody waits for a clock that was set back
    disk.set_free(1000);
    clock.jump(-SignedDuration::from_hours(3 * 366 * 24));
    log.append_blocking(&simple("f")).unwrap();
    disk.set_free(999);
    clock.jump(-SignedDuration::from_hours(24));
    while log.append_blocking(&simple("g")).is_ok() {}
    // the reserve is there for the log's own last word
    log.close().unwrap();
}

#[test]
fn after_close_nothing_is_taken_and_the_stop_is_last() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let late = log.clone();
    log.close().unwrap();
    assert_eq!(late.append_blocking(&simple("late")), Err(RecordUnavailable::Closed));
    assert_eq!(late.close(), Err(RecordUnavailable::Closed));
    let events: Vec<_> = entries(folder.path()).iter().map(|entry| entry.event.to_string()).collect();
    assert_eq!(events, ["start", "stop"]);
}

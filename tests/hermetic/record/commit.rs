//! One sync for all who wait, indexes without a gap, segments that follow each other.

use std::path::Path;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use datashare::audit::{Log, Options, Pending, own_waker};
use jiff::SignedDuration;

use super::disk::{Mood, Moody};
use super::{call, clock, entries, open, poll_once, segments, simple};

/// A log whose disk hangs in the sync of a first entry.
fn stalled(folder: &Path) -> (Moody, Log, Pending) {
    let disk = Moody::new();
    let (log, _) = Log::open_on(Arc::new(disk.clone()), folder, &Options::default(), clock()).unwrap();
    disk.set(Mood::StallSync);
    let first = log.append(&simple("first"));
    disk.wait_until_stalled();
    (disk, log, first)
}

#[test]
fn all_who_wait_share_one_sync() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, log, first) = stalled(folder.path());
    let before = disk.syncs();
    let rest: Vec<_> = (0..500).map(|_| log.append(&simple("together"))).collect();
    disk.set(Mood::Well);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(first).unwrap();
    for (index, pending) in (2..).zip(rest) {
        assert_eq!(runtime.block_on(pending).unwrap().index(), index);
    }
    assert_eq!(disk.syncs(), before + 1);
}

#[test]
fn an_entry_for_one_task_wakes_it_and_any_other_that_waits() {
    for mood in [Mood::Well, Mood::FailSync] {
        let folder = tempfile::tempdir().unwrap();
        let (disk, log, first) = stalled(folder.path());
        let handed_on = log.append_for(&simple("handed on"), Waker::noop());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let own = tokio::spawn({
                let log = log.clone();
                async move {
                    let waker = own_waker().await;
                    log.append_for(&simple("own"), &waker).await
                }
            });
            let handed_on = tokio::spawn(handed_on);
            // both have asked, and neither can be told yet
            tokio::task::yield_now().await;
            assert!(!own.is_finished() && !handed_on.is_finished());
            disk.set(mood);
            for waits in [own, handed_on] {
                let told = tokio::time::timeout(Duration::from_secs(20), waits).await.expect("it is woken").unwrap();
                assert_eq!(told.is_ok(), mood == Mood::Well);
            }
        });
        assert_eq!(runtime.block_on(first).is_ok(), mood == Mood::Well);
    }
}

#[test]
fn threads_that_work_and_rest_leave_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = Log::open(folder.path(), &Options::default(), clock()).unwrap();
    let workers: Vec<_> = (0..3)
        .map(|worker| {
            let log = log.clone();
            std::thread::spawn(move || {
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                log.watch_thread(&mut runtime);
                let runtime = runtime.build().unwrap();
                let callers = (0..5).map(|caller| {
                    let log = log.clone();
                    runtime.spawn(async move {
                        for round in 0..50 + caller {
                            let waker = own_waker().await;
                            log.append_for(&simple(&format!("{worker}-{round}")), &waker).await.unwrap();
                        }
                    })
                });
                let callers: Vec<_> = callers.collect();
                runtime.block_on(async {
                    for caller in callers {
                        caller.await.unwrap();
                    }
                });
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    log.append_blocking(&simple("afterwards")).unwrap();
    log.close().unwrap();
    assert_eq!(entries(folder.path()).len(), 3 * (5 * 50 + 10) + 3);
}

#[test]
fn the_writer_learns_of_entries_when_their_thread_rests_or_works_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let disk = Moody::new();
    let (log, _) = Log::open_on(Arc::new(disk.clone()), folder.path(), &Options::default(), clock.clone()).unwrap();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    log.watch_thread(&mut runtime);
    let runtime = runtime.build().unwrap();
    runtime.block_on(async {
        // many at once, so that as many are expected again
        let many: Vec<_> = (0..8).map(|_| log.append_for(&simple("many"), Waker::noop())).collect();
        for pending in many {
            pending.await.unwrap();
        }
        let before = disk.syncs();
        let waker = own_waker().await;
        let first = log.append_for(&simple("first"), &waker);
        let second = log.append_for(&simple("second"), &waker);
        // this thread goes on working, and yet they are written once they have waited for long
        clock.advance(SignedDuration::from_micros(400));
        let third = log.append_for(&simple("third"), &waker);
        while disk.syncs() == before {
            std::hint::spin_loop();
        }
        for pending in [first, second, third] {
            pending.await.unwrap();
        }
        // and one that comes alone when the thread has nothing else to do
        log.append_for(&simple("alone"), &waker).await.unwrap();
    });
    log.close().unwrap();
}

#[test]
fn entries_of_many_callers_stand_in_the_order_of_their_receipts() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { max_segment_bytes: 20_000, ..Options::default() };
    let log = Log::open(folder.path(), &options, clock()).unwrap().0;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|caller| {
            let log = log.clone();
            runtime.spawn(async move {
                let mut receipts = Vec::new();
                for round in 0..10 {
                    let user = format!("{caller}-{round}");
                    let pending = log.append(&call(&user, &["ownerName"], &[]));
                    if (caller + round) % 7 == 0 {
                        // an impatient caller goes; its entry stays
                        drop(pending);
                    } else {
                        receipts.push((pending.await.unwrap(), user));
                    }
                }
                receipts
            })
        })
        .collect();
    let receipts: Vec<_> = tasks.into_iter().flat_map(|task| runtime.block_on(task).unwrap()).collect();
    log.close().unwrap();
    let entries = entries(folder.path());
    assert_eq!(entries.len(), 2 + 640);
    assert!(entries.iter().zip(0..).all(|(entry, index)| entry.index == index && *entry.stream == **log.stream()));
    for (receipt, user) in receipts {
        let entry = &entries[usize::try_from(receipt.index()).unwrap()];
        assert_eq!((entry.user.as_deref(), entry.receipt()), (Some(user.as_str()), receipt.to_string()));
    }
    assert!(segments(folder.path()).len() > 1);
}

#[test]
fn a_relay_that_comes_and_goes_leaves_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Moody::new();
    let (log, _) = Log::open_on(Arc::new(disk.clone()), folder.path(), &Options::default(), clock()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let together = |count: usize| {
        let log = log.clone();
        async move {
            let tasks: Vec<_> = (0..count).map(|_| tokio::spawn(log.append(&simple("together")))).collect();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
        }
    };
    runtime.block_on(async {
        let relays = [tokio::spawn(log.relay()), tokio::spawn(log.relay())];
        together(50).await;
        for relay in relays {
            relay.abort();
            together(50).await;
        }
    });
    // a relay that was handed its callers and goes before it looks at them
    let mut relay = Box::pin(log.relay());
    assert!(poll_once(relay.as_mut()).is_pending());
    disk.set(Mood::StallSync);
    runtime.block_on(async {
        let first = tokio::spawn(log.append(&simple("first")));
        tokio::task::yield_now().await;
        disk.wait_until_stalled();
        let rest: Vec<_> = (0..3).map(|_| tokio::spawn(log.append(&simple("left")))).collect();
        tokio::task::yield_now().await;
        disk.set(Mood::Well);
        first.await.unwrap().unwrap();
        // only the stop behind them tells that the three are on disk: their wakers lie with the relay now
        log.close().unwrap();
        drop(relay);
        for task in rest {
            task.await.unwrap().unwrap();
        }
    });
}

#[test]
fn a_thread_that_waits_is_woken_though_its_company_is_left_to_a_relay() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Moody::new();
    let (log, _) = Log::open_on(Arc::new(disk.clone()), folder.path(), &Options::default(), clock()).unwrap();
    let mut relay = Box::pin(log.relay());
    assert!(poll_once(relay.as_mut()).is_pending());
    disk.set(Mood::StallSync);
    let mut first = Box::pin(log.append(&simple("first")));
    assert!(poll_once(first.as_mut()).is_pending());
    disk.wait_until_stalled();
    // one batch of three: two whose wakers go to the relay, and the stop, whose thread is this one
    let mut company: Vec<_> = (0..2).map(|_| Box::pin(log.append(&simple("left")))).collect();
    for pending in &mut company {
        assert!(poll_once(pending.as_mut()).is_pending());
    }
    let (told, closed) = std::sync::mpsc::channel();
    let closing = {
        let log = log.clone();
        std::thread::spawn(move || told.send(log.close().map(|receipt| receipt.index())))
    };
    disk.set(Mood::Well);
    let index = closed.recv_timeout(std::time::Duration::from_secs(20)).expect("the stop is told").unwrap();
    closing.join().unwrap().unwrap();
    assert_eq!(index, 4);
    for pending in &mut company {
        assert!(poll_once(pending.as_mut()).is_ready());
    }
    drop(relay);
}

#[test]
fn a_segment_ends_at_its_size_and_at_its_age_and_is_named_by_its_first_entry() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let options = Options { max_segment_bytes: 400, ..Options::default() };
    let (log, _) = Log::open(folder.path(), &options, clock.clone()).unwrap();
    log.append_blocking(&simple(&"x".repeat(300))).unwrap();
    assert_eq!(segments(folder.path()).len(), 2, "start and the entry do not fit into 400 bytes");
    clock.advance(SignedDuration::from_mins(59));
    log.append_blocking(&simple("y")).unwrap();
    assert_eq!(segments(folder.path()).len(), 3);
    clock.advance(SignedDuration::from_mins(60));
    log.append_blocking(&simple("z")).unwrap();
    clock.jump(-SignedDuration::from_mins(60));
    log.append_blocking(&simple("z")).unwrap();
    log.close().unwrap();
    let names: Vec<_> =
        segments(folder.path()).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names, [0, 1, 2, 3, 4].map(|first| format!("{first:020}.jsonl")));
    assert_eq!(entries(folder.path()).len(), 6);
}

#[test]
fn two_writers_of_one_stream_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let said = Log::open(folder.path(), &Options::default(), clock()).unwrap_err().to_string();
    assert!(said.contains("another process"), "{said}");
    log.close().unwrap();
    open(folder.path()).close().unwrap();
}

#[test]
fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    open(&log).close().unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&log), 0o700);
    assert_eq!(mode(&segments(&log)[0]), 0o600);
}

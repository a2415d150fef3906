//! Inspections while clocks are set and time goes by: nothing escapes them, and what they suspend is so from when
//! it holds.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use datashare::audit::inspection::Inspected;
use datashare::audit::{Entry, Event, Log, NameRef, Options};
use datashare::clock::Clock;
use datashare::guard::inspecting::Inspector;
use datashare::judge::ledger::LedgerEntry;
use jiff::SignedDuration;
use parking_lot::Mutex;

use super::scheduled::inspector;
use crate::judge::world::now;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn record(log: &Log, count: usize) {
    for _ in 0..count {
        let resource = Some(NameRef { namespace: "registration", name: "ownership" });
        log.append_blocking(&Entry { resource, ..Entry::<&str>::new(Event::Refusal) }).unwrap();
    }
}

/// The inspection that is due now.
fn due(inspector: &mut Inspector) -> Inspected {
    let [(_, inspected)] = inspector.look().try_into().unwrap();
    inspected.unwrap()
}

#[test]
fn a_clock_that_was_ahead_keeps_nothing_from_being_inspected() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(now());
    let (log, _) = Log::open(folder.path(), &Options::default(), clock.clone()).unwrap();
    let start = || inspector(folder.path(), &log, &clock, &Arc::new(AtomicBool::new(true)));
    let mut live = start();
    clock.set(now() + MINUTE * 60 * 24 * 60);
    record(&log, 2);
    clock.advance(MINUTE);
    assert_eq!(due(&mut live).entries, 2);
    record(&log, 3);
    // two months back: what was not inspected then is now, at once, and what was is not again
    clock.set(now() + MINUTE * 20);
    record(&log, 4);
    clock.advance(MINUTE);
    let inspected = due(&mut live);
    assert_eq!(inspected.entries, 7);
    assert!(inspected.from <= inspected.until && inspected.until <= clock.now(), "{inspected:?}");
    assert!(live.look().is_empty() && start().look().is_empty(), "done is done, also for one that reads of it");
    record(&log, 1);
    clock.advance(MINUTE * 10);
    assert_eq!(due(&mut start()).entries, 1);
    log.close().unwrap();
}

#[test]
fn a_clock_that_was_behind_keeps_nothing_from_being_inspected() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(now());
    let (log, _) = Log::open(folder.path(), &Options::default(), clock.clone()).unwrap();
    let mut inspector = inspector(folder.path(), &log, &clock, &Arc::new(AtomicBool::new(true)));
    record(&log, 1);
    clock.advance(MINUTE * 10);
    assert_eq!(due(&mut inspector).entries, 1);
    clock.set(now() - MINUTE * 60 * 24 * 90);
    record(&log, 2);
    clock.set(now() + MINUTE * 20);
    assert_eq!(due(&mut inspector).entries, 2);
    log.close().unwrap();
}

#[test]
fn a_suspension_is_of_when_it_takes_hold() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(now());
    let (log, _) = Log::open(folder.path(), &Options::default(), clock.clone()).unwrap();
    let mut inspector = inspector(folder.path(), &log, &clock, &Arc::new(AtomicBool::new(true)));
    let segment = folder.path().join(&**log.stream()).join(format!("entries/{:020}.jsonl", 1));
    std::fs::write(segment, "no entry\nnor this\n").unwrap();
    clock.advance(MINUTE * 10);
    // a long record
    let (slow, suspended) = (clock.clone(), Arc::new(Mutex::new(None)));
    inspector.stopping = Box::new(move || {
        slow.advance(MINUTE);
        false
    });
    let (ticks, at) = (clock.clone(), suspended.clone());
    inspector.suspend = Box::new(move |entries| {
        if let [LedgerEntry::Suspended { at: when, .. }] = entries[..] {
            *at.lock() = Some((when, ticks.now()));
        }
        true
    });
    let inspected = due(&mut inspector);
    let (at, held) = suspended.lock().unwrap();
    assert_eq!(at, held);
    assert!(at > inspected.time, "{at}: {inspected:?}");
    log.close().unwrap();
}

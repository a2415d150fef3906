//! The crash matrix: at every operation on the disk, every way in which it can go wrong. Whatever
//! happens, an acknowledged entry is there afterwards, nobody has a receipt without its entry, what was
//! signed and shown still fits, and the record verifies and goes on.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use datashare::audit::checkpoint::Signed;
use datashare::audit::keys::SigningKeys;
use datashare::audit::verify::Witness;
use datashare::audit::{Disk, Log, LogError, Recorded};

use super::disk::{Doomed, FAULTS, Fault};
use super::{Dice, STREAM, Site, call, clock, env, record};

/// What a run left behind.
struct Run {
    /// By index, whose entry a caller was given a receipt for.
    acknowledged: BTreeMap<u64, String>,
    /// The newest checkpoint that was shown.
    shown: Option<Signed>,
    /// Why there was none.
    failed: Option<String>,
}

/// Entries, checkpoints, a change of keys and a stop, on this disk.
fn run(site: &Site, disk: &Doomed, round: u32) -> Run {
    let mut run = Run { acknowledged: BTreeMap::new(), shown: None, failed: None };
    let log = loop {
        match Log::open_on(Arc::new(disk.clone()), &site.log(), &site.options(), clock()) {
            Ok((log, _)) => break log,
            // a program that another test starts has our files open for a moment, locks and all
            Err(LogError::Locked { .. }) => std::thread::yield_now(),
            Err(error) => {
                run.failed = Some(error.to_string());
                return run;
            }
        }
    };
    log.set_site("jinan");
    let newest = log.published().unwrap();
    for group in 0..4_u32 {
        if group == 1 {
            // the auditor's command has a disk of its own
            let _ = SigningKeys::new(&site.keys()).create_next(&Disk, STREAM, "jinan/guard-1");
        }
        for user in 0..3 {
            let user = format!("p-{round}-{group}-{user}");
            if let Ok(receipt) = log.append_blocking(&call(&user)) {
                run.acknowledged.insert(receipt.index(), user);
            }
        }
        log.checkpoint_now();
    }
    let closed = log.close();
    run.failed = log.failure().map(|failure| failure.to_string());
    run.shown = newest.borrow().as_deref().map(|told| Signed::parse(&told.checkpoint).unwrap());
    assert!(disk.was_hit() || (closed.is_ok() && log.failure().is_none()));
    run
}

fn entries(site: &Site) -> BTreeMap<u64, Recorded> {
    let mut all = BTreeMap::new();
    for path in site.segments() {
        for line in fs::read_to_string(path).unwrap().lines() {
            let entry = Recorded::parse(line.as_bytes()).unwrap();
            all.insert(entry.index, entry);
        }
    }
    all
}

/// One point of the matrix.
fn point(at: usize, fault: Fault, part: usize, before: u32) -> bool {
    let site = Site::new();
    if before > 0 {
        // the stream has a past
        let log = site.open();
        record(&log, 0..before);
        log.close().unwrap();
    }
    let disk = Doomed::new(Some((at, fault)), part);
    let first = run(&site, &disk, 0);
    let hit = disk.was_hit();
    let what = format!("{fault:?} at {at}, part {part}, {before} before");

    // even before the next start, a crash looks like nothing else
    if site.stream().join("checkpoint").exists() || site.stream().join("keys").exists() {
        let verdict = site.verify();
        assert_eq!(verdict.findings, [], "{what}");
    }
    let second = run(&site, &Doomed::new(None, 0), 1);
    let verdict = site.verify_with(&witnesses(&first, &second));
    assert_eq!((verdict.findings.as_slice(), verdict.unproven()), (&[][..], 0), "{what}");
    let entries = entries(&site);
    for (index, user) in first.acknowledged.iter().chain(&second.acknowledged) {
        let entry = entries.get(index).unwrap_or_else(|| panic!("{what}: receipt {index} has no entry"));
        assert_eq!(entry.user.as_deref(), Some(user.as_str()), "{what}");
    }
    assert_eq!(second.acknowledged.len(), 12, "{what}: {:?}", second.failed);
    hit
}

fn witnesses(first: &Run, second: &Run) -> Vec<Witness> {
    let shown = [&first.shown, &second.shown].into_iter().flatten();
    shown.map(|signed| Witness { from: "whoever was shown it".to_owned(), signed: signed.clone() }).collect()
}

#[test]
fn whatever_the_disk_does_nothing_acknowledged_is_lost_and_the_record_verifies() {
    let healthy = Doomed::new(None, 0);
    run(&Site::new(), &healthy, 0);
    let operations = healthy.operations();
    assert!(operations > 50, "{operations}");
    let points = env("DATASHARE_CRASH_POINTS", 600);
    let mut dice = Dice(5);
    let mut hit = 0;
    for number in 0..points {
        // every operation with every fault first, then anywhere
        let (at, fault) = (1 + number % operations, FAULTS[number / operations % FAULTS.len()]);
        let (at, part) =
            if number < operations * FAULTS.len() { (at, 128) } else { (1 + dice.roll(operations), dice.roll(257)) };
        let before = u32::try_from(number % 3 * 5).unwrap();
        hit += usize::from(point(at, fault, part, before));
    }
    // a run on a stream with a past has a few operations fewer
    assert!(hit * 10 > points * 8, "only {hit} of {points} points were reached");
}

#[test]
fn after_an_error_the_disk_is_not_asked_again() {
    for fault in [Fault::Error, Fault::Full, Fault::Short] {
        for at in (2..40).step_by(3) {
            let site = Site::new();
            let disk = Doomed::new(Some((at, fault)), 100);
            run(&site, &disk, 0);
            // the other thread may be in the middle of a checkpoint: five operations
            assert!(disk.asked_again() <= 5, "{fault:?} at {at}: {}", disk.asked_again());
        }
    }
}

#[test]
fn a_second_process_is_refused_the_stream() {
    let site = Site::new();
    let log = site.open();
    let second = Log::open(&site.log(), &site.options(), clock());
    assert!(matches!(second, Err(datashare::audit::LogError::Locked { .. })));
    log.close().unwrap();
    assert!(Path::new(&site.stream().join("lock")).exists());
}

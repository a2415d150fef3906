//! Which checkpoints stay: the list grows with the record, not with the clock, and what does not stay is
//! still good as a witness.

use std::fs;
use std::path::Path;
use std::time::Duration;

use datashare::audit::checkpoint::Signed;
use datashare::audit::verify::{Folder, Kind, Witness};
use datashare::audit::{Disk, Evidence, Log, Options, keys::SigningKeys};

use super::python::Other;
use super::spoil::lines;
use super::{STREAM, Site, call, clock, record, verified};
use crate::folder::copy;

fn list(stream: &Path) -> Vec<Signed> {
    let text = fs::read(stream.join("checkpoints.jsonl")).unwrap();
    lines(&text).iter().map(|line| Signed::parse_line(line.strip_suffix(b"\n").unwrap()).unwrap()).collect()
}

/// A log in one long segment that is signed without pause.
fn busy(site: &Site) -> Log {
    let evidence = Some(Evidence { checkpoint_every: Duration::ZERO, ..Evidence::new(&site.keys()) });
    let options = Options { evidence, max_segment_bytes: 64 << 20, ..site.options() };
    let log = Log::open(&site.log(), &options, clock()).unwrap().0;
    log.set_site("jinan");
    log
}

/// Records one after the other, each with the checkpoint that came then.
fn one_by_one(log: &Log, users: std::ops::Range<u32>) -> Vec<Signed> {
    let newest = log.published().unwrap();
    let shown = users.map(|user| {
        let index = log.append_blocking(&call(&format!("p-{user}"))).unwrap().index();
        loop {
            let signed = newest.borrow().as_deref().map(|told| Signed::parse(&told.checkpoint).unwrap());
            if let Some(signed) = signed.filter(|signed| signed.checkpoint.size > index) {
                return signed;
            }
            std::thread::yield_now();
        }
    });
    shown.collect()
}

#[test]
fn the_list_grows_with_the_record_and_not_with_the_clock() {
    let site = Site::new();
    let log = busy(&site);
    let shown = one_by_one(&log, 0..50);
    assert!(shown[1..].iter().all(|signed| signed.checkpoint.interim && signed.checkpoint.number == 2));
    assert_eq!(list(&site.stream()).len(), 1);
    let verdict = site.verify();
    assert_eq!((verdict.findings, verdict.signed, verdict.checkpoints), (vec![], 51, 2));
    // a change among what only an interim one covers is found
    let elsewhere = tempfile::tempdir().unwrap();
    copy(&site.log(), elsewhere.path());
    let segment = elsewhere.path().join(STREAM).join("entries/00000000000000000000.jsonl");
    fs::write(&segment, fs::read_to_string(&segment).unwrap().replace("p-30", "p-03")).unwrap();
    let found = verified(&Folder(elsewhere.path().to_owned()), &[]).findings;
    assert_eq!(found[0].kind, Kind::Changed);
    assert!(found[0].says.ends_with("(checkpoint)"), "{found:?}");

    // much was written: one stays
    let waiting: Vec<_> = (0..10_000).map(|user| log.append(&call(&user.to_string()))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for one in waiting {
        runtime.block_on(one).unwrap();
    }
    log.checkpoint_now();
    log.close().unwrap();
    let all = list(&site.stream());
    assert!((3..=4).contains(&all.len()), "{}", all.len());
    assert_eq!(site.verify().findings, []);
}

#[test]
fn every_closed_segment_ends_with_a_checkpoint_that_stays() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..60);
    log.settle();
    let all = list(&site.stream());
    let ends: Vec<u64> = site.segments()[1..]
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap()[..20].parse().unwrap())
        .collect();
    assert!(ends.len() > 5);
    assert!(ends.iter().all(|end| all.iter().any(|signed| signed.checkpoint.size == *end)), "{ends:?} {all:?}");
    // asked for nothing else, so there are no others but the first
    assert!(all.len() <= ends.len() + 1);
    log.close().unwrap();
    assert_eq!(site.verify().findings, []);
}

#[test]
fn a_restart_takes_an_interim_checkpoint_for_what_it_is() {
    let site = Site::new();
    let log = busy(&site);
    let shown = one_by_one(&log, 0..9);
    let crashed = Site::new();
    copy(&site.log(), &crashed.log());
    copy(&site.keys(), &crashed.keys());
    log.close().unwrap();
    assert_eq!(list(&crashed.stream()).len(), 1);
    // what it covers must be there, also without the journal
    fs::remove_file(crashed.stream().join("journal")).unwrap();
    let segment = crashed.segments().pop().unwrap();
    let whole = fs::read_to_string(&segment).unwrap();
    let cut = whole.rfind("\"p-8\"").and_then(|at| whole[..at].rfind('\n')).unwrap();
    fs::write(&segment, &whole[..=cut]).unwrap();
    let refused = Log::open(&crashed.log(), &crashed.options(), clock()).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("where a checkpoint was signed for"), "{refused}");
    fs::write(&segment, whole).unwrap();
    // and it is gone on from it, also with a new key
    SigningKeys::new(&crashed.keys()).create_next(&Disk, STREAM, "jinan/guard-1").unwrap();
    let log = crashed.open();
    log.checkpoint_now();
    log.checkpoint_now();
    record(&log, 9..12);
    log.close().unwrap();
    for signed in shown {
        let witness = Witness { from: "the Lease".to_owned(), signed };
        assert_eq!(crashed.verify_with(&[witness]).findings, []);
    }
    let numbers: Vec<u64> = list(&crashed.stream()).iter().map(|signed| signed.checkpoint.number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

/// The owner of disk and key changes what was recorded, and signs everything again.
#[test]
fn who_kept_an_interim_checkpoint_can_tell_what_nobody_else_can() {
    let site = Site::new();
    let log = busy(&site);
    let kept = one_by_one(&log, 0..9).pop().unwrap();
    assert!(kept.checkpoint.interim);
    one_by_one(&log, 9..20);
    log.close().unwrap();
    let witness = Witness { from: "the Lease".to_owned(), signed: kept.clone() };
    assert_eq!(site.verify_with(std::slice::from_ref(&witness)).findings, []);
    let file = site.folder.path().join("kept");
    fs::write(&file, kept.note.to_string()).unwrap();
    let mut other = Other::start();
    assert_eq!(other.verify(&site.stream(), Some(&file)), []);

    let forged = Site::new();
    copy(&site.keys(), &forged.keys());
    fs::remove_file(forged.keys().join("guard-1.tree")).unwrap();
    let log = busy(&forged);
    one_by_one(&log, 0..5);
    one_by_one(&log, 6..21);
    log.close().unwrap();
    assert_eq!(forged.verify().findings, []);
    let found = forged.verify_with(&[witness]).findings;
    assert_eq!((found[0].kind, found[0].entries.map(|among| among.1)), (Kind::Changed, Some(10)), "{found:?}");
    let theirs = other.verify(&forged.stream(), Some(&file));
    assert_eq!(theirs[0].entries.map(|among| among.1), Some(10), "{theirs:?}");
}

#[test]
fn what_is_taken_from_the_list_or_put_into_it_is_found() {
    let site = Site::new();
    let log = busy(&site);
    one_by_one(&log, 0..3);
    log.checkpoint_now();
    let interim = one_by_one(&log, 3..9).pop().unwrap();
    let place = |list: &[u8], newest: Option<&Signed>| {
        let folder = tempfile::tempdir().unwrap();
        copy(&site.log(), folder.path());
        fs::write(folder.path().join(STREAM).join("checkpoints.jsonl"), list).unwrap();
        if let Some(newest) = newest {
            fs::write(folder.path().join(STREAM).join("checkpoint"), newest.note.to_string()).unwrap();
        }
        let ours = verified(&Folder(folder.path().to_owned()), &[]).findings;
        let theirs = Other::start().verify(&folder.path().join(STREAM), None);
        let place = |finding: &datashare::audit::verify::Finding| (finding.file.clone(), finding.line);
        assert_eq!(ours.first().map(place), theirs.first().map(place), "{ours:?} {theirs:?}");
        ours.first().map(|finding| (finding.kind, finding.line))
    };
    let whole = fs::read(site.stream().join("checkpoints.jsonl")).unwrap();
    let all = list(&site.stream());
    assert_eq!((all.len(), place(&whole, None)), (2, None));
    let mut line = interim.line();
    line.push(b'\n');
    assert_eq!(place(&[&*whole, &line].concat(), None), Some((Kind::Inserted, Some(3))));
    let first = lines(&whole).remove(0);
    assert_eq!(place(&first, None), Some((Kind::Truncated, Some(2))));
    // also the last one, when nothing follows it yet
    assert_eq!(place(&first, Some(&all[1])), Some((Kind::Truncated, Some(2))));
    assert_eq!(place(&whole, Some(&all[0])), Some((Kind::RolledBack, None)));
    log.close().unwrap();
    let after = fs::read(site.stream().join("checkpoints.jsonl")).unwrap();
    assert_eq!(place(&after, Some(&interim)), Some((Kind::RolledBack, None)));
}

#[test]
fn what_is_signed_is_not_cut_before_anybody_looks() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..3);
    log.checkpoint_now();
    let crashed = Site::new();
    copy(&site.log(), &crashed.log());
    copy(&site.keys(), &crashed.keys());
    log.close().unwrap();
    // nothing says any more what was acknowledged
    fs::remove_file(crashed.stream().join("journal")).unwrap();
    let segment = crashed.segments().pop().unwrap();
    let mut torn = fs::read(&segment).unwrap();
    torn.truncate(torn.len() - 5);
    fs::write(&segment, &torn).unwrap();
    let refused = Log::open(&crashed.log(), &crashed.options(), clock()).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("acknowledged or signed"), "{refused}");
    assert_eq!(fs::read(&segment).unwrap(), torn);
}

//! Another key takes over without a break in the chain, wherever a crash cuts in.

use std::fs;

use datashare::audit::checkpoint::Signed;
use datashare::audit::keys::{self, SigningKeys};
use datashare::audit::note::Standing;
use datashare::audit::{Disk, Recorded};

use super::{STREAM, Site, record};

#[test]
fn a_new_key_is_recorded_and_takes_over_in_a_checkpoint_that_both_sign() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..3);
    log.checkpoint_now();
    for round in 1..=2_usize {
        let signing = SigningKeys::new(&site.keys());
        let next = signing.create_next(&Disk, STREAM, "jinan/guard-1").unwrap();
        record(&log, 3..5);
        log.checkpoint_now();
        record(&log, 5..8);
        log.checkpoint_now();
        record(&log, 8..9);
        log.checkpoint_now();
        assert_eq!(signing.current(STREAM).unwrap().unwrap().public(), next.public());
        assert!(signing.next(STREAM).unwrap().is_none());
        let public = keys::read(&site.stream().join("keys")).unwrap().unwrap();
        assert_eq!((public.len(), public.last()), (round + 1, Some(next.public())));
    }
    log.close().unwrap();
    let verdict = site.verify();
    assert_eq!(verdict.findings, []);

    let public = keys::read(&site.stream().join("keys")).unwrap().unwrap();
    let lines = fs::read_to_string(site.stream().join("checkpoints.jsonl")).unwrap();
    let by: Vec<Vec<usize>> = lines
        .lines()
        .map(|line| {
            let note = Signed::parse_line(line.as_bytes()).unwrap().note;
            (0..public.len()).filter(|key| note.standing(&public[*key]) == Standing::Signed).collect()
        })
        .collect();
    assert!(by.windows(2).all(|pair| pair[0].last() == pair[1].first()), "{by:?}");
    assert_eq!(by.iter().filter(|by| by.len() == 2).count(), 2);
    let entries: Vec<Recorded> = site
        .segments()
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            text.lines().map(|line| Recorded::parse(line.as_bytes()).unwrap()).collect::<Vec<_>>()
        })
        .collect();
    let named: Vec<_> =
        entries.iter().filter(|entry| entry.event.as_str() == "key").filter_map(|entry| entry.code.clone()).collect();
    assert_eq!(named, [public[1].to_string(), public[2].to_string()]);
}

#[test]
fn a_key_that_waits_takes_over_at_the_next_run() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..3);
    log.close().unwrap();
    let next = SigningKeys::new(&site.keys()).create_next(&Disk, STREAM, "jinan/guard-1").unwrap();
    for _ in 0..2 {
        let log = site.open();
        log.checkpoint_now();
        record(&log, 3..5);
        log.close().unwrap();
        assert_eq!(site.verify().findings, []);
    }
    let public = keys::read(&site.stream().join("keys")).unwrap().unwrap();
    assert_eq!((public.len(), public.last()), (2, Some(next.public())));
    let note = fs::read_to_string(site.stream().join("checkpoint")).unwrap();
    let note = Signed::parse(&note).unwrap().note;
    assert_eq!((note.signatures(), note.standing(next.public())), (1, Standing::Signed));
}

#[test]
fn a_next_key_that_cannot_be_read_ends_nothing_and_takes_over_once_it_can() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..3);
    log.checkpoint_now();
    let path = site.keys().join(format!("{STREAM}.next"));
    fs::create_dir(&path).unwrap();
    record(&log, 3..5);
    log.checkpoint_now();
    assert_eq!(log.failure(), None);
    fs::remove_dir(&path).unwrap();
    let next = SigningKeys::new(&site.keys()).create_next(&Disk, STREAM, "jinan/guard-1").unwrap();
    record(&log, 5..7);
    log.checkpoint_now();
    record(&log, 7..9);
    log.checkpoint_now();
    log.close().unwrap();
    let public = keys::read(&site.stream().join("keys")).unwrap().unwrap();
    assert_eq!((public.len(), public.last()), (2, Some(next.public())));
    assert_eq!(site.verify().findings, []);
}

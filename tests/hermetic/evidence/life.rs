//! What a signed stream is from its first entry to its removal.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use datashare::audit::checkpoint::Signed;
use datashare::audit::keys;
use datashare::audit::note::Standing;
use datashare::audit::proof::EntryProof;
use datashare::audit::verify::{self, Folder, Kind, Known, ProveError, Seen};
use datashare::audit::{Evidence, Log, LogError, NotaryError, Options, Published};

use super::{STREAM, Site, call, clock, noon, record};
use crate::folder::copy;

#[test]
fn what_is_recorded_is_signed_and_verifies() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..5);
    log.checkpoint_now();
    record(&log, 5..20);
    log.close().unwrap();
    let verdict = site.verify();
    assert_eq!(verdict.findings, [], "{verdict:?}");
    // two segments were closed
    assert_eq!((verdict.entries, verdict.signed, verdict.checkpoints, verdict.unproven()), (22, 22, 4, 0));
    assert_eq!(verdict.origin.as_deref(), Some("jinan/guard-1"));

    // the published files are the published formats
    let note = fs::read_to_string(site.stream().join("checkpoint")).unwrap();
    let signed = Signed::parse(&note).unwrap();
    let public = keys::read(&site.stream().join("keys")).unwrap().unwrap();
    assert_eq!(signed.note.standing(&public[0]), Standing::Signed);
    let lines = fs::read_to_string(site.stream().join("checkpoints.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 4);
    assert_eq!(Signed::parse_line(lines.lines().last().unwrap().as_bytes()).unwrap(), signed);
    let mut text = note.lines();
    assert_eq!((text.next(), text.next()), (Some("jinan/guard-1"), Some("22")));
    assert_eq!(text.nth(1), Some("checkpoint 4 2026-11-24T04:00:00.000000Z"));

    // what signs is private, and not beside what is copied
    let secret = site.keys().join("guard-1.key");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = fs::read_to_string(secret).unwrap();
    for item in fs::read_dir(site.stream()).unwrap().map(Result::unwrap).filter(|item| item.path().is_file()) {
        let text = fs::read(item.path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(secret.trim()), "{item:?}");
    }
}

#[test]
fn a_checkpoint_comes_by_itself_while_entries_arrive() {
    let site = Site::new();
    let evidence = Some(Evidence { checkpoint_every: Duration::from_millis(1), ..Evidence::new(&site.keys()) });
    let (log, _) = Log::open(&site.log(), &Options { evidence, ..site.options() }, clock()).unwrap();
    let mut newest = log.published().unwrap();
    log.set_site("jinan");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for user in 0..3 {
        let index = log.append_blocking(&call(&user.to_string())).unwrap().index();
        let covers = |told: &Option<std::sync::Arc<Published>>| {
            told.as_deref().is_some_and(|told| Signed::parse(&told.checkpoint).unwrap().checkpoint.size > index)
        };
        let seen = runtime.block_on(async {
            let waited = tokio::time::timeout(Duration::from_secs(30), newest.wait_for(covers)).await;
            waited.unwrap().unwrap().clone().unwrap()
        });
        for (told, file) in [(&seen.checkpoint, "checkpoint"), (&seen.keys, "keys")] {
            assert_eq!(*told, fs::read_to_string(site.stream().join(file)).unwrap());
        }
    }
    log.close().unwrap();
    assert_eq!(site.verify().findings, []);
}

#[test]
fn a_restart_goes_on_whether_it_was_clean_or_not() {
    let site = Site::new();
    for round in 0..4_u32 {
        // nobody has to say whose it is once it has keys
        let (log, recovery) = Log::open(&site.log(), &site.options(), clock()).unwrap();
        if round == 0 {
            log.set_site("jinan");
        }
        assert_eq!(recovery.restart.as_str(), ["first", "clean", "recovered", "clean"][round as usize]);
        record(&log, 0..7);
        log.checkpoint_now();
        if round == 1 {
            // without a stop
            drop(log);
            while site.verify().unproven() > 0
                || fs::File::open(site.stream().join("lock")).unwrap().try_lock().is_err()
            {
                std::thread::yield_now();
            }
        } else {
            log.close().unwrap();
        }
        // what was kept of the tree only saves time
        match round {
            2 => fs::remove_file(site.keys().join("guard-1.tree")).unwrap(),
            1 => fs::write(site.keys().join("guard-1.tree"), "torn").unwrap(),
            _ => {}
        }
        let verdict = site.verify();
        assert_eq!((verdict.findings, verdict.checkpoints > u64::from(round)), (vec![], true));
    }
}

#[test]
fn a_start_mends_what_a_crash_leaves_of_the_checkpoints() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..3);
    log.checkpoint_now();
    record(&log, 3..6);
    log.close().unwrap();
    let whole = site.witness();
    let list = site.stream().join("checkpoints.jsonl");
    let lines = fs::read_to_string(&list).unwrap();
    let first = lines.lines().next().unwrap();
    // killed before the second line was whole, and between the two files
    fs::write(&list, format!("{lines}{{\"time\":\"2026")).unwrap();
    let newest = site.stream().join("checkpoint");
    fs::rename(&newest, site.stream().join("checkpoint.new")).unwrap();
    fs::write(&newest, Signed::parse_line(first.as_bytes()).unwrap().note.to_string()).unwrap();
    let verdict = site.verify();
    assert_eq!((verdict.findings.as_slice(), verdict.remarks.len()), (&[][..], 2), "{:?}", verdict.remarks);
    site.open().close().unwrap();
    let verdict = site.verify_with(&[whole]);
    assert_eq!((verdict.findings, verdict.checkpoints, verdict.remarks), (vec![], 4, vec![]));
}

#[test]
fn a_stream_that_lost_signed_entries_or_its_key_is_not_continued() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..20);
    log.close().unwrap();
    let open = || Log::open(&site.log(), &site.options(), clock()).map(|_| ()).unwrap_err();
    let last = site.segments().pop().unwrap();
    let text = fs::read_to_string(&last).unwrap();

    fs::remove_file(site.keys().join("guard-1.tree")).unwrap();
    fs::write(&last, "").unwrap();
    assert!(matches!(open(), LogError::Notary(NotaryError::Missing { signed: 22, .. })), "{}", open());
    fs::write(&last, text.replace("p-19", "p-91")).unwrap();
    assert!(matches!(open(), LogError::Notary(NotaryError::Changed { number: 4, .. })), "{}", open());
    fs::write(&last, text).unwrap();

    let key = site.keys().join("guard-1.key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let (log, _) = Log::open(&site.log(), &site.options(), clock()).unwrap();
    log.checkpoint_now();
    assert!(log.failure().unwrap().to_string().contains("put it back"), "{:?}", log.failure());
    drop(log);
    while fs::File::open(site.stream().join("lock")).unwrap().try_lock().is_err() {
        std::thread::yield_now();
    }
    fs::write(&key, kept).unwrap();
    site.open().close().unwrap();
    assert_eq!(site.verify().findings, []);
}

#[test]
fn sealed_and_removed_segments_verify_and_the_rest_can_be_proven() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..10);
    log.checkpoint_now();
    record(&log, 10..30);
    let segments = site.segments();
    assert!(segments.len() > 5, "{segments:?}");
    Site::give_notice(&log, &[&segments[0], &segments[1], &segments[3]]);
    log.close().unwrap();
    let segments = site.segments();
    for path in &segments[..segments.len() - 1] {
        Site::seal(path);
    }
    assert_eq!(site.verify().findings, []);
    for path in &segments[..segments.len() - 1] {
        fs::write(path, zstd::decode_all(fs::File::open(path.with_extension("jsonl.zst")).unwrap()).unwrap()).unwrap();
        fs::remove_file(path.with_extension("jsonl.zst")).unwrap();
    }
    for path in [&segments[0], &segments[1], &segments[3]] {
        site.prune(path);
    }
    Site::seal(&segments[4]);
    let verdict = site.verify();
    assert_eq!((verdict.findings.as_slice(), verdict.unproven()), (&[][..], 0));
    assert!(verdict.removed > 3);

    let keys = keys::read(&site.stream().join("keys")).unwrap().unwrap();
    let (mut proven, mut gone) = (0, 0);
    for index in 0..verdict.entries {
        match verify::prove(&Folder(site.log()), STREAM, index, &|_| {}) {
            Ok(proof) => {
                let read = EntryProof::parse(&proof.text()).unwrap();
                read.verify(&keys).unwrap();
                assert!(String::from_utf8_lossy(&read.entry).contains(&format!("\"index\":{index},")));
                proven += 1;
            }
            Err(ProveError::Gone { .. }) => gone += 1,
            Err(other) => panic!("{index}: {other}"),
        }
    }
    assert_eq!((gone, proven), (verdict.removed, verdict.entries - verdict.removed));
    let beyond = verify::prove(&Folder(site.log()), STREAM, verdict.entries, &|_| {});
    assert!(matches!(beyond, Err(ProveError::NotYet { .. })));
}

#[test]
fn an_earlier_state_and_another_log_under_the_same_name_are_found() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..5);
    log.close().unwrap();
    let earlier = tempfile::tempdir().unwrap();
    copy(&site.log(), &earlier.path().join("log"));
    let log = site.open();
    record(&log, 5..9);
    log.close().unwrap();
    let witness = site.witness();

    let seen = Seen::new(earlier.path().join("seen"));
    let known = |witnesses| Known { keys: None, first_keys: &[], witnesses, seen: Some(&seen), now: noon() };
    let verdict = verify::verify(&Folder(site.log()), STREAM, &known(&[]), &|_| {}).unwrap();
    assert_eq!(verdict.findings, []);
    seen.remember(&verdict.first_key.unwrap(), "here", &verdict.newest.unwrap()).unwrap();
    assert_eq!(site.verify_with(std::slice::from_ref(&witness)).findings, []);

    let old = Folder(earlier.path().join("log"));
    for known in [known(&[]), Known { seen: None, ..known(std::slice::from_ref(&witness)) }] {
        let verdict = verify::verify(&old, STREAM, &known, &|_| {}).unwrap();
        assert_eq!(verdict.findings[0].kind, Kind::RolledBack, "{:?}", verdict.findings);
    }
    // the same name, another key
    let other = Site::new();
    let log = other.open();
    record(&log, 0..9);
    log.close().unwrap();
    assert_eq!(other.verify().findings, []);
    let verdict = verify::verify(&Folder(other.log()), STREAM, &known(&[]), &|_| {}).unwrap();
    assert_eq!((verdict.findings[0].kind, verdict.findings[0].file.as_str()), (Kind::Forged, "guard-1/keys"));
    // everything that proves is taken away
    for file in ["keys", "checkpoint", "checkpoints.jsonl"] {
        fs::remove_file(site.stream().join(file)).unwrap();
    }
    let verdict = verify::verify(&Folder(site.log()), STREAM, &known(&[]), &|_| {}).unwrap();
    assert_eq!((verdict.findings[0].kind, verdict.findings[0].file.as_str()), (Kind::Removed, "guard-1/keys"));
    // and a clean stop leaves a checkpoint, whether anybody saw one or not
    assert_eq!(site.verify().findings[0].kind, Kind::Removed);
}

#[test]
fn what_is_sealed_was_signed_so_checkpoints_cut_back_before_it_are_missed() {
    let site = Site::new();
    let log = site.open();
    for group in 0..4 {
        record(&log, group * 5..group * 5 + 5);
        log.checkpoint_now();
    }
    let segments = site.segments();
    log.close().unwrap();
    for path in &segments[..3] {
        Site::seal(path);
    }
    assert_eq!(site.verify().findings, []);
    let list = site.stream().join("checkpoints.jsonl");
    let first = fs::read_to_string(&list).unwrap().lines().next().unwrap().to_owned();
    let signed = Signed::parse_line(first.as_bytes()).unwrap();
    fs::write(&list, format!("{first}\n")).unwrap();
    fs::write(site.stream().join("checkpoint"), signed.note.to_string()).unwrap();
    let found = site.verify().findings;
    let said: Vec<_> = found.iter().map(|finding| (finding.kind, finding.file.as_str())).collect();
    assert_eq!(said, [(Kind::Truncated, "guard-1/checkpoints.jsonl")], "{found:?}");
    // without seals it may be what a crash leaves
    for path in &segments[..3] {
        let sealed = path.with_extension("jsonl.zst");
        fs::write(path, zstd::decode_all(fs::File::open(&sealed).unwrap()).unwrap()).unwrap();
        fs::remove_file(&sealed).unwrap();
    }
    assert_eq!(site.verify().findings, []);
    assert!(site.verify().unproven() > 0);
}

#[test]
fn a_segment_that_was_removed_and_is_still_there_must_be_the_same() {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..20);
    let segments = site.segments();
    Site::give_notice(&log, &[&segments[1]]);
    log.close().unwrap();
    let text = fs::read_to_string(&segments[1]).unwrap();
    site.prune(&segments[1]);
    let verify = |text: &str| {
        fs::write(&segments[1], text).unwrap();
        site.verify().findings.into_iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    assert_eq!(verify(&text), [], "a crash leaves it");
    let shorter = text.lines().next().unwrap().to_owned() + "\n";
    for other in [text.replace("p-", "q-"), shorter, format!("{text}{text}"), format!("{text}x")] {
        assert_eq!(verify(&other), [Kind::Changed], "{other}");
    }
}

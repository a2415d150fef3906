//! `LogGap` verifies: what was changed, set back or replaced is found, by the record itself and by those who
//! keep its checkpoints; a record that is written meanwhile is not.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use datashare::api::v1alpha1::audit_policy::Check;
use datashare::audit::checkpoint::Signed;
use datashare::audit::inspection::Finding;
use datashare::audit::{Entry, Event, Evidence, Log, Options};
use datashare::clock::Clock;
use datashare::guard::inspecting::{InspectError, Inspector};
use datashare::source::change::{Place, SourceChange};
use datashare::source::object::{Object, Spec};
use jiff::SignedDuration;
use serde_json::json;

use super::scheduled::inspector;
use crate::folder::copy;
use crate::judge::world::now;

const STREAM: &str = "guard-0-0a1b2c3d";

struct Case {
    folder: tempfile::TempDir,
    clock: Clock,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: Clock::manual(now()) }
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("log")
    }

    fn open(&self) -> Log {
        let evidence = Evidence {
            checkpoint_every: Duration::from_secs(3600),
            ..Evidence::new(&self.folder.path().join("notary"))
        };
        let options = Options { stream: Some(STREAM.to_owned()), evidence: Some(evidence), ..Options::default() };
        let log = Log::open(&self.log(), &options, self.clock.clone()).unwrap().0;
        log.set_site("jinan");
        log
    }

    fn inspector(&self, log: &Log) -> Inspector {
        inspector(&self.log(), log, &self.clock, &Arc::new(AtomicBool::new(true)))
    }

    /// What the next inspection finds wrong with the record.
    fn gaps(&self, inspector: &mut Inspector) -> Vec<Finding> {
        self.clock.advance(SignedDuration::from_mins(10));
        let [(_, inspected)] = inspector.look().try_into().unwrap();
        let all = inspected.unwrap().findings.into_iter();
        all.filter(|finding| finding.check == Check::LogGap).collect()
    }
}

fn record(log: &Log, users: std::ops::Range<u32>) {
    for user in users {
        let user = format!("p-{user}");
        log.append_blocking(&Entry { user: Some(&*user), ..Entry::<&str>::new(Event::Call) }).unwrap();
    }
    log.checkpoint_now();
}

#[test]
fn an_entry_that_was_changed_is_found_among_its_neighbours() {
    let case = Case::new();
    let log = case.open();
    record(&log, 0..5);
    record(&log, 5..9);
    let mut inspector = case.inspector(&log);
    assert_eq!(case.gaps(&mut inspector), []);
    record(&log, 9..12);
    let segment = case.log().join(STREAM).join("entries/00000000000000000000.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replace("\"p-6\"", "\"p-7\"")).unwrap();
    let [found] = case.gaps(&mut inspector).try_into().unwrap();
    assert_eq!((found.receipts.as_slice(), found.count), (&[format!("{STREAM}/6")][..], 4), "{found:?}");
    assert!(found.message.en.contains("changed: entries 6 to 9 are not those"), "{}", found.message.en);
    assert!(found.message.zh.contains("被改动"), "{}", found.message.zh);
    fs::write(&segment, text).unwrap();
    assert_eq!(case.gaps(&mut inspector), []);
    log.close().unwrap();
}

#[test]
fn a_record_whose_clock_was_set_back_has_no_gap() {
    let case = Case::new();
    let log = case.open();
    let mut inspector = case.inspector(&log);
    record(&log, 0..3);
    assert_eq!(case.gaps(&mut inspector), []);
    // forty days back, and on again: these lie outside of what is read by time
    case.clock.set(now() - SignedDuration::from_hours(40 * 24));
    record(&log, 3..5);
    case.clock.set(now() + SignedDuration::from_mins(11));
    record(&log, 5..8);
    assert_eq!(case.gaps(&mut inspector), [], "what verifies is whole");
    log.close().unwrap();
}

#[test]
fn what_is_missing_or_there_twice_is_found_before_it_is_signed() {
    for says in ["entries 3 to 3 are missing", "entry 2 once more, where 3 belongs"] {
        let case = Case::new();
        let log = case.open();
        for user in 0..6 {
            let user = format!("p-{user}");
            log.append_blocking(&Entry { user: Some(&*user), ..Entry::<&str>::new(Event::Call) }).unwrap();
        }
        let segment = case.log().join(STREAM).join("entries/00000000000000000000.jsonl");
        let text = fs::read_to_string(&segment).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        if says.ends_with("missing") {
            lines.remove(3);
        } else {
            lines.insert(3, lines[2]);
        }
        fs::write(&segment, lines.join("\n") + "\n").unwrap();
        let [found] = case.gaps(&mut case.inspector(&log)).try_into().unwrap();
        assert!(found.message.en.contains(says), "{}", found.message.en);
        assert_eq!(found.receipts, [format!("{STREAM}/3")]);
        fs::write(&segment, text).unwrap();
        log.close().unwrap();
    }
}

#[test]
fn a_record_that_is_written_meanwhile_is_no_finding() {
    let case = Case::new();
    let log = case.open();
    log.set_checkpoint_every(Duration::ZERO);
    let mut inspector = case.inspector(&log);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                log.append_blocking(&Entry::<&str>::new(Event::Call)).unwrap();
            }
        });
        for _ in 0..20 {
            assert_eq!(case.gaps(&mut inspector), []);
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    log.close().unwrap();
}

#[test]
fn a_record_that_was_set_back_is_found_by_whoever_remembers() {
    let case = Case::new();
    let log = case.open();
    record(&log, 0..5);
    let earlier = case.folder.path().join("earlier");
    copy(&case.log(), &earlier);
    record(&log, 5..9);
    let later = case.folder.path().join("archive/site/").join(STREAM);
    copy(&case.log().join(STREAM), &later);
    let shown = Signed::parse(&fs::read_to_string(later.join("checkpoint")).unwrap()).unwrap();

    // under the guard's feet: it remembers what it signed
    let mut live = case.inspector(&log);
    copy(&earlier, &case.log());
    let [found] = case.gaps(&mut live).try_into().unwrap();
    assert!(found.message.en.contains("rolled back") && found.message.en.contains("memory"), "{found:?}");
    log.close().unwrap();

    // while it was down: the Lease remembers, or the archive
    fs::remove_dir_all(case.log()).unwrap();
    copy(&earlier, &case.log());
    let log = case.open();
    assert_eq!(case.gaps(&mut case.inspector(&log)), [], "nobody can tell");
    let mut told = case.inspector(&log);
    told.telling.witnesses().add("the Lease", shown);
    let [found] = case.gaps(&mut told).try_into().unwrap();
    assert!(found.message.en.contains("the Lease"), "{found:?}");
    let mut archived = case.inspector(&log);
    let site = archived.index.read().site().name.to_string();
    fs::rename(case.folder.path().join("archive/site"), case.folder.path().join("archive").join(site)).unwrap();
    let url = format!("file://{}", case.folder.path().join("archive").display());
    let policy = json!({"retention": {"period": "184d"}, "archive": {"url": url}});
    let object = Object {
        namespace: "registration".into(),
        name: "keep".into(),
        spec: Spec::AuditPolicy(serde_json::from_value(policy).unwrap()),
        labels: std::collections::BTreeMap::new(),
        annotations: std::collections::BTreeMap::new(),
    };
    archived.retentions.take(&SourceChange::Put(Box::new(object), Place { file: "".into(), nth: 0 }));
    let [found] = case.gaps(&mut archived).try_into().unwrap();
    assert!(found.message.en.contains("archive"), "{found:?}");

    archived.stopping = Box::new(|| true);
    case.clock.advance(SignedDuration::from_mins(10));
    assert!(matches!(archived.look()[..], [(_, Err(InspectError::Stopping))]));
    log.close().unwrap();
}

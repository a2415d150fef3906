//! Inspections of the whole of `up`: on time, caught up once, in the record and in `get`; what they suspend
//! stays suspended over a restart until somebody signs again; one that cannot be done is done again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datashare::api::v1alpha1::AccessGrantSpec;
use datashare::approval::signing::SigningKey;
use datashare::approval::statement::Statement;
use datashare::audit::inspection::Past;
use datashare::audit::{Event, Log, Options, Recorded};
use datashare::clock::Clock;
use datashare::guard::inspecting::{Figures, InspectError, Inspector, Orders, Telling};
use datashare::guard::retention::Retentions;
use datashare::guard::view::View;
use datashare::judge::facts::Key;
use datashare::settings::Settings;
use datashare::source::change::{Place, SourceChange};
use datashare::source::object::{Object, Spec};
use jiff::SignedDuration;
use parking_lot::RwLock;
use serde_json::json;

use crate::cli::datashare;
use crate::guard::site::{Site, until};
use crate::guard::upstream::Upstream;
use crate::guard::world::{PROVIDER, Plan, SIGNER, SITE};
use crate::judge::world::{Scene, now};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn site(upstream: &Upstream, checks: &serde_json::Value) -> Site {
    let mut plan = Plan::new(upstream.address);
    plan.resource["auditPolicyRef"] = json!({"name": "keep"});
    let site = Site::new(&plan);
    let inspection = json!({"schedule": "0 * * * *", "sample": 5, "checks": checks});
    let policy = json!({"retention": {"period": "400d", "personal": "1200d"}, "inspection": inspection});
    site.put("AuditPolicy", PROVIDER, "keep", &policy);
    site
}

fn done(site: &Site) -> Vec<Past> {
    site.entries().iter().filter_map(Past::of).collect()
}

fn found(site: &Site, code: &str) -> Vec<Recorded> {
    let mut entries = site.entries();
    entries.retain(|entry| entry.event == Event::Inspection && entry.code.as_deref() == Some(code));
    entries
}

#[test]
fn an_inspection_comes_on_time_and_a_missed_one_once() {
    let upstream = Upstream::usual();
    let site = site(&upstream, &json!({"LogGap": "Report", "OutsideApproval": "Report"}));
    let up = site.up();
    let token = site.tokens("deed-tax").remove(0).token().to_owned();
    assert_eq!(up.get(&token).status, 200);
    up.advance(HOUR - SignedDuration::from_secs(10));
    assert_eq!(up.get(&token).status, 200);
    up.advance(SignedDuration::from_secs(1));
    // too late for what is surely on the disk when the hour is over: of the next inspection
    assert_eq!(up.get(&token).status, 200);
    assert_eq!(done(&site), []);
    up.advance(SignedDuration::from_secs(9));
    until("the first inspection", || done(&site).len() == 1);
    let first = done(&site).remove(0);
    assert_eq!((first.findings, first.entries, first.policy.to_string()), (0, 2, format!("{PROVIDER}/keep")));
    assert_eq!(found(&site, "pass")[0].retain.unwrap().to_string(), "2030-03-08");
    up.stop().unwrap();

    site.clock.advance(HOUR * 72);
    let up = site.up();
    until("what was missed is caught up", || done(&site).len() == 2);
    let second = done(&site).remove(1);
    assert_eq!((second.from, second.written, second.entries), (first.until, site.clock.now(), 1));
    assert_ne!(first.seed, second.seed);
    up.advance(HOUR);
    until("and goes on as before", || done(&site).len() == 3);
    up.stop().unwrap();

    let place = site.beside("");
    let told = datashare(&place, &["get", "ap", "-o", "json", "--state", "state"]);
    let status = &told.json()["items"][0]["status"]["lastInspection"];
    assert_eq!((&status["pass"], &status["findings"]), (&json!(true), &json!(0)), "{}", told.messages);
    assert_eq!(status["time"], json!(done(&site)[2].written.to_string()));
    // by which the entry that says so is found
    let receipt = done(&site)[2].receipt.clone();
    assert_eq!(status["report"], json!(receipt));
    let index = receipt.rsplit_once('/').unwrap().1.parse::<u64>().unwrap();
    assert!(found(&site, "pass").iter().any(|entry| entry.index == index), "{receipt}");
}

#[test]
fn what_an_inspection_suspends_is_refused_until_somebody_signs_again() {
    let upstream = Upstream::usual();
    let site = site(&upstream, &json!({"OffHours": "Suspend"}));
    let up = site.up();
    let token = site.tokens("deed-tax").remove(0).token().to_owned();
    // 22:30 at the site
    up.advance(HOUR * 12 + HOUR / 2);
    assert_eq!(up.get(&token).status, 200);
    let receipt = up.get(&token).receipt().to_owned();
    up.advance(HOUR / 2);
    until("the grant is suspended", || up.get(&token).status == 403);
    until("the inspection is done", || done(&site).iter().any(|past| past.findings == 1));
    let [finding] = found(&site, "OffHours").try_into().unwrap();
    assert_eq!(finding.grant.as_ref().unwrap().serial, "serial-deed-tax");
    assert!(finding.parameters["receipts"].contains(&receipt), "{finding:?}");
    assert_eq!((finding.parameters["clause"].as_str(), finding.parameters["effect"].as_str()), ("4.2.9", "Suspend"));
    up.stop().unwrap();

    // nothing of it is forgotten
    let up = site.up();
    let refused = up.get(&token);
    assert_eq!((refused.status, refused.code().as_str()), (403, "grant-suspended"));
    let problem = refused.json();
    assert!(problem["detail"].as_str().unwrap().contains("OffHours"), "{problem}");

    // the same terms, signed once more
    let file = site.root().join("AccessGrant-deed-tax.yaml");
    let mut object: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let spec: AccessGrantSpec = serde_json::from_value(object["spec"].clone()).unwrap();
    let key = SigningKey::open(&site.beside("key"), None, &mut |_| None).unwrap();
    let statement = Statement::new(SITE, PROVIDER, "deed-tax", &spec).unwrap();
    let time = (site.clock.now() + SignedDuration::from_secs(1)).to_string();
    let signature = key.sign(&statement.bytes("Provider", SIGNER, &time).unwrap()).unwrap();
    let again = json!({"role": "Provider", "principal": SIGNER, "approvedAt": time, "signature": signature});
    object["spec"]["approvals"].as_array_mut().unwrap().push(again);
    std::fs::write(&file, object.to_string()).unwrap();
    up.advance(SignedDuration::from_secs(2));
    until("it serves again", || up.get(&token).status == 200);
    up.stop().unwrap();
}

fn scraped(figures: &Figures) -> String {
    let mut registry = prometheus_client::registry::Registry::default();
    figures.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}

/// A policy comes, or is another one from now on.
fn order(orders: &Orders, name: &str, policy: &serde_json::Value) {
    let object = Object {
        namespace: "registration".into(),
        name: name.into(),
        spec: Spec::AuditPolicy(serde_json::from_value(policy.clone()).unwrap()),
        labels: std::collections::BTreeMap::new(),
        annotations: std::collections::BTreeMap::new(),
    };
    orders.take(&SourceChange::Put(Box::new(object), Place { file: "".into(), nth: 0 }));
}

/// An inspector over a record of its own, whose suspensions work as the switch says.
pub fn inspector(folder: &std::path::Path, log: &Log, clock: &Clock, works: &Arc<AtomicBool>) -> Inspector {
    let mut scene = Scene::new();
    scene.resource["auditPolicyRef"] = json!({"name": "default"});
    let orders = Orders::default();
    let inspection = json!({"schedule": "*/10 * * * *", "checks": {"UnusedGrant": "Report", "LogGap": "Suspend"}});
    order(&orders, "default", &json!({"retention": {"period": "184d"}, "inspection": inspection}));
    let works = works.clone();
    Inspector {
        index: Arc::new(RwLock::new(scene.serving())),
        orders,
        log: log.clone(),
        folder: folder.to_owned(),
        retentions: Retentions::default(),
        view: View::new((&Settings::unknown()).into()),
        clock: clock.clone(),
        figures: Figures::default(),
        suspend: Box::new(move |_| works.load(Ordering::Relaxed)),
        stopping: Box::new(|| false),
        telling: Telling::default(),
        elsewhere: None,
        begun: now(),
        past: None,
    }
}

#[test]
fn what_cannot_be_suspended_or_recorded_is_not_done_and_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, works) = (Clock::manual(now()), Arc::new(AtomicBool::new(false)));
    let (log, _) = Log::open(folder.path(), &Options::default(), clock.clone()).unwrap();
    // lines that are no entries are a gap, and a gap suspends everybody
    let stream = folder.path().join(&**log.stream()).join("entries");
    clock.advance(SignedDuration::from_secs(1));
    std::fs::write(stream.join(format!("{:020}.jsonl", 1)), "no entry\nnor this\n").unwrap();
    clock.advance(SignedDuration::from_mins(10));
    let mut inspector = inspector(folder.path(), &log, &clock, &works);
    order(
        &inspector.orders,
        "else",
        &json!({
            "retention": {"period": "184d"}, "inspection": {"schedule": "*/10 * * * *", "checks": {}},
        }),
    );
    let done = inspector.look();
    assert!(
        matches!(done[..], [(_, Err(InspectError::Suspend)), (_, Ok(_))]),
        "keeps no other from being done: {done:?}"
    );
    works.store(true, Ordering::Relaxed);
    let [(policy, done)] = inspector.look().try_into().unwrap();
    assert_eq!((policy, done.unwrap().findings.len()), (Key::new("registration", "default"), 1));
    assert!(inspector.look().is_empty(), "done is done");
    let found = "inspection_findings{policy=\"registration/default\",check=\"LogGap\"} 1";
    let told = inspector.telling.text().unwrap();
    assert!(scraped(&inspector.figures).contains(found) && told.contains("LogGap"), "{told}");
    // and so it stays over a restart
    let mut again = self::inspector(folder.path(), &log, &clock, &works);
    order(&again.orders, "else", &json!({"retention": {"period": "184d"}}));
    assert!(again.look().is_empty(), "also for one that was not there");
    let figures = scraped(&again.figures);
    assert!(figures.contains(found) && !figures.contains("registration/else"), "no inspections, no figures: {figures}");
    assert_eq!(again.telling.text().unwrap(), told);
    order(&again.orders, "default", &json!({"retention": {"period": "184d"}}));
    assert!(again.look().is_empty());
    assert!(!scraped(&again.figures).contains("policy="), "{}", scraped(&again.figures));
    clock.advance(SignedDuration::from_mins(10));
    inspector.stopping = Box::new(|| true);
    log.close().unwrap();
    assert!(matches!(inspector.look()[..], [(_, Err(InspectError::Record(_) | InspectError::Stopping))]));
}

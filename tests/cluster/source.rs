//! A cluster as the source, on a real API server: everything that is there, each change that counts and no other, and
//! what went while nobody could look.

use std::collections::BTreeMap;
use std::time::Duration;

use datashare::api::v1alpha1::Kind;
use datashare::clock::Stopwatch;
use datashare::judge::ledger::LedgerEntry;
use datashare::source::change::{Batch, SourceChange, Version, Watched};
use datashare::source::cluster::{Applied, COMPONENT, Cluster, PART_OF, Pace, SETTINGS, SIGNERS, Scope, TOMBSTONES};
use jiff::SignedDuration;
use kube::Client;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::control_plane::{ControlPlane, PATIENCE, eventually};
use crate::definitions::{collection, served};
use crate::outage::Outage;
use crate::proxy::{Proxy, server};

/// A followed pair of namespaces: the product's own, and one with objects.
pub struct Followed<'p> {
    plane: &'p ControlPlane,
    system: String,
    cluster: Cluster,
    applied: Applied,
    /// The newest version that was told of each.
    versions: BTreeMap<Watched, Version>,
}

fn policy(name: &str, period: &str) -> Value {
    json!({
        "apiVersion": "datashare.dev/v1alpha1", "kind": "AuditPolicy", "metadata": {"name": name},
        "spec": {"retention": {"period": period, "personal": "1096d"}},
    })
}

fn revocation(name: &str) -> Value {
    json!({
        "apiVersion": "datashare.dev/v1alpha1", "kind": "Revocation", "metadata": {"name": name},
        "spec": {"target": {"grant": {"serial": "S-1"}}, "clause": "End", "reason": "over", "decidedBy": "office",
            "decidedAt": "2026-11-20T02:00:00Z"},
    })
}

/// A `ConfigMap` of the product.
pub fn map(name: &str, component: &str, key: &str, text: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {PART_OF.0: PART_OF.1, COMPONENT: component}},
        "data": {key: text},
    })
}

pub fn maps(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps")
}

pub fn create(plane: &ControlPlane, uri: &str, object: &Value) -> Value {
    let answer = plane.ask("POST", uri, object);
    assert_eq!(answer.status, 201, "{uri} {answer:?}");
    answer.body
}

pub fn version(object: &Value) -> Version {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

fn lifted(name: &str) -> String {
    format!("{{\"fact\":\"lifted\",\"namespace\":\"a\",\"name\":\"{name}\",\"at\":\"2026-11-24T02:00:00Z\"}}\n")
}

impl<'p> Followed<'p> {
    fn new(plane: &'p ControlPlane, client: &Client, system: &str, objects: &str) -> Self {
        let scope = Scope { namespace: system.to_owned(), watch_namespaces: vec![objects.to_owned()] };
        let pace = Pace::for_staleness(SignedDuration::from_secs(12));
        let cluster = plane.run(async { Cluster::follow(client, &scope, &pace) });
        Self { plane, system: system.to_owned(), cluster, applied: Applied::default(), versions: BTreeMap::new() }
    }

    fn begin(plane: &'p ControlPlane) -> Self {
        let (system, objects) = (plane.namespace("own"), plane.namespace("objects"));
        Self::new(plane, &plane.client(None), &system, &objects)
    }

    /// The next batch; what it brought counts as taken in.
    fn next(&mut self) -> Batch {
        let next = async { timeout(PATIENCE, self.cluster.next()).await };
        let batch = self.plane.run(next).expect("nothing is told").expect("the watches ended");
        self.versions.extend(batch.reached());
        self.applied.took(batch.reached(), batch.is_news());
        batch
    }

    /// All changes until there is one like this, itself included.
    fn until(&mut self, like: impl Fn(&SourceChange) -> bool) -> Vec<SourceChange> {
        let (start, mut all) = (Stopwatch::start(), Vec::new());
        while !all.iter().any(&like) {
            assert!(start.elapsed() < PATIENCE, "{all:?}");
            let news = |change: &SourceChange| !matches!(change, SourceChange::Reached(..));
            all.extend(self.next().changes.into_iter().filter(news));
        }
        all
    }

    fn complete(&mut self) -> Vec<SourceChange> {
        let mut all = Vec::new();
        while !self.cluster.is_complete() {
            all.extend(self.next().changes);
        }
        all
    }

    /// Whether everything that has happened can be proved to be taken in, within this time.
    fn is_proved(&mut self, within: Duration) -> bool {
        let prover = self.cluster.prover();
        let (cluster, applied) = (&mut self.cluster, &self.applied);
        let proof = async {
            let take = async {
                while let Some(batch) = cluster.next().await {
                    applied.took(batch.reached(), batch.is_news());
                }
            };
            tokio::select! {
                answer = prover.prove(applied) => answer.is_ok(),
                () = take => false,
            }
        };
        self.plane.run(async { timeout(within, proof).await }).unwrap_or(false)
    }
}

fn names(changes: &[SourceChange]) -> Vec<String> {
    let name = |change: &SourceChange| match change {
        SourceChange::Put(object, place) => {
            assert_eq!((&*place.file, place.nth), ("", 0));
            format!("put {}", object.name)
        }
        SourceChange::Gone(key, _) => format!("gone {}", key.name()),
        SourceChange::Credentials(key, issued) => format!("tokens {} {}", key.name, issued.len()),
        SourceChange::Settings(settings) => format!("settings {}", settings.is_some()),
        SourceChange::Signers(text) => format!("signers {}", text.len()),
        SourceChange::Ledger(entries) => format!("ledger {}", entries.len()),
        SourceChange::Reached(watched, _) => format!("reached {watched}"),
    };
    changes.iter().map(name).collect()
}

#[test]
fn everything_is_told_settings_first_and_then_what_changes() {
    let plane = served();
    let (system, objects) = (plane.namespace("own"), plane.namespace("objects"));
    create(plane, &maps(&system), &map(SETTINGS.0, "settings", SETTINGS.1, "site: test-site\n"));
    create(plane, &maps(&system), &map(SIGNERS.0, "signers", SIGNERS.1, "director ssh-ed25519 AAAA\n"));
    create(plane, &maps(&system), &map("datashare-tombstones-00002", TOMBSTONES.0, TOMBSTONES.1, &lifted("second")));
    create(plane, &maps(&system), &map("datashare-tombstones-00001", TOMBSTONES.0, TOMBSTONES.1, &lifted("first")));
    create(plane, &maps(&system), &json!({"metadata": {"name": "not-ours"}, "data": {SETTINGS.1: "site: other\n"}}));
    create(plane, &collection(Kind::AuditPolicy, &objects), &policy("one", "184d"));
    let made = create(plane, &collection(Kind::AuditPolicy, &objects), &policy("two", "184d"));

    let mut followed = Followed::new(plane, &plane.client(None), &system, &objects);
    let all = followed.complete();
    let told = names(&all);
    let at = |what: &str| told.iter().position(|name| name == what).unwrap_or_else(|| panic!("no {what} in {told:?}"));
    assert!(at("settings true") < at("put one") && at("ledger 2") < at("put two"), "{told:?}");
    let ledger: Vec<String> = all
        .iter()
        .flat_map(|change| match change {
            SourceChange::Ledger(entries) => entries.clone(),
            _ => Vec::new(),
        })
        .map(|entry| match entry {
            LedgerEntry::Lifted { name, .. } => name.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ledger, ["first", "second"]);
    assert_eq!(followed.versions.len(), 6, "{:?}", followed.versions);
    assert!(followed.versions[&Watched::Kind(Kind::AuditPolicy)] >= version(&made));

    // an edit counts, a status and an annotation of kubectl's do not
    let two = format!("{}/two", collection(Kind::AuditPolicy, &objects));
    let status = plane.ask("PATCH", &format!("{two}/status"), &json!({"status": {"streams": ["guard-0"]}}));
    assert_eq!(status.status, 200, "{status:?}");
    let noise = json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}});
    let noise = plane.ask("PATCH", &two, &noise);
    plane.ask("PATCH", &two, &json!({"spec": {"retention": {"period": "200d"}}}));
    let changes = followed.until(|change| matches!(change, SourceChange::Put(..)));
    assert_eq!(names(&changes), ["put two"]);
    assert!(followed.versions[&Watched::Kind(Kind::AuditPolicy)] > version(&noise.body));

    // what waits for somebody's finalizer is absent already, and going for good says nothing more
    plane.ask("PATCH", &two, &json!({"metadata": {"finalizers": ["example.com/slow"]}}));
    plane.ask("DELETE", &two, &Value::Null);
    let changes = followed.until(|change| matches!(change, SourceChange::Gone(..)));
    assert_eq!(names(&changes), ["gone two"]);
    plane.ask("PATCH", &two, &json!({"metadata": {"finalizers": null}}));
    eventually("two is gone", || (plane.ask("GET", &two, &Value::Null).status == 404).then_some(()));
    create(plane, &collection(Kind::Revocation, &objects), &revocation("end"));
    let changes = followed.until(|change| matches!(change, SourceChange::Put(..)));
    assert_eq!(names(&changes), ["put end"]);
}

#[test]
fn site_and_tombstones_follow_their_config_maps() {
    let plane = served();
    let mut followed = Followed::begin(plane);
    assert!(followed.complete().iter().all(|change| matches!(change, SourceChange::Reached(..))));
    let uri = maps(&followed.system);
    create(plane, &uri, &map(SETTINGS.0, "settings", SETTINGS.1, "site: test-site\n"));
    followed.until(|change| matches!(change, SourceChange::Settings(Some(settings)) if settings.site == "test-site"));
    plane.ask("PATCH", &format!("{uri}/{}", SETTINGS.0), &json!({"data": {SETTINGS.1: "sight: x\n"}}));
    followed.until(|change| matches!(change, SourceChange::Settings(None)));
    create(plane, &uri, &map(SIGNERS.0, "signers", SIGNERS.1, "a b\n"));
    followed.until(|change| matches!(change, SourceChange::Signers(text) if text == "a b\n"));
    plane.ask("DELETE", &format!("{uri}/{}", SIGNERS.0), &Value::Null);
    followed.until(|change| matches!(change, SourceChange::Signers(text) if text.is_empty()));

    let name = "datashare-tombstones-00001";
    create(plane, &uri, &map(name, TOMBSTONES.0, TOMBSTONES.1, &lifted("a")));
    followed.until(|change| matches!(change, SourceChange::Ledger(entries) if entries.len() == 1));
    assert!(followed.is_proved(PATIENCE));
    // a line that cannot be read may have ended a grant: nothing counts as recent until it can
    let write = |text: String| plane.ask("PATCH", &format!("{uri}/{name}"), &json!({"data": {TOMBSTONES.1: text}}));
    write(lifted("a") + "{\"fact\":\"en\n" + &lifted("b"));
    followed.until(|change| matches!(change, SourceChange::Ledger(entries) if entries.len() == 1));
    assert!(!followed.is_proved(Duration::from_secs(8)));
    write(lifted("a") + &lifted("b"));
    assert!(followed.is_proved(PATIENCE));
}

#[test]
fn a_quiet_cluster_is_proved_recent_and_one_that_is_cut_off_is_not() {
    let plane = served();
    let (system, objects) = (plane.namespace("own"), plane.namespace("objects"));
    let proxy = Proxy::to(server(plane));
    let mut followed = Followed::new(plane, &proxy.client(plane, None), &system, &objects);
    followed.complete();
    let quiet = Stopwatch::start();
    for _ in 0..3 {
        assert!(followed.is_proved(Duration::from_secs(12)), "a proof takes longer than maxStaleness");
    }
    println!("three proofs of a quiet cluster took {:?}", quiet.elapsed());
    proxy.silence();
    assert!(!followed.is_proved(Duration::from_secs(3)));
    create(plane, &collection(Kind::Revocation, &objects), &revocation("end"));
    assert!(!followed.is_proved(Duration::from_secs(6)), "proved though a Revocation is not taken in");
    proxy.close();
    assert!(!followed.is_proved(Duration::from_secs(1)));
    proxy.mend();
    let changes = followed.until(|change| matches!(change, SourceChange::Put(..)));
    assert_eq!(names(&changes), ["put end"]);
    assert!(followed.is_proved(PATIENCE));
}

#[test]
fn what_went_while_nobody_looked_is_told_after_a_restart_that_forgot_it() {
    let outage = Outage::start();
    let plane = outage.plane();
    let (system, objects) = (plane.namespace("own"), plane.namespace("objects"));
    let proxy = Proxy::to(server(plane));
    let uri = collection(Kind::AuditPolicy, &objects);
    create(plane, &uri, &policy("stays", "184d"));
    create(plane, &uri, &policy("goes", "184d"));
    create(plane, &uri, &policy("changes", "184d"));
    let mut followed = Followed::new(plane, &proxy.client(plane, None), &system, &objects);
    let first = followed.complete();
    assert_eq!(first.iter().filter(|change| matches!(change, SourceChange::Put(..))).count(), 3);
    let seen = followed.versions[&Watched::Kind(Kind::AuditPolicy)];

    proxy.close();
    plane.ask("DELETE", &format!("{uri}/goes"), &Value::Null);
    plane.ask("PATCH", &format!("{uri}/changes"), &json!({"spec": {"retention": {"period": "200d"}}}));
    let newest = version(&create(plane, &uri, &policy("comes", "184d")));
    outage.compact(newest);
    outage.restart();
    let old = plane.ask("GET", &format!("{uri}?watch=1&resourceVersion={seen}&timeoutSeconds=1"), &Value::Null);
    let gone = old.status == 410 || old.body.to_string().contains("too old resource version");
    assert!(gone, "the server still knows what it should have forgotten: {old:?}");

    proxy.mend();
    let mut changes = names(&followed.until(|change| matches!(change, SourceChange::Gone(..))));
    changes.sort();
    assert_eq!(changes, ["gone goes", "put changes", "put comes"]);
    assert!(followed.is_proved(PATIENCE));
}

#[test]
fn an_object_that_cannot_be_read_is_absent_and_holds_up_nobody() {
    let outage = Outage::start();
    let plane = outage.plane();
    outage.accept_anything(Kind::AuditPolicy);
    let (system, objects) = (plane.namespace("own"), plane.namespace("objects"));
    let uri = collection(Kind::AuditPolicy, &objects);
    create(plane, &uri, &policy("good", "184d"));
    create(plane, &uri, &policy("bad", "1d"));
    let wild = json!({"apiVersion": "datashare.dev/v1alpha1", "kind": "AuditPolicy", "metadata": {"name": "wild"},
        "spec": {"retention": [{"deep": {"deeper": null}}], "extra": 1.5}});
    create(plane, &uri, &wild);
    let mut followed = Followed::new(plane, &plane.client(None), &system, &objects);
    let mut said = Vec::new();
    let mut told = Vec::new();
    while !followed.cluster.is_complete() {
        let batch = followed.next();
        said.extend(batch.said);
        told.extend(batch.changes.into_iter().filter(|change| !matches!(change, SourceChange::Reached(..))));
    }
    assert_eq!(names(&told), ["put good"]);
    assert!(said.iter().any(|line| line.contains("/bad: spec.retention.period")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("/wild: ")), "{said:?}");
    plane.ask("PATCH", &format!("{uri}/good"), &json!({"spec": {"retention": {"period": 7}}}));
    assert_eq!(names(&followed.until(|change| matches!(change, SourceChange::Gone(..)))), ["gone good"]);
    plane.ask("PATCH", &format!("{uri}/bad"), &json!({"spec": {"retention": {"period": "184d"}}}));
    assert_eq!(names(&followed.until(|change| matches!(change, SourceChange::Put(..)))), ["put bad"]);
    assert!(followed.is_proved(PATIENCE));
}

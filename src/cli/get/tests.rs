//! What `get` shows of a judged directory.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

use super::list;
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::status::CredentialHash;
use crate::cli::world::World;
use crate::judge::facts::Key;
use crate::judge::ledger::Ledger;
use crate::judge::status::{Observed, Token};

const NAMESPACE: &str = "jinan-registration";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn world(now: Timestamp) -> World {
    World::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan"), Ledger::default(), now).unwrap()
}

/// A running guard and a token for each of these grants.
fn observed(world: &World, grants: &[&str]) -> Observed {
    let token = |name: &&str| {
        let key = Key::new(NAMESPACE, *name);
        let grant = world.index.grant(&key).unwrap();
        let hash = CredentialHash {
            id: format!("of-{name}"),
            serial: Some(grant.serial.to_string()),
            sha256: "0".repeat(64),
            not_before: grant.not_before.to_string(),
            not_after: grant.not_after.to_string(),
            asked: None,
            request_uid: None,
        };
        let (not_before, not_after) = (grant.not_before, grant.not_after);
        (key, vec![Token { serial: grant.serial.clone(), hash, not_before, not_after }])
    };
    Observed { guards: 1, current: 1, credentials: grants.iter().map(token).collect(), ..Observed::default() }
}

fn one(world: &World, observed: &Observed, kind: Kind, name: &str, now: Timestamp) -> Value {
    let items = list::items(world, observed, kind, now).unwrap();
    items.into_iter().find(|item| list::name(item) == name).unwrap_or_else(|| panic!("{name}"))
}

fn ready(item: &Value) -> (&str, &str) {
    let all = item["status"]["conditions"].as_array().unwrap();
    let ready = all.iter().find(|condition| condition["type"] == "Ready").unwrap();
    (ready["status"].as_str().unwrap(), ready["reason"].as_str().unwrap())
}

#[test]
fn ready_is_true_only_for_what_serves() {
    let now = time("2026-11-24T12:00:00+08:00");
    let world = world(now);
    let all = ["deed-tax", "home-purchase", "home-purchase-2025", "loan-review", "judicial-enforcement"];
    let seen = observed(&world, &all);
    for (name, status, reason) in [
        ("deed-tax", "True", "Serving"),
        ("home-purchase", "True", "Serving"),
        ("home-purchase-2025", "False", "Superseded"),
        ("loan-review", "False", "Expired"),
        ("judicial-enforcement", "False", "Pending"),
        ("inheritance-denied", "False", "Denied"),
        ("identity-check", "False", "CredentialMissing"),
    ] {
        let grant = one(&world, &seen, Kind::AccessGrant, name, now);
        assert_eq!(ready(&grant), (status, reason), "{name}");
    }
    let grant = one(&world, &seen, Kind::AccessGrant, "deed-tax", now);
    assert_eq!(grant["status"]["enforcement"]["current"], 1);
    assert_eq!(grant["status"]["credentials"][0]["id"], "of-deed-tax");
    let older = one(&world, &seen, Kind::AccessGrant, "home-purchase-2025", now);
    assert!(older["status"]["revocation"]["cause"].as_str().unwrap().contains("9号"), "{older:#}");
    let stopped = Observed { current: 0, ..seen };
    let grant = one(&world, &stopped, Kind::AccessGrant, "deed-tax", now);
    assert_eq!(ready(&grant), ("False", "NoGuard"));
}

#[test]
fn requests_tell_where_they_stand() {
    let now = time("2026-11-24T12:00:00+08:00");
    let world = world(now);
    let seen = observed(&world, &["deed-tax"]);
    for (name, phase, grant) in [
        ("deed-tax", "Granted", Some("deed-tax")),
        ("home-purchase-2025", "Superseded", Some("home-purchase-2025")),
        ("loan-review", "Expired", Some("loan-review")),
        ("judicial-enforcement", "Pending", Some("judicial-enforcement")),
        ("inheritance", "Denied", Some("inheritance-denied")),
        ("household-check", "Pending", None),
    ] {
        let request = one(&world, &seen, Kind::DataShareRequest, name, now);
        assert_eq!(request["status"]["phase"], phase, "{name}");
        assert_eq!(request["status"]["grantRef"]["name"].as_str(), grant, "{name}");
    }
    let request = one(&world, &seen, Kind::DataShareRequest, "deed-tax", now);
    assert_eq!(ready(&request), ("True", "Serving"));
    assert_eq!(request["status"]["credential"]["id"], "of-deed-tax");
}

#[test]
fn resources_count_who_is_served_and_direct_lines_fall_due() {
    let now = time("2026-11-24T12:00:00+08:00");
    let world = world(now);
    let seen = observed(&world, &["deed-tax", "home-purchase"]);
    let resource = one(&world, &seen, Kind::SharedResource, "property-ownership", now);
    assert_eq!((&resource["status"]["grants"], ready(&resource)), (&2.into(), ("True", "Serving")));
    let unused = one(&world, &seen, Kind::SharedResource, "loans", now);
    assert_eq!(ready(&unused), ("False", "NoGrant"));
    let overdue = |at| {
        let direct = one(&world, &seen, Kind::SharedResource, "tax-paid", at);
        let all = direct["status"]["conditions"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["type"] == "Overdue").unwrap()["status"].clone()
    };
    assert_eq!((overdue(now), overdue(time("2036-01-01T00:00:00Z"))), ("False".into(), "True".into()));
}

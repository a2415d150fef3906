//! `OutsideApproval`: a record that a broken guard would leave behind, one deviation each.

use datashare::api::v1alpha1::audit_policy::Check;
use datashare::judge::index::Change;
use datashare::judge::ledger::{Cause, LedgerEntry};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Case, set};
use crate::judge::world::{PROVIDER, Scene, UNIT, apply, at, now, revocation, suspended};

const NOON: &str = "2026-11-23T12:00:00+08:00";

fn case() -> Case {
    Case::of(Check::OutsideApproval)
}

#[test]
fn what_the_guard_records_is_as_approved() {
    let mut case = case();
    case.call(NOON, |_| {}).call(NOON, set("user", Value::Null));
    assert_eq!(case.said(), [""; 0]);
    assert!(case.inspect().sample.iter().all(|one| one.objections.is_empty()));
}

#[test]
fn every_deviation_from_the_signed_terms_is_found_and_named() {
    type Edit = fn(&mut Value);
    let deviations: [(&str, Edit); 11] = [
        ("field area was never granted", |e| e["fields"] = json!(["owner", "area"])),
        ("operation by-owner was never granted", |e| e["operation"] = json!("by-owner")),
        ("outside of the time of the grant", |e| e["time"] = json!("2026-11-19T15:59:59Z")),
        ("another resource than the granted one", |e| e["resource"]["name"] = json!("marriages")),
        ("another unit than the one granted", |e| e["unit"]["code"] = json!("x")),
        ("another system than the one granted", |e| e["system"] = json!("x")),
        ("from an address that was not asked for", |e| e["source"] = json!("192.168.0.1")),
        ("released under no grant at all", |e| e["grant"] = Value::Null),
        ("other terms than those enforced", |e| e["grant"]["digest"] = json!(format!("sha256:{}", "0".repeat(64)))),
        ("no approval with this serial", |e| e["grant"]["serial"] = json!("S-9")),
        ("from an address that was not asked for", |e| e["source"] = Value::Null),
    ];
    for (says, edit) in deviations {
        let mut case = case();
        if says.starts_with("another resource") {
            let mut other = case.scene.clone();
            other.resource["title"] = json!("marriages");
            let spec = serde_json::from_value(other.resource).unwrap();
            let key = datashare::judge::facts::Key::new(PROVIDER, "marriages");
            apply(&mut case.index, Change::Resource(datashare::judge::facts::Resource::read(key, &spec).unwrap()));
        }
        case.call(NOON, |_| {}).call(NOON, edit);
        let found = case.findings();
        assert!(found.iter().any(|one| one.message.en.contains(says)), "{says}: {:?}", case.said());
        let one = &found[0];
        assert_eq!((one.receipts.as_slice(), one.clause, one.count), (["guard-0/1".to_owned()].as_slice(), "B1", 1));
        let sample = case.inspect().sample;
        assert_eq!(sample.iter().filter(|one| !one.objections.is_empty()).count(), 1, "{says}");
    }
}

#[test]
fn a_list_of_users_and_what_each_call_must_name_bind() {
    let mut case = Case::with(Check::OutsideApproval, |scene| {
        scene.request["users"] = json!(["p-1", "p-2"]);
        scene.terms["users"] = json!(["p-1"]);
        scene.terms["requires"] = json!({"consent": true, "case": true, "user": true});
    });
    case.call(NOON, set("case", "k-1"));
    assert_eq!(case.said(), [""; 0]);
    case.call(NOON, set("user", "p-2")).call(NOON, set("user", Value::Null));
    let said = case.said().join("; ");
    for says in ["not one of those granted", "no user is named", "no case is named"] {
        assert!(said.contains(says), "{says}: {said}");
    }
}

#[test]
fn a_grant_that_has_gone_is_still_known_to_the_ledger() {
    let mut case = case();
    case.call(NOON, |_| {});
    apply(&mut case.index, Change::GrantGone(case.scene.key()));
    assert_eq!(case.said(), [""; 0]);
    case.call(NOON, set("system", "x"));
    assert_eq!(case.said(), ["another system than the one granted"]);
}

#[test]
fn what_was_released_after_the_end_is_found_and_what_was_on_its_way_is_not() {
    let mut case = case();
    let ended = at(NOON);
    case.index.record(
        &[LedgerEntry::Ended {
            namespace: PROVIDER.into(),
            serial: "S-1".into(),
            cause: Cause::Revoked,
            digest: None,
            scope: None,
            resources: None,
            by: "leak".into(),
            at: ended,
        }],
        now(),
    );
    case.call("2026-11-23T11:59:59+08:00", |_| {}).call("2026-11-23T12:00:59+08:00", |_| {});
    assert_eq!(case.said(), [""; 0]);
    case.call("2026-11-23T12:01:00+08:00", |_| {});
    assert_eq!(case.said(), ["released after its end (Revoked by leak)"]);
    // for so long a guard may not have heard of it, and does as it should
    case.max_staleness = Some(SignedDuration::from_mins(5));
    assert_eq!(case.said(), [""; 0]);
    case.call("2026-11-23T12:06:00+08:00", |_| {});
    assert_eq!(case.findings()[0].count, 1);
    case.max_staleness = None;
    assert_eq!(case.said(), [""; 0], "up to an hour, where nobody knows");
    case.call("2026-11-23T13:01:00+08:00", |_| {});
    assert_eq!(case.findings()[0].count, 1);
}

#[test]
fn what_was_released_to_one_who_is_barred_or_while_suspended_is_found() {
    let mut barred = case();
    let bars = [("unit", json!({"unit": {"code": UNIT}})), ("person", json!({"person": {"id": "p-1"}}))];
    for (name, target) in bars {
        let effects = barred.index.apply(Change::Revocation(revocation(name, &target, None)), at(NOON));
        barred.index.record(&effects.ledger, at(NOON));
    }
    barred.call("2026-11-23T11:00:00+08:00", |_| {});
    assert_eq!(barred.said(), [""; 0]);
    barred.call("2026-11-23T13:00:00+08:00", |_| {}).call("2026-11-23T13:00:00+08:00", set("user", "p-2"));
    let found = barred.findings();
    let counts: Vec<_> = found.iter().map(|one| (one.message.en.as_str(), one.count)).collect();
    let expected =
        [("released to one whom Revocation person bars", 1), ("released to one whom Revocation unit bars", 2)];
    assert_eq!(counts, expected);

    let mut held = case();
    held.index.record(&[suspended(at(NOON))], now());
    held.call("2026-11-23T11:00:00+08:00", |_| {}).call("2026-11-23T13:00:00+08:00", |_| {});
    assert_eq!(held.said(), ["released while an inspection had suspended it"]);
    let mut cleared: Scene = held.scene.clone();
    let approver = crate::judge::world::Approver::new("Provider", "director@jinan", "2026-11-23T12:30:00+08:00");
    cleared.approvals.push(approver);
    apply(&mut held.index, Change::from(cleared.grant()));
    assert_eq!(held.said(), [""; 0]);
}

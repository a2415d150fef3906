//! A guard inspects its own stream: it suspends at once, tells the operator in its Lease, and counts the
//! inspection as done only when what it suspends has come back as a tombstone.

use datashare::api::v1alpha1::Kind;
use datashare::source::cluster::TOMBSTONES;
use serde_json::{Value, json};

use super::city::{City, days, text};
use super::running::Running;
use super::upstream::Upstream;
use crate::control_plane::eventually;
use crate::definitions::{collection, served};
use crate::source::{create, map, maps};

/// Entries of inspections by the city's policy: a guard here sees the policies of other tests too.
fn inspections(guard: &Running, city: &City) -> Vec<Value> {
    let policy = format!("{}/default", city.provider);
    let ours = |entry: &Value| entry["event"] == "inspection" && entry["parameters"]["policy"] == policy;
    guard.entries("guard-0").into_iter().filter(ours).collect()
}

#[test]
fn an_inspection_of_a_guard_suspends_at_once_and_is_done_when_that_is_durable() {
    let (plane, upstream) = (served(), Upstream::usual());
    let city = City::new(plane);
    city.settle("30s");
    city.resource_with(
        upstream.address,
        &json!({
            "auditPolicyRef": {"name": "default"},
            "channel": {"tier": "Direct", "migration": {"to": "City", "by": "2020-01-01"},
                "exception": {"reason": "until then", "approval": {"uri": "file:///x", "sha256": "0".repeat(64)}}},
        }),
    );
    city.secret("s3cret");
    // each minute, for nobody can wait until Monday
    let checks = json!({"MigrationOverdue": "Suspend"});
    let policy = json!({"apiVersion": "datashare.dev/v1alpha1", "kind": "AuditPolicy", "metadata": {"name": "default"},
        "spec": {"retention": {"period": "184d"}, "inspection": {"schedule": "* * * * *", "checks": checks}}});
    create(plane, &collection(Kind::AuditPolicy, &city.provider), &policy);
    city.serving("deed-tax");
    let guard = Running::start(&city, "guard-0", &plane.kubeconfig(Some(&city.guard())));
    guard.until(&city, "deed-tax", "200");
    let told = eventually("the Lease tells of a suspension", || {
        let lease = city.lease("guard-0")?;
        let text = lease["metadata"]["annotations"]["datashare.dev/inspected"].as_str()?;
        let told: Value = serde_json::from_str(text).unwrap();
        told["suspends"].as_array()?.first().cloned()
    });
    assert_eq!((&told["check"], &told["serial"]), (&json!("MigrationOverdue"), &json!("serial-deed-tax")));
    assert_eq!(guard.call_of(&city, "deed-tax").code(), "grant-suspended");
    let done = || inspections(&guard, &city).len();
    assert_eq!(done(), 0, "it is not durable yet");

    // as the operator writes it down
    let line = told.to_string() + "\n";
    create(plane, &maps(&city.system), &map("datashare-tombstones-00002", TOMBSTONES.0, TOMBSTONES.1, &line));
    eventually("finding and inspection are in the record", || (done() >= 2).then_some(()));
    eventually("nothing more is to be suspended", || {
        let lease = city.lease("guard-0")?;
        let told: Value =
            serde_json::from_str(lease["metadata"]["annotations"]["datashare.dev/inspected"].as_str()?).ok()?;
        let findings = &told["policies"][format!("{}/default", city.provider)]["findings"];
        (told["suspends"] == json!([]) && *findings == json!({"MigrationOverdue": 1})).then_some(())
    });
    assert_eq!(guard.call_of(&city, "deed-tax").code(), "grant-suspended");
}

#[test]
fn a_grant_that_no_guard_has_answered_for_long_is_found_and_one_that_another_guard_answered_is_not() {
    let (plane, upstream) = (served(), Upstream::usual());
    let city = City::new(plane);
    city.settle("30s");
    city.resource_with(upstream.address, &json!({"auditPolicyRef": {"name": "default"}}));
    city.secret("s3cret");
    let policy = json!({"apiVersion": "datashare.dev/v1alpha1", "kind": "AuditPolicy", "metadata": {"name": "default"},
        "spec": {"retention": {"period": "184d"},
            "inspection": {"schedule": "* * * * *", "checks": {"UnusedGrant": "Report"}}}});
    create(plane, &collection(Kind::AuditPolicy, &city.provider), &policy);
    for (number, (name, used)) in (1..).zip([("forgotten", -95), ("busy-elsewhere", -3)]) {
        let spec = city.grant_signed(name, &json!({}), days(-100));
        city.enforce(number, &spec);
        city.credentials(name, &[(&city.token(name), None)]);
        // as the operator has it from all guards
        let uri = format!("{}/{name}/status", collection(Kind::AccessGrant, &city.provider));
        let answer = plane.ask("PATCH", &uri, &json!({"status": {"lastUsed": text(days(used))}}));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let guard = Running::start(&city, "guard-0", &plane.kubeconfig(Some(&city.guard())));
    let found = eventually("an inspection is in the record", || {
        let entries = inspections(&guard, &city);
        entries.iter().any(|entry| entry["parameters"]["entries"].is_string()).then_some(entries)
    });
    let of_grants: Vec<_> = found.iter().filter(|entry| !entry["grant"].is_null()).collect();
    assert_eq!(of_grants.len(), 1, "{found:?}");
    assert_eq!((&of_grants[0]["grant"]["name"], &of_grants[0]["code"]), (&json!("forgotten"), &json!("UnusedGrant")));
}

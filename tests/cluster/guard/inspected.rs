//! A guard inspects its own stream: it suspends at once, tells the operator in its Lease, and counts the
//! inspection as done only when what it suspends has come back as a tombstone.

use datashare::api::v1alpha1::Kind;
use datashare::source::cluster::TOMBSTONES;
use serde_json::{Value, json};

use super::city::City;
use super::running::Running;
use super::upstream::Upstream;
use crate::control_plane::eventually;
use crate::definitions::{collection, served};
use crate::source::{create, map, maps};

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
    let done = || guard.entries("guard-0").into_iter().filter(|entry| entry["event"] == "inspection").count();
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

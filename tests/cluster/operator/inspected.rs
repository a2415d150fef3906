//! What guards' inspections find is told in the policies' status and in Events, and what they suspend is
//! durable, holds for everybody, and outlives the guard that said it. Nothing else that a Lease says does.

use serde_json::{Value, json};

use super::credentials::{granted, handed};
use super::tombstones::entries;
use super::world::World;
use crate::control_plane::eventually;
use crate::corpus::samples;

use datashare::api::v1alpha1::Kind;

/// What a guard says in its Lease.
fn tell(world: &World, guard: &str, told: &Value) {
    let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{guard}", world.own);
    let patch = json!({"metadata": {"annotations": {"datashare.dev/inspected": told.to_string()}}});
    let answer = world.plane.ask("PATCH", &uri, &patch);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn what_a_guard_finds_is_told_and_what_it_suspends_stays_suspended() {
    let world = World::new("inspected");
    let operator = world.operator("a");
    let mut policy = samples(Kind::AuditPolicy, "accept").remove(0).object;
    policy["metadata"]["namespace"] = json!(world.scene.provider);
    world.put(&policy);
    let (_, grant) = granted(&world, "deed-tax");
    world.guard("guard-0", u64::MAX);
    world.guard("guard-1", u64::MAX);
    handed(&world, &grant, 1, "");
    world.condition(&grant, "Ready", "True", "Serving");

    let name = format!("{}/{}", world.scene.provider, policy["metadata"]["name"].as_str().unwrap());
    let time = "2026-11-24T04:30:00Z";
    let ended = |findings: Value| json!({"policies": {&name: {"time": time, "findings": findings}}, "suspends": []});
    tell(&world, "guard-0", &ended(json!({})));
    let last = |wanted: Value| {
        eventually("the status tells of the inspection", || {
            let there = world.get(&policy)?;
            (there["status"]["lastInspection"] == wanted).then_some(())
        });
    };
    last(json!({"time": time, "pass": true, "findings": 0}));

    // somebody who can write this guard's Lease can suspend, and end nothing
    let provider = &world.scene.provider;
    let suspended = json!({"fact": "suspended", "namespace": provider, "serial": "S-deed-tax", "check": "BulkHarvest",
        "by": name, "receipt": "guard-1/7", "at": time});
    let ends = json!({"fact": "ended", "namespace": provider, "serial": "S-deed-tax", "cause": "Revoked", "by": "x", "at": time});
    let mut told = ended(json!({"BulkHarvest": 2, "RecallOverdue": 1}));
    told["suspends"] = json!([ends, suspended]);
    tell(&world, "guard-1", &told);
    let there = world.condition(&grant, "Ready", "False", "Suspended");
    let message = super::world::condition(&there, "Ready")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("BulkHarvest (receipt guard-1/7)") && message.contains("--again"), "{message}");
    assert_eq!((entries(&world, "suspended"), entries(&world, "ended").len()), (vec![suspended], 0));
    last(json!({"time": time, "pass": false, "findings": 3}));
    let uri = format!("/apis/events.k8s.io/v1/namespaces/{provider}/events");
    eventually("an Event says so", || {
        let events = world.plane.ask("GET", &uri, &Value::Null).body;
        let said = |event: &&Value| event["reason"] == "InspectionFindings" && event["type"] == "Warning";
        events["items"].as_array()?.iter().find(said).map(|_| ())
    });

    // the guard has heard it and says no more, and another operator takes over
    tell(&world, "guard-1", &ended(json!({"BulkHarvest": 2})));
    operator.stop();
    let _operator = world.operator("b");
    world.patch(&grant, "", &json!({"metadata": {"labels": {"look": "again"}}}));
    world.condition(&grant, "Ready", "False", "Suspended");
    assert_eq!(entries(&world, "suspended").len(), 1, "once is enough");
}

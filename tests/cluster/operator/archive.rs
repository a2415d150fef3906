//! How guards keep their streams is told in the policies' status, and in an Event when it changes.

use serde_json::{Value, json};

use super::world::World;
use crate::control_plane::eventually;
use crate::corpus::samples;

use datashare::api::v1alpha1::Kind;

/// What a guard says in its Lease.
fn tell(world: &World, guard: &str, kept: &Value) {
    let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{guard}", world.own);
    let patch = json!({"metadata": {"annotations": {"datashare.dev/record": kept.to_string()}}});
    let answer = world.plane.ask("PATCH", &uri, &patch);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn an_archive_that_fails_is_a_condition_and_an_event_of_the_policy() {
    let world = World::new("archived");
    let _operator = world.operator("a");
    let mut policy = samples(Kind::AuditPolicy, "accept").remove(0).object;
    policy["metadata"]["namespace"] = json!(world.scene.provider);
    world.put(&policy);
    world.guard("guard-0", u64::MAX);
    world.condition(&policy, "Ready", "True", "InForce");

    tell(&world, "guard-0", &json!({"hasArchive": true, "archivedThrough": 70}));
    let told = world.condition(&policy, "Archived", "True", "Archived");
    assert_eq!(told["status"]["archivedThrough"], "guard-0/70");

    let trouble = json!({"s3://records/log": "no answer in 300 s"});
    let since = "2026-11-24T04:00:00Z";
    tell(
        &world,
        "guard-0",
        &json!({"hasArchive": true, "archivedThrough": 70, "lagsSince": since, "oldest": since, "troubles": trouble}),
    );
    let told = world.condition(&policy, "Archived", "False", "ArchiveFails");
    let message = super::world::condition(&told, "Archived")["message"].as_str().unwrap().to_owned();
    assert_eq!(message, "guard-0: s3://records/log: no answer in 300 s");
    assert_eq!(told["status"]["oldestRecord"], since);
    let uri = format!("/apis/events.k8s.io/v1/namespaces/{}/events", world.scene.provider);
    eventually("an Event says so", || {
        let events = world.plane.ask("GET", &uri, &Value::Null).body;
        let said = |event: &&Value| event["reason"] == "ArchiveFails" && event["type"] == "Warning";
        events["items"].as_array()?.iter().find(said).map(|_| ())
    });

    tell(&world, "guard-0", &json!({"hasArchive": true, "archivedThrough": 90, "oldest": since}));
    let told = world.condition(&policy, "Archived", "True", "Archived");
    assert_eq!(told["status"]["archivedThrough"], "guard-0/90");
}

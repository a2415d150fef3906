//! What has ended stays ended: without the objects, without the Revocation, and with an operator that was never there.

use serde_json::{Value, json};

use super::credentials::{granted, handed};
use super::world::{World, version};
use crate::control_plane::eventually;

pub fn entries(world: &World, fact: &str) -> Vec<Value> {
    let text = world.tombstones();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|entry| entry["fact"] == fact).collect()
}

#[test]
fn a_revocation_outlives_everything_that_it_was_about() {
    let world = World::new("revoked");
    let operator = world.operator("a");
    world.guard("guard-0", u64::MAX);
    let (request, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    let revocation = world.scene.revocation("end", &json!({"grant": {"serial": "S-deed-tax"}}));
    world.put(&revocation);
    let there = world.condition(&grant, "Ready", "False", "Revoked");
    assert!(there["status"]["revocation"]["enforcedAt"].is_string(), "{there:#}");
    let told = world.condition(&revocation, "Ready", "True", "Enforced");
    assert_eq!(told["status"]["matched"], json!([{"name": "deed-tax"}]));
    assert_eq!(entries(&world, "ended").len(), 1, "{}", world.tombstones());
    for object in [&revocation, &grant, &request, &world.scene.resource()] {
        world.delete(object);
    }
    operator.stop();
    let _operator = world.operator("b");
    granted(&world, "deed-tax");
    world.condition(&grant, "Ready", "False", "Revoked");
    let copy = world.scene.grant("copy", "S-deed-tax", &request, &Value::Null);
    world.put(&copy);
    world.condition(&copy, "Ready", "False", "Revoked");
    assert_eq!(entries(&world, "ended").len(), 1, "{}", world.tombstones());
}

#[test]
fn a_superseded_grant_never_comes_back() {
    let world = World::new("superseded");
    let operator = world.operator("a");
    let (request, older) = granted(&world, "older");
    handed(&world, &older, 1, "");
    let newer = world.scene.grant("newer", "S-2", &request, &json!({"supersedes": "S-older"}));
    world.put(&newer);
    world.condition(&older, "Ready", "False", "Superseded");
    handed(&world, &newer, 1, "");
    world.delete(&newer);
    operator.stop();
    let _operator = world.operator("b");
    world.patch(&older, "", &json!({"metadata": {"labels": {"look": "again"}}}));
    let other = world.scene.request("other", None);
    world.put(&other);
    world.condition(&other, "Ready", "False", "Pending");
    world.condition(&older, "Ready", "False", "Superseded");
}

#[test]
fn a_bar_that_is_lifted_opens_nothing_that_was_signed_before() {
    let world = World::new("barred");
    let operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    let revocation = world.scene.revocation_of_unit("unit");
    world.put(&revocation);
    world.condition(&grant, "Ready", "False", "UnitRevoked");
    operator.stop();
    // nobody is there to see it go
    world.delete(&revocation);
    let _operator = world.operator("b");
    eventually("it was noticed", || (entries(&world, "lifted").len() == 1).then_some(()));
    world.condition(&grant, "Ready", "False", "UnitRevoked");
}

#[test]
fn an_edit_of_what_was_enforced_is_refused_even_with_a_new_signature() {
    let world = World::new("taken");
    let _operator = world.operator("a");
    let (request, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    let other =
        world.scene.grant("deed-tax", "S-deed-tax", &request, &json!({"notAfter": "2027-09-30T00:00:00+08:00"}));
    world.put(&other);
    world.condition(&grant, "Ready", "False", "SerialTaken");
    world.put(&grant);
    world.guard("guard-0", u64::MAX);
    world.condition(&grant, "Ready", "True", "Serving");
}

#[test]
fn many_entries_fill_one_map_after_another_and_none_is_lost() {
    let world = World::new("many");
    let resource = world.scene.resource();
    world.put(&resource);
    for number in 0..300 {
        let target = json!({"person": {"id": format!("p-{number:04}")}});
        world.put(&world.scene.revocation(&format!("bar-{number:04}"), &target));
    }
    let operator = world.operator("a");
    eventually("all are written down", || (entries(&world, "barred").len() == 300).then_some(()));
    operator.stop();
    let maps = world.maps();
    let sizes: Vec<_> = maps.iter().map(|map| map["data"]["entries.jsonl"].as_str().unwrap().lines().count()).collect();
    assert_eq!(sizes, [256, 44]);
    assert_eq!(maps[0]["metadata"]["name"], "datashare-tombstones-00001");
    let first = version(&maps[0]);
    let _operator = world.operator("b");
    world.put(&world.scene.revocation("one-more", &json!({"person": {"id": "p-9999"}})));
    eventually("one more is written down", || (entries(&world, "barred").len() == 301).then_some(()));
    assert_eq!(version(&world.maps()[0]), first, "what is full is not written again");
}

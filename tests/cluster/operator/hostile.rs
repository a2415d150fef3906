//! What others may write on the real API server and must gain nothing by: edits after the signature, objects swapped or
//! made anew under a name, references across namespaces, one serial twice, and a prune of everything.

use serde_json::{Value, json};

use super::credentials::{granted, handed, token_in};
use super::world::World;
use crate::control_plane::eventually;

/// A world in which one grant serves.
fn serving(name: &str) -> (World, super::world::Running, [Value; 3]) {
    let world = World::new(name);
    let operator = world.operator("a");
    world.guard("guard-0", u64::MAX);
    let (request, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    world.condition(&grant, "Ready", "True", "Serving");
    let resource = world.scene.resource();
    (world, operator, [resource, request, grant])
}

#[test]
fn an_edited_approval_counts_for_nothing_until_it_is_as_it_was() {
    let (world, _operator, [_, request, grant]) = serving("edited");
    let secret = world.secret("deed-tax").unwrap();
    let mut edited = grant.clone();
    edited["spec"]["approvals"][0]["approvedAt"] = json!("2026-11-19T10:00:00+08:00");
    world.put(&edited);
    world.condition(&grant, "Ready", "False", "ApprovalInvalid");
    world.put(&grant);
    world.condition(&grant, "Ready", "True", "Serving");
    world.condition(&request, "Ready", "True", "Serving");
    assert_eq!(token_in(&world.secret("deed-tax").unwrap()), token_in(&secret), "the same token as before");
}

#[test]
fn a_resource_that_means_something_else_suspends_the_grant_until_it_means_the_same() {
    let (world, _operator, [resource, _, grant]) = serving("swapped");
    let mut swapped = resource.clone();
    swapped["spec"]["fields"][0]["path"] = json!("$.data[*].secret");
    world.put(&swapped);
    world.condition(&grant, "Ready", "False", "ResourceChanged");
    world.delete(&resource);
    world.condition(&grant, "Ready", "False", "ResourceMissing");
    world.put(&resource);
    world.condition(&grant, "Ready", "True", "Serving");
}

#[test]
fn a_request_made_anew_under_the_name_of_a_granted_one_gains_nothing() {
    let (world, _operator, [_, request, grant]) = serving("anew");
    world.delete(&request);
    world.condition(&grant, "Ready", "False", "RequestMissing");
    eventually("its Secret went with it", || world.secret("deed-tax").is_none().then_some(()));
    let mut other = request.clone();
    other["spec"]["purpose"] = json!("something else");
    world.put(&other);
    world.condition(&grant, "Ready", "False", "RequestChanged");
    assert_eq!(world.secret("deed-tax"), None);
    world.delete(&other);
    world.put(&request);
    world.condition(&grant, "Ready", "True", "Serving");
    // the first one is known still, and nobody but its consumer has it
    handed(&world, &grant, 2, "");
}

#[test]
fn a_grant_decides_on_no_request_for_a_resource_of_another_namespace() {
    let world = World::new("across");
    let _operator = world.operator("a");
    let mut request = world.scene.request("deed-tax", None);
    request["spec"]["resourceRef"]["namespace"] = json!("somebody-else");
    let grant = world.scene.grant("deed-tax", "S-1", &request, &Value::Null);
    for object in [&world.scene.resource(), &request, &grant] {
        world.put(object);
    }
    let there = world.condition(&grant, "Ready", "False", "ResourceMismatch");
    assert_eq!(there["status"].get("credentials"), None);
    assert_eq!(world.secret("deed-tax"), None);
}

#[test]
fn two_grants_with_one_serial_are_both_refused() {
    let world = World::new("twice");
    world.put(&world.scene.resource());
    let grants = ["deed-tax", "stamp-duty"].map(|name| {
        let request = world.scene.request(name, None);
        world.put(&request);
        let grant = world.scene.grant(name, "S-1", &request, &Value::Null);
        world.put(&grant);
        grant
    });
    let _operator = world.operator("a");
    for grant in &grants {
        let there = world.condition(grant, "Ready", "False", "SerialAmbiguous");
        assert_eq!(there["status"].get("credentials"), None);
    }
}

#[test]
fn a_prune_of_everything_ends_access_and_everything_back_brings_it_back() {
    let (world, _operator, objects) = serving("pruned");
    let [_, _, grant] = &objects;
    let before = world.get(grant).unwrap();
    for object in &objects {
        world.delete(object);
    }
    eventually("the Secret is gone", || world.secret("deed-tax").is_none().then_some(()));
    // in an order in which nobody would write them
    for object in objects.iter().rev() {
        world.put(object);
    }
    world.condition(grant, "Ready", "True", "Serving");
    let (there, _) = handed(&world, grant, 2, "");
    assert_eq!(there["status"]["credentials"][0], before["status"]["credentials"][0], "the same token serves again");
    world.condition(&objects[0], "Ready", "True", "Serving");
}

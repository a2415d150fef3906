//! Deletions in every order: nothing hangs, what was signed comes back, and what was handed out goes with its request.

use serde_json::{Value, json};

use super::credentials::{granted, handed, token_in};
use super::world::World;
use crate::control_plane::eventually;

#[test]
fn a_grant_that_was_away_and_is_back_serves_with_the_tokens_its_consumer_holds() {
    let world = World::new("away");
    let _operator = world.operator("a");
    world.guard("guard-0", u64::MAX);
    let (_, grant) = granted(&world, "deed-tax");
    let (before, secret) = handed(&world, &grant, 1, "");
    world.delete(&grant);
    let resource = world.scene.resource();
    world.condition(&resource, "Ready", "False", "NoGrant");
    world.put(&grant);
    let after = world.condition(&grant, "Ready", "True", "Serving");
    assert_eq!(after["status"]["credentials"], before["status"]["credentials"]);
    assert_eq!(token_in(&world.secret("deed-tax").unwrap()), token_in(&secret));
}

#[test]
fn objects_go_in_any_order_and_nothing_holds_them() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
        let world = World::new("order");
        let _operator = world.operator("a");
        let (request, grant) = granted(&world, "deed-tax");
        handed(&world, &grant, 1, "");
        let objects = [world.scene.resource(), request, grant];
        for number in order {
            world.delete(&objects[number]);
            eventually("it is gone", || world.get(&objects[number]).is_none().then_some(()));
        }
        // with its request goes what was handed over
        eventually("the Secret is gone", || world.secret("deed-tax").is_none().then_some(()));
        // and the operator still works
        let other = world.scene.request("other", None);
        world.put(&other);
        world.condition(&other, "Ready", "False", "Pending");
    }
}

#[test]
fn a_provider_namespace_can_be_deleted_while_everything_in_it_serves() {
    let world = World::new("namespace");
    let _operator = world.operator("a");
    let (request, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    let uri = format!("/api/v1/namespaces/{}", world.scene.provider);
    assert_eq!(world.plane.ask("DELETE", &uri, &Value::Null).status, 200);
    eventually("the namespace is gone", || (world.plane.ask("GET", &uri, &Value::Null).status == 404).then_some(()));
    world.condition(&request, "Ready", "False", "Pending");
}

#[test]
fn the_secret_of_an_ended_request_is_removed() {
    let world = World::new("ended");
    let _operator = world.operator("a");
    let (request, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    eventually("the request tells where its credential is", || {
        world.get(&request)?["status"]["credential"]["secretName"].is_string().then_some(())
    });
    world.put(&world.scene.revocation("end", &json!({"grant": {"serial": "S-deed-tax"}})));
    eventually("the Secret is gone", || world.secret("deed-tax").is_none().then_some(()));
    let there = world.condition(&request, "Ready", "False", "Revoked");
    assert_eq!(there["status"]["phase"], "Revoked");
    eventually("the request tells of no credential", || {
        world.get(&request)?["status"].get("credential").is_none().then_some(())
    });
}

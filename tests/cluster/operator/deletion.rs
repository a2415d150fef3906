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
fn a_request_that_is_back_gets_another_token_and_the_one_before_is_still_known() {
    let world = World::new("back");
    let operator = world.operator("a");
    world.guard("guard-0", u64::MAX);
    let (request, grant) = granted(&world, "deed-tax");
    let (before, first) = handed(&world, &grant, 1, "");
    world.condition(&grant, "Ready", "True", "Serving");
    world.delete(&request);
    eventually("the Secret went with it", || world.secret("deed-tax").is_none().then_some(()));
    world.condition(&grant, "Ready", "False", "RequestMissing");
    // nothing of it is in anybody's memory
    operator.stop();
    let operator = world.operator("b");
    world.put(&request);
    let (after, _) = handed(&world, &grant, 2, &token_in(&first));
    assert_eq!(after["status"]["credentials"][0], before["status"]["credentials"][0], "whoever kept it may use it");
    world.condition(&grant, "Ready", "True", "Serving");
    let told = eventually("the request tells of the new token", || {
        let there = world.get(&request)?;
        (there["status"]["credential"]["id"] == after["status"]["credentials"][1]["id"]).then_some(there)
    });
    assert_eq!(told["status"]["credential"]["secretName"], "datashare-deed-tax");
    // a Secret that somebody throws away takes its token along
    operator.stop();
    let uri = format!("/api/v1/namespaces/{}/secrets/datashare-deed-tax", world.scene.consumer);
    assert_eq!(world.plane.ask("DELETE", &uri, &Value::Null).status, 200);
    let _operator = world.operator("c");
    let (last, _) = handed(&world, &grant, 2, "");
    assert_eq!(last["status"]["credentials"][0], before["status"]["credentials"][0]);
    assert_ne!(last["status"]["credentials"][1], after["status"]["credentials"][1]);
}

#[test]
fn a_secret_whose_request_came_back_first_stays() {
    let world = World::new("adopted");
    let operator = world.operator("a");
    let (request, grant) = granted(&world, "deed-tax");
    let (before, secret) = handed(&world, &grant, 1, "");
    operator.stop();
    // as when the request was deleted and written again within a moment, before anybody collected what it owned
    let uri = format!("/api/v1/namespaces/{}/secrets/datashare-deed-tax", world.scene.consumer);
    let other = world.scene.request("other", None);
    world.put(&other);
    let mut owners = secret["metadata"]["ownerReferences"].clone();
    owners[0]["name"] = json!("other");
    owners[0]["uid"] = world.get(&other).unwrap()["metadata"]["uid"].clone();
    let patch = json!({"metadata": {"ownerReferences": owners}});
    assert_eq!(world.plane.ask("PATCH", &uri, &patch).status, 200);
    let _operator = world.operator("b");
    let uid = world.get(&request).unwrap()["metadata"]["uid"].clone();
    let kept = eventually("it is the request's again", || {
        world.secret("deed-tax").filter(|secret| secret["metadata"]["ownerReferences"][0]["uid"] == uid)
    });
    assert_eq!(token_in(&kept), token_in(&secret));
    assert_eq!(world.get(&grant).unwrap()["status"]["credentials"], before["status"]["credentials"]);
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

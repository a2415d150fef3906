//! Routes: one for each resource that may be called, taken or not by the gateway, repaired, and gone with the resource.

use serde_json::{Value, json};

use super::credentials::{granted, handed};
use super::world::World;
use crate::control_plane::eventually;

const GATEWAY: &str = "/apis/gateway.networking.k8s.io";

fn routes(world: &World, namespace: &str) -> String {
    format!(
        "{GATEWAY}/v1/namespaces/{namespace}/httproutes/datashare-{}",
        if namespace == world.own { "introspection" } else { "ownership" }
    )
}

fn there(world: &World, uri: &str) -> Option<Value> {
    let answer = world.plane.ask("GET", uri, &Value::Null);
    (answer.status == 200).then_some(answer.body)
}

/// What the gateway says of the resource's route.
fn says(world: &World, conditions: &[(&str, &str, &str)]) {
    let uri = routes(world, &world.scene.provider);
    let route = there(world, &uri).unwrap();
    let conditions: Value = conditions
        .iter()
        .map(|(kind, status, reason)| {
            json!({"type": kind, "status": status, "reason": reason, "message": "said", "lastTransitionTime": "2026-11-24T04:00:00Z",
                "observedGeneration": route["metadata"]["generation"]})
        })
        .collect();
    let parent = json!({"parentRef": {"namespace": "gateways", "name": "city"}, "controllerName": "example.com/gateway", "conditions": conditions});
    let answer = world.plane.ask("PATCH", &format!("{uri}/status"), &json!({"status": {"parents": [parent]}}));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_resource_is_ready_when_the_gateway_took_its_route() {
    let mut world = World::new("route");
    world.gateway = Some(("gateways".to_owned(), "city".to_owned()));
    let operator = world.operator("a");
    world.guard("guard-0", u64::MAX);
    let (_, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    let resource = world.scene.resource();
    world.condition(&resource, "Ready", "False", "RoutePending");
    says(&world, &[("Accepted", "True", "Accepted"), ("ResolvedRefs", "False", "RefNotPermitted")]);
    world.condition(&resource, "Ready", "False", "RefNotPermitted");
    says(&world, &[("Accepted", "True", "Accepted"), ("ResolvedRefs", "True", "ResolvedRefs")]);
    let ready = world.condition(&resource, "Ready", "True", "Serving");
    assert_eq!(ready["status"]["url"], format!("https://share.example/{}/ownership", world.scene.provider));

    let route = there(&world, &routes(&world, &world.scene.provider)).unwrap();
    let rule = &route["spec"]["rules"][0];
    assert_eq!(
        rule["matches"][0]["path"],
        json!({"type": "PathPrefix", "value": format!("/{}/ownership", world.scene.provider)})
    );
    assert_eq!((&rule["backendRefs"][0]["namespace"], &rule["timeouts"]["request"]), (&json!(world.own), &json!("0s")));
    assert!(there(&world, &routes(&world, &world.own)).is_some(), "the path at which a consumer asks what it may do");
    let leave = format!(
        "{GATEWAY}/v1beta1/namespaces/{}/referencegrants/datashare-routes-of-{}",
        world.own, world.scene.provider
    );
    assert_eq!(
        there(&world, &leave).unwrap()["spec"]["to"],
        json!([{"group": "", "kind": "Service", "name": "datashare-guard"}])
    );

    // what others change is put right, and what they add is theirs
    let uri = routes(&world, &world.scene.provider);
    let elsewhere = json!({"metadata": {"labels": {"theirs": "yes"}}, "spec": {"rules": [{"backendRefs": [{"name": "evil", "port": 80}]}]}});
    assert_eq!(world.plane.ask("PATCH", &uri, &elsewhere).status, 200);
    let repaired = eventually("the route leads to the guards again", || {
        there(&world, &uri).filter(|route| route["spec"]["rules"] == json!([rule]))
    });
    assert_eq!(repaired["metadata"]["labels"]["theirs"], "yes");
    assert_eq!(world.plane.ask("DELETE", &uri, &Value::Null).status, 200);
    eventually("the route is there again", || there(&world, &uri));

    world.delete(&resource);
    eventually("the route is gone", || there(&world, &uri).is_none().then_some(()));
    eventually("so is the leave", || there(&world, &leave).is_none().then_some(()));
    operator.stop();
}

#[test]
fn without_a_gateway_there_is_no_route_and_ready_says_so() {
    let world = World::new("no-route");
    let _operator = world.operator("a");
    world.guard("guard-0", u64::MAX);
    let (_, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    let there_ = world.condition(&world.scene.resource(), "Ready", "True", "Serving");
    let message = super::world::condition(&there_, "Ready")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("no gateway is configured"), "{message}");
    assert_eq!(there(&world, &routes(&world, &world.scene.provider)), None);
}

#[test]
fn a_route_that_is_not_ours_is_left_alone_and_named() {
    let mut world = World::new("theirs");
    world.gateway = Some(("gateways".to_owned(), "city".to_owned()));
    let uri = format!("{GATEWAY}/v1/namespaces/{}/httproutes", world.scene.provider);
    let theirs = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "datashare-ownership"}, "spec": {"hostnames": ["a.example"]}});
    let made = world.plane.ask("POST", &uri, &theirs);
    assert_eq!(made.status, 201, "{made:?}");
    let _operator = world.operator("a");
    let resource = world.scene.resource();
    world.put(&resource);
    world.condition(&resource, "Stalled", "True", "NameTaken");
    let after = there(&world, &format!("{uri}/datashare-ownership")).unwrap();
    assert_eq!(after["metadata"]["resourceVersion"], made.body["metadata"]["resourceVersion"]);
}

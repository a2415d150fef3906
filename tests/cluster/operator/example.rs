//! The example of Jinan in a cluster: every object gets the status that its file gets without one, and consumers get
//! tokens. With a gateway, the resources that may be called have routes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::scene::Scene;
use super::world::{World, condition, plane};
use crate::control_plane::eventually;
use crate::corpus;

#[test]
fn every_object_of_the_example_gets_its_status() {
    let plane = plane();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan");
    let signers = fs::read_to_string(root.join("allowed_signers")).unwrap();
    let mut objects = corpus::examples();
    objects.retain(|object| object["kind"].is_string());
    let namespaces: BTreeSet<String> =
        objects.iter().map(|object| object["metadata"]["namespace"].as_str().unwrap().to_owned()).collect();
    namespaces.iter().for_each(|namespace| plane.named_namespace(namespace));
    let scene = Scene { provider: "jinan-registration".to_owned(), consumer: "tax-bureau".to_owned() };
    let own = plane.namespace("example-own");
    let world = World::over(plane, &own, scene, namespaces.into_iter().collect());
    world.settle(&site(&root), &signers);
    world.guard("guard-0", u64::MAX);
    let _operator = world.operator("a");
    let file = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let places = ["audit-policy.yaml", "resources", "requests", "grants"].map(file);
    let mut arguments = vec!["apply", "--server-side", "--validate=strict", "--recursive"];
    places.iter().for_each(|file| arguments.extend(["-f", file]));
    let applied = plane.kubectl(&arguments);
    assert!(applied.ok, "{}", applied.err);
    for object in &objects {
        eventually(&format!("{} {} has a status", object["kind"], object["metadata"]["name"]), || {
            let there = world.get(object)?;
            let generation = &there["metadata"]["generation"];
            (!condition(&there, "Ready").is_null() && there["status"]["observedGeneration"] == *generation)
                .then_some(())
        });
    }
    let grant = |name: &str| object(&objects, "AccessGrant", name);
    for (name, status, reason) in [
        ("deed-tax", "True", "Serving"),
        ("home-purchase", "True", "Serving"),
        ("home-purchase-2025", "False", "Superseded"),
        ("judicial-enforcement", "False", "Pending"),
        ("inheritance-denied", "False", "Denied"),
    ] {
        world.condition(grant(name), "Ready", status, reason);
    }
    eventually("the tax bureau has its token", || world.secret("deed-tax"));
    let resource = object(&objects, "SharedResource", "property-ownership");
    let ready = world.condition(resource, "Ready", "True", "Serving");
    assert!(ready["status"]["grants"].as_i64().unwrap() >= 2);
    let policy = objects.iter().find(|object| object["kind"] == "AuditPolicy").unwrap();
    let told = world.condition(policy, "Ready", "True", "InForce");
    assert_eq!(told["status"]["streams"], serde_json::json!(["guard-0"]));
}

fn object<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
    objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name).unwrap()
}

fn site(root: &Path) -> String {
    let text = fs::read_to_string(root.join("datashare.yaml")).unwrap();
    text.lines().find_map(|line| line.strip_prefix("site: ")).unwrap().to_owned()
}

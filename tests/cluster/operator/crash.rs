//! A crash after any write: the next start brings everything to the same end, and the one after that writes nothing.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::credentials::{granted, handed};
use super::world::{World, Writes};
use crate::control_plane::eventually;

/// What must be the same however an operator got there: all but names and times that are drawn anew.
pub fn end(world: &World, objects: &[&Value]) -> BTreeMap<String, Value> {
    let drawn = [
        "lastTransitionTime",
        "id",
        "sha256",
        "notBefore",
        "notAfter",
        "enforcedAt",
        "observedGeneration",
        "digest",
        "requestUid",
    ];
    objects
        .iter()
        .map(|object| {
            let mut status = world.get(object).unwrap()["status"].take();
            strip(&mut status, &drawn);
            // each time in namespaces of its own
            let text = status.to_string().replace(&world.scene.provider, "provider");
            let text = text.replace(&world.scene.consumer, "consumer");
            (format!("{}", object["kind"]), serde_json::from_str(&text).unwrap())
        })
        .collect()
}

fn strip(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !names.contains(&name.as_str()));
            members.values_mut().for_each(|value| strip(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| strip(value, names)),
        _ => {}
    }
}

/// Lets an operator look at everything once.
pub fn settle(world: &World) {
    look(world, "another", &Writes::default());
}

/// Starts an operator and stops it when it has taken in something new: by then it has looked at everything.
fn look(world: &World, name: &str, writes: &Writes) {
    let operator = world.operator_that_writes("a", writes);
    let other = world.scene.request(name, None);
    world.put(&other);
    world.condition(&other, "Ready", "False", "Pending");
    operator.stop();
}

/// An operator that starts now finds nothing to write.
pub fn silence(world: &World, what: &str) {
    let before = world.versions();
    let writes = Writes::default();
    look(world, "other", &writes);
    let seen = writes.seen.lock().unwrap().clone();
    let silent = seen.iter().all(|write| write.contains("/other/status"));
    assert!(silent, "after {what} it still wrote {seen:?}");
    let after = world.versions();
    assert!(before.iter().all(|version| after.contains(version)), "{before:?} {after:?}");
}

#[test]
fn a_crash_after_any_write_leads_to_the_same_end_and_then_to_silence() {
    let mut ends = Vec::new();
    let mut last = 0;
    // the first without a crash, to learn how many writes there are
    for died_after in std::iter::once(None).chain((1..).map(Some)) {
        let world = World::new("crash");
        world.guard("guard-0", u64::MAX);
        let (request, grant) = granted(&world, "deed-tax");
        let resource = world.scene.resource();
        let told = || world.get(&request)?["status"]["credential"]["secretName"].is_string().then_some(());
        let writes = died_after.map_or_else(Writes::default, Writes::only);
        let mut operator = world.operator_that_writes("a", &writes);
        if died_after.is_some() {
            // it may need fewer writes this time
            eventually("it died, or did everything", || if writes.are_over() { Some(()) } else { told() });
            drop(operator);
            operator = world.operator("a");
        }
        handed(&world, &grant, 1, "");
        let objects = [&request, &grant, &resource];
        for object in objects {
            world.condition(object, "Ready", "True", "Serving");
        }
        eventually("the request tells where its credential is", told);
        operator.stop();
        last = last.max(writes.made.load(Ordering::SeqCst));
        silence(&world, &format!("a crash after write {died_after:?}"));
        ends.push(end(&world, &objects));
        assert_eq!(ends[0], ends[ends.len() - 1], "after a crash after write {died_after:?}");
        if died_after >= Some(last) {
            break;
        }
    }
}

//! Several operators: one writes, another takes over, and none writes after it lost the Lease.

use std::time::Duration;

use datashare::operator::OperatorError;
use datashare::operator::lease::{NAME, Pace};
use serde_json::{Value, json};

use super::credentials::{granted, handed};
use super::world::{World, Writes};
use crate::control_plane::eventually;

fn holder(world: &World) -> String {
    let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{NAME}", world.own);
    let lease = world.plane.ask("GET", &uri, &Value::Null).body;
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn one_of_two_writes_and_the_other_takes_over_when_it_stops() {
    let world = World::new("two");
    let first = world.operator("first");
    eventually("the first leads", || (holder(&world) == "first").then_some(()));
    let writes = Writes::default();
    let second = world.operator_that_writes("second", &writes);
    let (_, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    assert!(writes.seen.lock().unwrap().is_empty(), "{writes:?}");
    first.stop();
    eventually("the second leads at once", || (holder(&world) == "second").then_some(()));
    let (_, other) = granted(&world, "other");
    handed(&world, &other, 1, "");
    let after = world.get(&grant).unwrap();
    assert_eq!(after["status"]["credentials"].as_array().unwrap().len(), 1, "it took over what there was");
    second.stop();
}

#[test]
fn an_operator_that_is_cut_off_ends_and_another_takes_over() {
    let mut world = World::new("cut");
    let seconds = Duration::from_secs;
    world.pace = Pace { lasts: seconds(6), ours: seconds(4), every: Duration::from_millis(200) };
    let writes = Writes::only(1);
    let first = world.operator_that_writes("first", &writes);
    eventually("the first leads", || (holder(&world) == "first").then_some(()));
    let second = world.operator("second");
    let (_, grant) = granted(&world, "deed-tax");
    let ended = first.ended();
    assert!(matches!(ended, Err(OperatorError::Lease(_))), "{ended:?}");
    handed(&world, &grant, 1, "");
    assert_eq!(holder(&world), "second");
    second.stop();
}

#[test]
fn an_operator_whose_lease_was_taken_ends() {
    let world = World::new("taken-lease");
    let first = world.operator("first");
    eventually("the first leads", || (holder(&world) == "first").then_some(()));
    let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{NAME}", world.own);
    let taken = world.plane.ask("PATCH", &uri, &json!({"spec": {"holderIdentity": "somebody"}}));
    assert_eq!(taken.status, 200, "{taken:?}");
    let ended = first.ended();
    assert!(matches!(ended, Err(OperatorError::Lease(_))), "{ended:?}");
    assert_eq!(holder(&world), "somebody", "and gives nothing back that is not its own");
}

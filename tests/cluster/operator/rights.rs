//! No right too many and none too few: everything an operator does, watched by the API server's own audit, against
//! what the chart's roles allow.

use datashare::api::v1alpha1::Kind;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::credentials::{granted, handed};
use super::scene::signers;
use super::world::{World, prepare};
use crate::charts::roles::all_used;
use crate::control_plane::{ControlPlane, Identity, eventually};
use crate::corpus::samples;
use crate::definitions::apply_to;

#[test]
fn an_operator_uses_every_right_that_the_chart_gives_it_and_lacks_none() {
    let plane: &'static ControlPlane = Box::leak(Box::new(ControlPlane::start_audited()));
    apply_to(plane.with_controllers());
    prepare(plane);
    let mut world = World::on(plane, "rights");
    world.gateway = Some(("gateways".to_owned(), "city".to_owned()));
    world.guard_ca = Some("guard-ca".to_owned());
    let operator = world.operator("a");
    world.guard("guard-0", u64::MAX);
    let mut policy = samples(Kind::AuditPolicy, "accept").remove(0).object;
    policy["metadata"]["namespace"] = json!(world.scene.provider);
    world.put(&policy);
    let (request, grant) = granted(&world, "deed-tax");
    let (_, first) = handed(&world, &grant, 1, "");
    world.clock.advance(SignedDuration::from_hours(30 * 24));
    handed(&world, &grant, 2, &super::credentials::token_in(&first));
    // the same is said of a grant twice
    let map = format!("/api/v1/namespaces/{}/configmaps/datashare-signers", world.own);
    for _ in 0..2 {
        for (text, status) in [(String::new(), "False"), (signers(), "True")] {
            assert_eq!(plane.ask("PATCH", &map, &json!({"data": {"allowed_signers": text}})).status, 200);
            eventually("it is said of the grant", || {
                let there = world.get(&grant)?;
                (super::world::condition(&there, "Ready")["status"] == status).then_some(())
            });
        }
    }
    world.put(&world.scene.revocation("end", &json!({"grant": {"serial": "S-deed-tax"}})));
    world.condition(&grant, "Ready", "False", "Revoked");
    eventually("the Secret is gone", || world.secret("deed-tax").is_none().then_some(()));
    operator.stop();

    // a journal whose first part is about what would be over by now, and no gateway any more
    let lifted = json!({"fact": "lifted", "namespace": "a", "name": "b", "at": "2026-11-24T02:00:00Z"});
    let next = json!({
        "metadata": {"name": "datashare-tombstones-00002", "labels": {
            "app.kubernetes.io/part-of": "datashare", "app.kubernetes.io/managed-by": "datashare",
            "app.kubernetes.io/component": "tombstones"}},
        "data": {"entries.jsonl": format!("{lifted}\n")},
    });
    let made = plane.ask("POST", &format!("/api/v1/namespaces/{}/configmaps", world.own), &next);
    assert_eq!(made.status, 201, "{made:?}");
    world.delete(&grant);
    world.clock.advance(SignedDuration::from_hours(2 * 366 * 24));
    world.gateway = None;
    let operator = world.operator("b");
    let route = format!(
        "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes/datashare-ownership",
        world.scene.provider
    );
    eventually("the route is gone", || (plane.ask("GET", &route, &Value::Null).status == 404).then_some(()));
    eventually("what is over is forgotten", || (world.maps().len() == 1).then_some(()));
    world.delete(&request);
    world.delete(&world.scene.resource());
    let me = Identity::service_account(&world.own, "operator");
    all_used(plane, &me, &world.own, "operator");
    operator.stop();
}

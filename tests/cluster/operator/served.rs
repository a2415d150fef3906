//! Operator and guard together, with nothing written by hand: from a signed grant to an answer, from a Revocation to
//! the proof that it holds, and a token that its consumer changes.

use datashare::api::v1alpha1::Kind;
use datashare::clock::Clock;
use datashare::operator::ROTATE;
use serde_json::{Value, json};

use super::credentials::token_in;
use super::scene::Scene;
use super::world::{World, plane};
use crate::control_plane::eventually;
use crate::guard::city::City;
use crate::guard::running::Running;
use crate::guard::upstream::Upstream;

#[test]
fn what_was_signed_is_answered_and_what_was_revoked_is_refused_once_the_status_says_so() {
    let (plane, upstream) = (plane(), Upstream::usual());
    let city = City::new(plane);
    city.settle("30s");
    let scene = Scene { provider: city.provider.clone(), consumer: city.consumer.clone() };
    let watched = vec![city.provider.clone(), city.consumer.clone()];
    let mut world = World::over(plane, &city.system, scene, watched);
    world.clock = Clock::system();
    let _operator = world.operator("a");
    let guard = Running::start(&city, "guard-0", &plane.kubeconfig(Some(&city.guard())));
    city.resource(upstream.address);
    city.secret("s3cret");
    city.grant("deed-tax");
    let grant = json!({"kind": "AccessGrant", "metadata": {"namespace": city.provider, "name": "deed-tax"}});
    let request = json!({"kind": "DataShareRequest", "metadata": {"namespace": city.consumer, "name": "deed-tax"}});
    let there = world.condition(&grant, "Ready", "True", "Serving");
    assert_eq!(
        (&there["status"]["enforcement"]["guards"], &there["status"]["enforcement"]["current"]),
        (&json!(1), &json!(1))
    );
    let secret = eventually("the consumer has its token", || world.secret("deed-tax"));
    let answer = guard.call(&city, &token_in(&secret));
    assert_eq!(answer.status, 200, "ready is ready: {answer:?}");

    world.patch(&request, "", &json!({"metadata": {"annotations": {ROTATE: "1"}}}));
    let changed = eventually("the consumer has another token", || {
        world.secret("deed-tax").filter(|changed| token_in(changed) != token_in(&secret))
    });
    eventually("the new token works", || (guard.call(&city, &token_in(&changed)).status == 200).then_some(()));
    assert_eq!(guard.call(&city, &token_in(&secret)).status, 200, "the old one has its overlap");

    let revocation = city.revoke("deed-tax");
    let told = world.condition(&named(Kind::Revocation, &revocation), "Ready", "True", "Enforced");
    assert!(told["status"]["enforcedAt"].is_string());
    for token in [token_in(&secret), token_in(&changed)] {
        assert_eq!(guard.call(&city, &token).code(), "grant-revoked", "not one call after the status says so");
    }
    let ended = world.condition(&grant, "Ready", "False", "Revoked");
    assert!(ended["status"]["revocation"]["requestedAt"].is_string());
    eventually("the dead token is gone", || world.secret("deed-tax").is_none().then_some(()));
}

fn named(kind: Kind, object: &Value) -> Value {
    json!({"kind": kind.name(), "metadata": object["metadata"]})
}

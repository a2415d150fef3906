//! Operator and guard as the chart installs them: its rights, its admission policies, and tokens bound to pods. All they
//! have to write passes, and nobody else's writes do, though they have the same rights.

use datashare::clock::Clock;
use datashare::operator::ROTATE;
use serde_json::{Value, json};

use super::credentials::token_in;
use super::scene::Scene;
use super::world::World;
use crate::charts::installed::{NAMESPACE, install};
use crate::control_plane::{ControlPlane, eventually};
use crate::guard::city::City;
use crate::guard::running::Running;
use crate::guard::upstream::Upstream;
use crate::pods;

const OPERATOR: &str = "datashare-operator";
const GUARD: &str = "datashare-guard";

/// The kubeconfig of a pod.
fn pod(plane: &ControlPlane, account: &str, name: &str) -> std::path::PathBuf {
    pods::kubeconfig(plane, name, &pods::token(plane, NAMESPACE, account, name))
}

/// Requests that were refused to a service account.
fn refusals(plane: &ControlPlane, account: &str) -> Vec<Value> {
    let user = format!("system:serviceaccount:{NAMESPACE}:{account}");
    let all = plane.audit().into_iter();
    let own = all.filter(|event| event["user"]["username"] == user && event["responseStatus"]["code"] == 403);
    own.collect()
}

#[test]
fn under_the_charts_policies_everything_passes_that_operator_and_guard_write_and_nothing_that_others_do() {
    let plane: &'static ControlPlane = Box::leak(Box::new(ControlPlane::start_audited()));
    install(plane);
    let upstream = Upstream::usual();
    let city = City::around(plane, NAMESPACE);
    city.settle("12s");
    city.resource(upstream.address);
    city.secret("s3cret");
    city.grant("deed-tax");
    let scene = Scene { provider: city.provider.clone(), consumer: city.consumer.clone() };
    // as the chart has it: everywhere
    let mut world = World::bare(plane, NAMESPACE, scene, Vec::new());
    world.clock = Clock::system();
    world.gateway = Some(("gateways".to_owned(), "city".to_owned()));
    world.through = Some(pod(plane, OPERATOR, "datashare-operator-1"));
    let operator = world.operator("datashare-operator-1");
    let own = pod(plane, GUARD, "datashare-guard-0");
    let mut guard = Running::start(&city, "datashare-guard-0", &own);
    let grant = json!({"kind": "AccessGrant", "metadata": {"namespace": city.provider, "name": "deed-tax"}});
    let request = json!({"kind": "DataShareRequest", "metadata": {"namespace": city.consumer, "name": "deed-tax"}});
    world.condition(&grant, "Ready", "True", "Serving");
    let secret = eventually("the consumer has its token", || world.secret("deed-tax"));
    eventually("it works", || (guard.call(&city, &token_in(&secret)).status == 200).then_some(()));
    world.patch(&request, "", &json!({"metadata": {"annotations": {ROTATE: "1"}}}));
    eventually("the consumer has another token", || {
        world.secret("deed-tax").filter(|changed| token_in(changed) != token_in(&secret))
    });
    let routes = format!("/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes", city.provider);
    eventually("the route is there", || {
        let listed = plane.ask("GET", &routes, &Value::Null).body;
        (listed["items"].as_array()?.len() == 1).then_some(())
    });

    others_are_refused(plane, &city, &world, &grant);

    let revocation = city.revoke("deed-tax");
    let revocation = json!({"kind": "Revocation", "metadata": revocation["metadata"]});
    let told = world.condition(&revocation, "Ready", "True", "Enforced");
    assert!(told["status"]["enforcedAt"].is_string());
    eventually("the dead token is gone", || world.secret("deed-tax").is_none().then_some(()));
    operator.stop();
    guard.terminate();
    assert!(guard.ended().success(), "{}", guard.log());
    let left = city.lease("datashare-guard-0").unwrap();
    assert_eq!(left["spec"]["holderIdentity"], Value::Null, "it gave its Lease up");
    assert_eq!(refusals(plane, OPERATOR), Vec::<Value>::new());
    let guards = refusals(plane, GUARD);
    let theirs = |event: &&Value| event["objectRef"]["name"] != "datashare-guard-datashare-guard-1";
    assert_eq!(guards.iter().filter(theirs).collect::<Vec<_>>(), Vec::<&Value>::new());
}

/// Others with the very same rights.
fn others_are_refused(plane: &'static ControlPlane, city: &City<'_>, world: &World, grant: &Value) {
    // a guard that says that it is another pod than it is
    let liar = Running::start(city, "datashare-guard-1", &pod(plane, GUARD, "datashare-guard-2"));
    eventually("its Lease is refused", || liar.log().contains("the Lease cannot be renewed").then_some(()));
    assert_eq!(liar.call(city, "any").code(), "view-stale");
    assert!(!liar.is_ready());
    assert_eq!(city.lease("datashare-guard-1"), None);

    // an operator under another name, with all of the operator's rights
    let accounts = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts");
    assert_eq!(plane.ask("POST", &accounts, &json!({"metadata": {"name": "other"}})).status, 201);
    let subject = json!([{"kind": "ServiceAccount", "namespace": NAMESPACE, "name": "other"}]);
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    for (uri, kind, role) in [
        (format!("{rbac}/clusterrolebindings"), "ClusterRole", "datashare-operator"),
        (format!("{rbac}/namespaces/{NAMESPACE}/rolebindings"), "Role", "datashare-operator-own"),
    ] {
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role});
        let binding = json!({"metadata": {"name": "other"}, "roleRef": role, "subjects": subject});
        assert_eq!(plane.ask("POST", &uri, &binding).status, 201);
    }
    let somebody = pods::client(plane, pod(plane, "other", "other-1"));
    let refused = |method: &str, uri: &str, body: &Value| {
        let answer = eventually("it has the right, and is refused all the same", || {
            let type_ = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
            let answer = plane.ask_as(&somebody, method, uri, type_, body);
            answer.message().contains("ValidatingAdmissionPolicy").then_some(answer)
        });
        assert_eq!(answer.status, 403, "{answer:?}");
    };
    let text = |name: &str| grant["metadata"][name].as_str().unwrap().to_owned();
    let grants = format!("/apis/datashare.dev/v1alpha1/namespaces/{}/accessgrants", text("namespace"));
    let there = world.get(grant).unwrap();
    refused("PUT", &format!("{grants}/{}/status", text("name")), &there);
    let secrets = format!("/api/v1/namespaces/{}/secrets", city.consumer);
    let secret =
        json!({"metadata": {"name": "datashare-x"}, "type": "datashare.dev/credential", "stringData": {"token": "x"}});
    refused("POST", &secrets, &secret);
    refused("PATCH", &format!("{secrets}/datashare-deed-tax"), &json!({"stringData": {"token": "x"}}));
    let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases");
    let lease = plane.ask("GET", &format!("{leases}/datashare-operator"), &Value::Null).body;
    refused("PUT", &format!("{leases}/datashare-operator"), &lease);
    let map = &world.maps()[0];
    let maps = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{}", map["metadata"]["name"].as_str().unwrap());
    refused("PUT", &maps, map);
}

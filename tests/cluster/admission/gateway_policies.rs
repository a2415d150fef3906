//! Nothing is put between a gateway and the guards, by whatever way a policy names what it is for.

use serde_json::{Value, json};

use super::{Write, change, create};
use crate::charts::installed::{NAMESPACE, installed, operator};
use crate::control_plane::eventually;

const POLICY: &str = "datashare-gateway-policies";

fn policies(namespace: &str) -> String {
    format!("/apis/gateway.envoyproxy.io/v1alpha1/namespaces/{namespace}/securitypolicies")
}

fn policy(spec: Value) -> Value {
    json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "SecurityPolicy",
        "metadata": {"name": "bypass"}, "spec": spec,
    })
}

fn route(name: &str) -> Value {
    json!({"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": name})
}

#[test]
fn policies_for_our_routes_are_refused_however_they_name_them() {
    let plane = installed();
    let namespace = plane.namespace("policies");
    let uri = policies(&namespace);
    eventually("policies are served", || (plane.ask("GET", &uri, &Value::Null).status == 200).then_some(()));
    let by_name = "target another HTTPRoute, not one named datashare-*";
    for spec in [
        json!({"targetRef": route("datashare-marriage")}),
        json!({"targetRefs": [route("own"), route("datashare-marriage")]}),
        json!({"targetRefs": [{"group": "", "kind": "Service", "name": "datashare-guard"}]}),
        json!({"targetRefs": [route("own")], "targetRef": route("datashare-marriage")}),
    ] {
        create(&uri, policy(spec)).refused(None, POLICY, by_name);
    }
    let by_label = "add a label that they do not have";
    for labels in [
        json!({}),
        json!({"app.kubernetes.io/part-of": "datashare"}),
        json!({"app.kubernetes.io/managed-by": "datashare", "datashare.dev/resource": "marriage"}),
    ] {
        let all = json!({"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "matchLabels": labels});
        create(&uri, policy(json!({"targetSelectors": [all]}))).refused(None, POLICY, by_label);
    }
    let every = json!({"targetSelectors": [{"kind": "HTTPRoute"}]});
    create(&uri, policy(every)).refused(None, POLICY, by_label);
}

#[test]
fn policies_for_anything_else_are_nobodys_business() {
    let namespace = installed().namespace("policies");
    let uri = policies(&namespace);
    // so that what follows was accepted by a policy that is known, not before it was
    create(&uri, policy(json!({"targetRef": route("datashare-a")}))).refused(None, POLICY, "target another");
    for spec in [
        json!({}),
        json!({"targetRef": route("own")}),
        json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "datashare-city"}]}),
        json!({"targetSelectors": [{"kind": "HTTPRoute", "matchLabels": {"app": "own"}}]}),
        json!({"targetSelectors": [{"kind": "HTTPRoute", "matchLabels": {"app.kubernetes.io/part-of": "shop"}}]}),
        json!({"targetSelectors": [{"kind": "Gateway"}]}),
    ] {
        create(&uri, policy(spec)).accepted(None);
    }
    // an accepted one cannot be turned against ours
    create(&uri, policy(json!({"targetRef": route("own")}))).done(None);
    let turned = change(&format!("{uri}/bypass"), json!({"spec": {"targetRef": {"name": "datashare-a"}}}));
    turned.refused(None, POLICY, "target another");
}

#[test]
fn how_the_gateway_speaks_to_the_guards_is_the_operators() {
    let uri = format!("/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/backendtlspolicies");
    let kind = ("gateway.networking.k8s.io/v1", "BackendTLSPolicy");
    let body = json!({"apiVersion": kind.0, "kind": kind.1, "metadata": {"name": "theirs"}, "spec": {
        "targetRefs": [{"group": "", "kind": "Service", "name": "datashare-guard"}],
        "validation": {"hostname": "guard.example", "wellKnownCACertificates": "System"},
    }});
    Write { method: "POST", uri: uri.clone(), body: body.clone() }.refused(
        None,
        POLICY,
        "nor the Service datashare-guard",
    );
    create(&uri, body).accepted(Some(&operator()));
}

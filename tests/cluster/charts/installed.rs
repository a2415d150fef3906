//! A control plane of its own on which the charts are installed, for the suites of admission and personas: what the
//! chart forbids must not get in the way of other suites.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::helm::{chart, helm};
use crate::control_plane::{Answer, ControlPlane, Identity, Programs};

/// The namespace that the documentation means.
pub const NAMESPACE: &str = "datashare-system";

/// The control plane with both charts and the Gateway API.
pub fn installed() -> &'static ControlPlane {
    static INSTALLED: OnceLock<ControlPlane> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let plane = ControlPlane::start();
        install(&plane);
        plane
    })
}

/// Gives a control plane both charts and the Gateway API.
pub fn install(plane: &ControlPlane) {
    serve_gateways(plane);
    for (name, more) in [("datashare-crds", "--create-namespace"), ("datashare", "--hide-notes")] {
        let said = helm(Some(plane), &["install", name, &chart(name), "--namespace", NAMESPACE, more]);
        assert!(said.ok, "{}", said.err);
    }
}

/// The definitions of the Gateway API, and one of a policy as every implementation has them.
pub fn serve_gateways(plane: &ControlPlane) {
    let folder = Programs::installed().find("gateway-api");
    let said = plane.kubectl(&["apply", "--server-side", "-f", folder.to_str().unwrap()]);
    assert!(said.ok, "{}", said.err);
    let policy = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "securitypolicies.gateway.envoyproxy.io"},
        "spec": {
            "group": "gateway.envoyproxy.io", "scope": "Namespaced",
            "names": {"kind": "SecurityPolicy", "plural": "securitypolicies", "singular": "securitypolicy"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            }}}],
        },
    });
    let answer = plane.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &policy);
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// The operator as the API server sees it: the chart's service account with the chart's rights.
pub fn operator() -> Identity {
    Identity::service_account(NAMESPACE, "datashare-operator")
}

/// One request in somebody's name; nobody's is the administrator's.
pub fn ask_as(who: Option<&Identity>, method: &str, uri: &str, body: &Value) -> Answer {
    let plane = installed();
    let type_ = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    plane.ask_as(&plane.client(who), method, uri, type_, body)
}

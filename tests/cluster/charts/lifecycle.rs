//! One cluster's life with the charts: installed, tested, upgraded, removed and, another way, applied as one file.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::helm::{self, chart, helm};
use super::installed::serve_gateways;
use super::{NAMESPACE, VALUES};
use crate::control_plane::{ControlPlane, Programs, eventually};
use crate::corpus::samples;

/// Everything of the chart that is there, as `kind/name`.
fn present(plane: &ControlPlane) -> Vec<String> {
    let kinds = "deployments,statefulsets,services,serviceaccounts,configmaps,poddisruptionbudgets,networkpolicies,\
        roles,rolebindings,clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings";
    let label = "app.kubernetes.io/part-of=datashare";
    let said = plane.kubectl(&["get", kinds, "-A", "-l", label, "-o", "name"]);
    assert!(said.ok, "{}", said.err);
    said.out.lines().map(str::to_owned).collect()
}

fn exists(plane: &ControlPlane, uri: &str) -> bool {
    plane.ask("GET", uri, &Value::Null).status == 200
}

#[test]
fn a_cluster_takes_the_charts_changes_them_and_is_rid_of_them() {
    let plane = ControlPlane::start();
    let plane = plane.with_controllers();
    serve_gateways(plane);
    let namespace = json!({"metadata": {"name": NAMESPACE, "labels": {
        "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted",
    }}});
    assert_eq!(plane.ask("POST", "/api/v1/namespaces", &namespace).status, 201);
    for name in ["datashare-crds", "datashare"] {
        let said = helm(Some(plane), &["install", name, &chart(name), "--namespace", NAMESPACE]);
        assert!(said.ok, "{}", said.err);
        assert!(!said.err.to_lowercase().contains("warning"), "{}", said.err);
    }
    let all = present(plane);
    assert!(all.len() > 30, "{all:?}");
    tested(plane);
    upgraded(plane);
    removed(plane);
    applied(plane);
}

/// `helm test` says what its pod says; this cluster runs none, so the test says it in its place.
fn tested(plane: &ControlPlane) {
    let account = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default");
    eventually("pods have an account", || (plane.ask("GET", &account, &Value::Null).status == 200).then_some(()));
    for (phase, fine) in [("Succeeded", true), ("Failed", false)] {
        let mut command = helm::command(Some(plane));
        command.args(["test", "datashare", "--namespace", NAMESPACE, "--timeout", "60s"]);
        let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pod = format!("/api/v1/namespaces/{NAMESPACE}/pods/datashare-test");
        eventually("helm's test pod is there and pending", || {
            let found = plane.ask("GET", &pod, &Value::Null);
            if found.status != 200 || found.body["status"]["phase"] != "Pending" {
                return None;
            }
            let status = json!({"status": {"phase": phase}});
            (plane.ask("PATCH", &format!("{pod}/status"), &status).status == 200).then_some(())
        });
        assert_eq!(running.wait().unwrap().success(), fine, "{phase}");
    }
}

fn upgraded(plane: &ControlPlane) {
    for namespace in ["jinan-registration", "tax-bureau", "gateways", "civil-affairs"] {
        plane.named_namespace(namespace);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    // a StatefulSet's claims cannot be changed
    fs::write(&file, VALUES[1].replace("record: {size: 1Ti, storageClass: fast}", "")).unwrap();
    let (values, folder) = (file.to_str().unwrap(), chart("datashare"));
    let words = ["upgrade", "datashare", &folder, "--namespace", NAMESPACE, "--values", values];
    let said = helm(Some(plane), &words);
    assert!(said.ok, "{}", said.err);
    let guards = format!("/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/datashare-guard");
    assert_eq!(plane.ask("GET", &guards, &Value::Null).body["spec"]["replicas"], 3);
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    assert!(!exists(plane, &format!("{rbac}/clusterrolebindings/datashare-operator")), "rights were narrowed");
    assert!(exists(plane, &format!("{rbac}/namespaces/tax-bureau/rolebindings/datashare-operator")));
}

fn removed(plane: &ControlPlane) {
    let mut request = samples(datashare::api::v1alpha1::Kind::DataShareRequest, "accept").remove(0).object;
    request["metadata"]["namespace"] = json!("tax-bureau");
    let uri = "/apis/datashare.dev/v1alpha1/namespaces/tax-bureau/datasharerequests";
    let created = plane.ask("POST", uri, &request);
    assert_eq!(created.status, 201, "{created:?}");
    for name in ["datashare", "datashare-crds"] {
        let said = helm(Some(plane), &["uninstall", name, "--namespace", NAMESPACE]);
        assert!(said.ok, "{}", said.err);
    }
    assert_eq!(present(plane), Vec::<String>::new());
    let name = request["metadata"]["name"].as_str().unwrap();
    assert!(exists(plane, &format!("{uri}/{name}")), "people's objects stay, and so do their definitions");
    for namespace in ["jinan-registration", "tax-bureau", "gateways", "civil-affairs"] {
        let left = plane.kubectl(&["get", "rolebindings,networkpolicies", "-n", namespace, "-o", "name"]);
        assert_eq!(left.out, "", "{namespace}");
    }
}

/// `make install.yaml`, for those without helm.
fn applied(plane: &ControlPlane) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("install.yaml");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut make = Command::new("make");
    make.args(["--silent", "install.yaml"]).arg(format!("INSTALL={}", file.display())).current_dir(root);
    make.arg(format!("HELM={}", Programs::installed().find("helm").display()));
    let said = helm::said(&mut make);
    assert!(said.ok, "{}", said.err);
    let said = plane.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", file.to_str().unwrap()]);
    assert!(said.ok, "{}", said.err);
    assert_eq!(said.err, "", "the server warns");
    assert!(
        !fs::read_to_string(&file).unwrap().contains("datashare-test"),
        "helm's own test is of no use without helm"
    );
    assert!(present(plane).len() > 30);
    let label = "pod-security.kubernetes.io/enforce";
    let namespace = plane.ask("GET", &format!("/api/v1/namespaces/{NAMESPACE}"), &Value::Null).body;
    assert_eq!(namespace["metadata"]["labels"][label], "restricted");
}

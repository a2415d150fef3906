//! Pods as a kubelet would run them, as far as the API server can tell: an object, and a token that is bound to it.

use std::fs;
use std::path::PathBuf;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, eventually};

/// A token of a service account, bound to a pod of that name which is there afterwards.
pub fn token(plane: &ControlPlane, namespace: &str, account: &str, pod: &str) -> String {
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let spec = json!({"serviceAccountName": account, "containers": [{"name": "one", "image": "datashare"}]});
    // the account's existence is told to the server's admission by a watch
    let uid = eventually("the pod is there", || {
        let made = plane.ask("POST", &pods, &json!({"metadata": {"name": pod}, "spec": spec}));
        // a controller may have made it
        let there = if made.status == 409 { plane.ask("GET", &format!("{pods}/{pod}"), &Value::Null) } else { made };
        matches!(there.status, 200 | 201).then(|| there.body["metadata"]["uid"].clone())
    });
    let bound = json!({"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid});
    let uri = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let token = plane.ask("POST", &uri, &json!({"spec": {"boundObjectRef": bound}}));
    assert_eq!(token.status, 201, "{token:?}");
    token.body["status"]["token"].as_str().unwrap().to_owned()
}

/// The kubeconfig of whoever holds a token.
pub fn kubeconfig(plane: &ControlPlane, name: &str, token: &str) -> PathBuf {
    let given = plane.kubeconfig(None);
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&given).unwrap()).unwrap();
    config["users"][0]["user"] = json!({"token": token});
    let own = given.with_extension(format!("{name}.kubeconfig"));
    fs::write(&own, config.to_string()).unwrap();
    own
}

pub fn client(plane: &ControlPlane, kubeconfig: PathBuf) -> Client {
    plane.run(async {
        let config = Kubeconfig::read_from(kubeconfig).unwrap();
        let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
        Client::try_from(config).unwrap()
    })
}

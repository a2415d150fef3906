//! How an object stands is said by the operator alone, for every kind; nobody brings a status along.

use datashare::api::v1alpha1::Kind;
use serde_json::{Value, json};

use super::{Write, change, create};
use crate::charts::installed::{NAMESPACE, ask_as, installed, operator};
use crate::control_plane::Identity;
use crate::corpus::samples;
use crate::definitions::collection;

#[test]
fn only_the_operator_says_how_an_object_stands() {
    let namespace = installed().namespace("status");
    for kind in Kind::ALL {
        let mut object = samples(kind, "accept").remove(0).object;
        object["metadata"]["namespace"] = json!(namespace);
        let forged = json!({"conditions": [{
            "type": "Ready", "status": "True", "reason": "Serving", "message": "calls are answered",
            "lastTransitionTime": "2026-11-25T00:00:00Z",
        }]});
        object["status"] = forged.clone();
        let collection = collection(kind, &namespace);
        create(&collection, object.clone()).done(None);
        let uri = format!("{collection}/{}", object["metadata"]["name"].as_str().unwrap());
        let kept = ask_as(None, "GET", &uri, &Value::Null).body;
        assert_eq!(kept.get("status"), None, "{}: a status came along", kind.name());
        let status = change(&format!("{uri}/status"), json!({"status": forged.clone()}));
        let guard = Identity::service_account(NAMESPACE, "datashare-guard");
        status.refused(None, "datashare-status", "change its spec, or what it depends on");
        assert_eq!(status.tried(Some(&guard)).status, 403, "{}", kind.name());
        let mut written = kept;
        written["status"] = forged;
        Write { method: "PUT", uri: format!("{uri}/status"), body: written }.done(Some(&operator()));
        // and the rest of the object is not the operator's
        let spec = change(&uri, json!({"metadata": {"labels": {"a": "b"}}}));
        assert_eq!(spec.tried(Some(&operator())).status, 403, "{}", kind.name());
        spec.accepted(None);
    }
}

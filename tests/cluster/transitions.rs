//! What was filed stays as it was filed: the server keeps specs from changing, by whatever way somebody tries, and
//! a receipt is added once. Labels and status stay free.

use datashare::api::v1alpha1::{Kind, messages};
use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::corpus::samples;
use crate::definitions::{collection, served};

const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// An object of its own that a test tries to change.
struct Filed {
    plane: &'static ControlPlane,
    uri: String,
    object: Value,
}

impl Filed {
    fn new(kind: Kind, file: &str) -> Self {
        let plane = served();
        let namespace = plane.namespace("filed");
        let sample = samples(kind, "accept").into_iter().find(|sample| sample.file.ends_with(file)).unwrap();
        let mut object = sample.old.unwrap_or(sample.object);
        object["metadata"]["namespace"] = json!(namespace);
        let collection = collection(kind, &namespace);
        let answer = plane.ask("POST", &collection, &object);
        assert_eq!(answer.status, 201, "{answer:?}");
        let uri = format!("{collection}/{}", object["metadata"]["name"].as_str().unwrap());
        Self { plane, uri, object }
    }

    fn patched(&self, below: &str, type_: &str, patch: &Value) -> Result<Value, String> {
        let query = if type_ == APPLY { "?fieldManager=other&force=true" } else { "" };
        let uri = format!("{}{below}{query}", self.uri);
        let answer = self.plane.ask_as(&self.plane.client(None), "PATCH", &uri, type_, patch);
        if answer.status == 200 { Ok(answer.body) } else { Err(answer.message().to_owned()) }
    }

    fn refuses(&self, type_: &str, patch: &Value, sentence: &str) {
        match self.patched("", type_, patch) {
            Ok(_) => panic!("{patch} was accepted"),
            Err(said) => assert!(said.contains(sentence), "{patch}: {said}"),
        }
        let now = self.plane.ask("GET", &self.uri, &Value::Null).body["spec"].take();
        assert_eq!(now, self.object["spec"], "{patch}");
    }

    /// Every way to change one member of the spec.
    fn refuses_change(&self, name: &str, value: &Value, sentence: &str) {
        self.refuses(MERGE, &json!({"spec": {name: value}}), sentence);
        let pointer = format!("/spec/{name}");
        self.refuses("application/json-patch+json", &json!([{"op": "add", "path": pointer, "value": value}]), sentence);
        let mut whole = self.object.clone();
        whole["spec"][name] = value.clone();
        self.refuses(APPLY, &whole, sentence);
    }
}

#[test]
fn a_request_never_changes() {
    let filed = Filed::new(Kind::DataShareRequest, "interface.yaml");
    filed.refuses_change("purpose", &json!("something else"), messages::SPEC_FINAL);
    filed.refuses_change("fields", &json!(["ownerName"]), messages::SPEC_FINAL);
    filed.refuses_change("notAfter", &json!("2027-10-30"), messages::SPEC_FINAL);
    filed.refuses_change("amends", &json!("earlier"), messages::SPEC_FINAL);
    // and it does not help to take the spec away first
    filed.refuses(MERGE, &json!({"spec": null}), "spec: Required value");
}

#[test]
fn labels_and_status_of_a_request_stay_free() {
    let filed = Filed::new(Kind::DataShareRequest, "interface.yaml");
    filed.patched("", MERGE, &json!({"metadata": {"labels": {"batch": "spring"}}})).unwrap();
    let status = json!({"phase": "Granted", "dueBy": "2026-11-30"});
    // whoever may write the status cannot reach the spec through it
    let patch = json!({"status": status, "spec": {"purpose": "something else"}});
    let after = filed.patched("/status", MERGE, &patch).unwrap();
    assert_eq!(after["status"], status);
    assert_eq!(after["spec"], filed.object["spec"]);
    // nor the other way round
    let after = filed.patched("", MERGE, &json!({"status": {"phase": "Denied"}})).unwrap();
    assert_eq!(after["status"], status);
}

#[test]
fn a_revocation_takes_one_receipt_and_nothing_else() {
    let mut filed = Filed::new(Kind::Revocation, "receipt-added.yaml");
    assert_eq!(filed.object["spec"].get("receipt"), None);
    let evidence = json!({"uri": "https://scans.example/other.pdf", "sha256": "0".repeat(64)});
    let changes = json!({
        "target": {"unit": null, "grant": {"serial": "1"}}, "resources": ["marriage"], "clause": "Leak",
        "reason": "another", "decidedBy": "another", "decidedAt": "2026-12-02T10:00:00+08:00",
        "evidence": evidence, "recall": {"due": "2027-01-31", "what": "Return"},
    });
    let changes = changes.as_object().unwrap();
    let members: Vec<_> = filed.object["spec"].as_object().unwrap().keys().collect();
    assert_eq!(members, changes.keys().collect::<Vec<_>>(), "every member is tried");
    for (name, value) in changes {
        filed.refuses(MERGE, &json!({"spec": {name: value}}), messages::SPEC_FINAL);
    }
    for absent in ["resources", "evidence", "recall"] {
        filed.refuses(MERGE, &json!({"spec": {absent: null}}), messages::SPEC_FINAL);
    }
    filed.refuses_change("reason", &json!("another"), messages::SPEC_FINAL);

    let sample = samples(Kind::Revocation, "accept").into_iter().find(|s| s.file.ends_with("receipt-added.yaml"));
    let receipt = sample.unwrap().object["spec"]["receipt"].take();
    // a receipt does not carry another change along
    let both = json!({"spec": {"receipt": receipt, "reason": "another"}});
    filed.refuses(MERGE, &both, messages::SPEC_FINAL);

    filed.patched("", MERGE, &json!({"spec": {"receipt": receipt}})).unwrap();
    filed.object["spec"]["receipt"] = receipt.clone();
    let mut other = receipt;
    other["signedBy"] = json!("somebody else");
    filed.refuses_change("receipt", &other, messages::RECEIPT_ONCE);
    filed.refuses(MERGE, &json!({"spec": {"receipt": null}}), messages::RECEIPT_ONCE);
}

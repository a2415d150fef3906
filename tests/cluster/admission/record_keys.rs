//! The public keys of records are the operator's to publish, and stay as they were published.

use serde_json::{Value, json};

use super::{Write, cleaner, create, delete};
use crate::charts::installed::{NAMESPACE, installed, operator};

const POLICY: &str = "datashare-record-keys";
const MEND: &str = "it takes them from the guards' Leases";
const STAYS: &str = "a key that was published stays published";

#[test]
fn only_the_operator_publishes_them_and_takes_none_back() {
    let maps = |namespace: &str| format!("/api/v1/namespaces/{namespace}/configmaps");
    let map = |data: Value| json!({"metadata": {"name": "datashare-record-keys"}, "data": data});
    let uri = maps(NAMESPACE);
    let first = create(&uri, map(json!({"guard-0": "a\nb\n", "guard-1": "c\n"})));
    first.refused(None, POLICY, MEND);
    first.done(Some(&operator()));
    let name = format!("{uri}/datashare-record-keys");
    let data = |data: Value| Write { method: "PUT", uri: name.clone(), body: map(data) };
    data(json!({"guard-0": "x\n"})).refused(None, POLICY, MEND);
    delete(&name).refused(None, POLICY, MEND);
    delete(&name).accepted(Some(&cleaner("namespace-controller")));
    for bad in
        [json!({"guard-0": "b\n"}), json!({"guard-0": "a\nb\n"}), json!({"guard-0": "a\nb\n", "guard-1": "x\nc\n"})]
    {
        data(bad).refused(Some(&operator()), POLICY, STAYS);
    }
    data(json!({"guard-0": "a\nb\nd\n", "guard-1": "c\n", "guard-2": "e\n"})).accepted(Some(&operator()));
    create(&maps(&installed().namespace("elsewhere")), map(json!({}))).accepted(None);
}

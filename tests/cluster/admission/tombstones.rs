//! What has ended stays ended: tombstones are the operator's, and even the operator only adds to them or prunes them.

use serde_json::{Value, json};

use super::{Write, change, cleaner, create, delete};
use crate::charts::installed::{NAMESPACE, ask_as, installed, operator};

const POLICY: &str = "datashare-tombstones";
const MEND: &str = "sign a new grant with a new serial";
const GROW: &str = "start another ConfigMap instead of rewriting this one";

fn maps(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps")
}

fn tombstones(name: &str, entries: &str) -> Value {
    let labels = json!({"app.kubernetes.io/part-of": "datashare", "app.kubernetes.io/component": "tombstones"});
    json!({"metadata": {"name": name, "labels": labels}, "data": {"entries.jsonl": entries}})
}

#[test]
fn only_the_operator_keeps_them() {
    let uri = maps(NAMESPACE);
    let first = create(&uri, tombstones("datashare-tombstones-00001", "{\"a\":1}\n"));
    first.refused(None, POLICY, MEND);
    first.done(Some(&operator()));
    let name = format!("{uri}/datashare-tombstones-00001");
    change(&name, json!({"data": {"entries.jsonl": ""}})).refused(None, POLICY, MEND);
    change(&name, json!({"metadata": {"labels": {"app.kubernetes.io/component": null}}})).refused(None, POLICY, MEND);
    delete(&name).refused(None, POLICY, MEND);
    delete(&name).accepted(Some(&operator()));
    delete(&name).accepted(Some(&cleaner("namespace-controller")));
    // neither by a name without the label, nor by the label under another name
    create(&uri, json!({"metadata": {"name": "datashare-tombstones-00002"}})).refused(None, POLICY, MEND);
    create(&uri, tombstones("others", "")).refused(None, POLICY, MEND);
    create(&uri, json!({"metadata": {"name": "datashare-settings"}})).accepted(None);
    create(&maps(&installed().namespace("elsewhere")), tombstones("datashare-tombstones-00001", "")).accepted(None);
}

#[test]
fn nobody_rewrites_them() {
    let operator = &operator();
    let operator = Some(operator);
    let uri = maps(NAMESPACE);
    // as many and as long as there may be
    let line = |n: usize| format!("{{\"serial\":\"{n:0>480}\"}}\n");
    let entries: String = (0..256).map(line).collect();
    create(&uri, tombstones("datashare-tombstones-00007", &entries)).done(operator);
    let name = format!("{uri}/datashare-tombstones-00007");
    let kept = ask_as(None, "GET", &name, &Value::Null).body;
    let put = |entries: &str| {
        let mut body = kept.clone();
        body["data"]["entries.jsonl"] = json!(entries);
        Write { method: "PUT", uri: name.clone(), body }
    };
    let swapped: String = (1..257).map(line).collect();
    put(&swapped).refused(operator, POLICY, GROW);
    put(&format!("{}{entries}", line(256))).refused(operator, POLICY, GROW);
    put(&format!("{entries}{}", line(256))).accepted(operator);
    put(&entries).accepted(operator);
    let pruned: String = (0..256).filter(|n| n % 3 > 0).map(line).collect();
    put(&pruned).accepted(operator);
    put("").accepted(operator);
}

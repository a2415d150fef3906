//! A Lease says what one guard has seen. Only that guard says it, and its pod's own token proves which it is.

use kube::Client;
use serde_json::{Value, json};

use super::{Write, change, cleaner, create, delete};
use crate::charts::installed::{NAMESPACE, ask_as, installed, operator};
use crate::control_plane::{Answer, Identity, eventually};
use crate::pods;

const POLICY: &str = "datashare-leases";
const MEND: &str = "choose another name for a Lease of your own";

fn leases(namespace: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
}

fn lease(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"holderIdentity": name, "leaseDurationSeconds": 30}})
}

/// A client that carries the token of a guard's pod, as the kubelet would hand it out.
fn guard(pod: &str) -> Client {
    let plane = installed();
    let token = pods::token(plane, NAMESPACE, "datashare-guard", pod);
    pods::client(plane, pods::kubeconfig(plane, pod, &token))
}

fn tried(client: &Client, write: &Write) -> Answer {
    let uri = format!("{}?dryRun=All", write.uri);
    installed().ask_as(client, write.method, &uri, "application/json", &write.body)
}

#[test]
fn a_guard_says_only_what_it_has_seen_itself() {
    let (one, other) = (guard("datashare-guard-7"), guard("datashare-guard-8"));
    let uri = leases(NAMESPACE);
    let own = create(&uri, lease("datashare-guard-datashare-guard-7"));
    eventually("another guard's is refused", || {
        let answer = tried(&other, &own);
        (answer.status == 403 && answer.message().contains(MEND)).then_some(())
    });
    assert_eq!(tried(&one, &own).status, 201);
    for forged in ["datashare-guard-datashare-guard-9", "datashare-guard-datashare-guard", "datashare-operator"] {
        let answer = tried(&one, &create(&uri, lease(forged)));
        assert_eq!(answer.status, 403, "{forged}: {answer:?}");
        assert!(answer.message().contains(MEND), "{}", answer.message());
    }
    // really written, renewed by a whole update, and taken away by nobody: it bears witness
    let written = installed().ask_as(&one, "POST", &uri, "application/json", &own.body);
    assert_eq!(written.status, 201, "{written:?}");
    let name = format!("{uri}/datashare-guard-datashare-guard-7");
    let mut renewed = written.body;
    renewed["spec"]["leaseDurationSeconds"] = json!(60);
    let renew = Write { method: "PUT", uri: name.clone(), body: renewed };
    assert_eq!(tried(&one, &renew).status, 200);
    assert_eq!(tried(&other, &renew).status, 403);
    renew.refused(Some(&operator()), POLICY, MEND);
    assert_eq!(tried(&other, &delete(&name)).status, 403);
    assert_eq!(tried(&one, &delete(&name)).status, 403);
    assert_eq!(delete(&name).tried(Some(&operator())).status, 403);
    change(&name, json!({"spec": {"leaseDurationSeconds": 1}})).refused(None, POLICY, MEND);
    delete(&name).refused(None, POLICY, MEND);
}

#[test]
fn a_guards_account_without_a_pod_says_nothing() {
    let account = Identity::service_account(NAMESPACE, "datashare-guard");
    let forged = create(&leases(NAMESPACE), lease("datashare-guard-datashare-guard-0"));
    forged.refused(Some(&account), POLICY, MEND);
    forged.refused(None, POLICY, MEND);
}

#[test]
fn only_the_operator_says_who_leads() {
    let uri = leases(NAMESPACE);
    let own = create(&uri, lease("datashare-operator"));
    own.refused(None, POLICY, MEND);
    own.done(Some(&operator()));
    let name = format!("{uri}/datashare-operator");
    change(&name, json!({"spec": {"holderIdentity": "me"}})).refused(None, POLICY, MEND);
    delete(&name).refused(None, POLICY, MEND);
    delete(&name).accepted(Some(&cleaner("namespace-controller")));
    // elsewhere, and under other names, it is nobody's business
    create(&uri, lease("somebody-else")).accepted(None);
    let elsewhere = installed().namespace("elsewhere");
    create(&leases(&elsewhere), lease("datashare-operator")).accepted(None);
    assert_eq!(ask_as(None, "GET", &name, &Value::Null).status, 200);
}

//! What people really try, each with their role: what they must do works, what they must not do is refused.

use datashare::api::v1alpha1::Kind;
use serde_json::{Value, json};

use super::persona;
use crate::charts::installed::{ask_as, installed, operator};
use crate::control_plane::Identity;
use crate::corpus::samples;
use crate::definitions::collection;

/// One accepted object of a kind, in a namespace.
fn sample(kind: Kind, namespace: &str) -> Value {
    let mut object = samples(kind, "accept").remove(0).object;
    object["metadata"]["namespace"] = json!(namespace);
    object
}

fn uri(kind: Kind, object: &Value) -> String {
    let text = |member: &str| object["metadata"][member].as_str().unwrap().to_owned();
    format!("{}/{}", collection(kind, &text("namespace")), text("name"))
}

fn may(who: &Identity, method: &str, uri: &str, body: &Value) {
    let answer = ask_as(Some(who), method, uri, body);
    assert_eq!(answer.status / 100, 2, "{} {method} {uri}: {answer:?}", who.user);
}

fn may_not(who: &Identity, method: &str, uri: &str, body: &Value) {
    let answer = ask_as(Some(who), method, uri, body);
    assert_eq!(answer.status, 403, "{} {method} {uri}: {answer:?}", who.user);
}

#[test]
fn a_consumer_asks_and_takes_its_token_and_decides_nothing() {
    let plane = installed();
    let (own, provider) = (plane.namespace("unit"), plane.namespace("provider"));
    let who = persona("consumer", &own);
    let request = sample(Kind::DataShareRequest, &own);
    may(&who, "POST", &collection(Kind::DataShareRequest, &own), &request);
    let rotate = json!({"metadata": {"annotations": {"datashare.dev/rotate": "2026-11-25"}}});
    may(&who, "PATCH", &uri(Kind::DataShareRequest, &request), &rotate);
    let secrets = format!("/api/v1/namespaces/{own}/secrets");
    let secret =
        json!({"metadata": {"name": "datashare-a"}, "type": "datashare.dev/credential", "stringData": {"token": "x"}});
    may(&operator(), "POST", &secrets, &secret);
    may(&who, "GET", &format!("{secrets}/datashare-a"), &Value::Null);
    may_not(&who, "GET", &secrets, &Value::Null);
    may_not(&who, "POST", &secrets, &secret);
    for namespace in [&own, &provider] {
        may_not(&who, "POST", &collection(Kind::AccessGrant, namespace), &sample(Kind::AccessGrant, namespace));
    }
    may_not(&who, "GET", &collection(Kind::DataShareRequest, &provider), &Value::Null);
    may_not(&who, "GET", &collection(Kind::SharedResource, &provider), &Value::Null);
    let status = json!({"status": {"phase": "Granted"}});
    may_not(&who, "PATCH", &format!("{}/status", uri(Kind::DataShareRequest, &request)), &status);
    may(&who, "DELETE", &uri(Kind::DataShareRequest, &request), &Value::Null);
}

#[test]
fn intake_files_forms_and_neither_approves_nor_sees_tokens() {
    let own = installed().namespace("unit");
    let who = persona("intake", &own);
    let request = sample(Kind::DataShareRequest, &own);
    may(&who, "POST", &collection(Kind::DataShareRequest, &own), &request);
    may(&who, "GET", &collection(Kind::DataShareRequest, &own), &Value::Null);
    may_not(&who, "DELETE", &uri(Kind::DataShareRequest, &request), &Value::Null);
    may_not(&who, "POST", &collection(Kind::AccessGrant, &own), &sample(Kind::AccessGrant, &own));
    may_not(&who, "GET", &format!("/api/v1/namespaces/{own}/secrets/datashare-a"), &Value::Null);
}

#[test]
fn an_approver_decides_and_neither_publishes_nor_forges_status() {
    let own = installed().namespace("provider");
    let who = persona("approver", &own);
    let grant = sample(Kind::AccessGrant, &own);
    may(&who, "POST", &collection(Kind::AccessGrant, &own), &grant);
    let signed = json!({"spec": {"approvals": grant["spec"]["approvals"]}});
    may(&who, "PATCH", &uri(Kind::AccessGrant, &grant), &signed);
    may(&who, "GET", &collection(Kind::SharedResource, &own), &Value::Null);
    let status = json!({"status": {"credentials": []}});
    may_not(&who, "PATCH", &format!("{}/status", uri(Kind::AccessGrant, &grant)), &status);
    may_not(&who, "DELETE", &uri(Kind::AccessGrant, &grant), &Value::Null);
    may_not(&who, "POST", &collection(Kind::SharedResource, &own), &sample(Kind::SharedResource, &own));
    may_not(&who, "POST", &collection(Kind::Revocation, &own), &sample(Kind::Revocation, &own));
    may_not(&who, "POST", &collection(Kind::DataShareRequest, &own), &sample(Kind::DataShareRequest, &own));
}

#[test]
fn a_provider_publishes_and_revokes_and_grants_nothing() {
    let own = installed().namespace("provider");
    let who = persona("provider", &own);
    let resource = sample(Kind::SharedResource, &own);
    may(&who, "POST", &collection(Kind::SharedResource, &own), &resource);
    may(&who, "POST", &collection(Kind::Revocation, &own), &sample(Kind::Revocation, &own));
    may(&who, "GET", &collection(Kind::AccessGrant, &own), &Value::Null);
    may_not(&who, "POST", &collection(Kind::AccessGrant, &own), &sample(Kind::AccessGrant, &own));
    may_not(&who, "POST", &collection(Kind::AuditPolicy, &own), &sample(Kind::AuditPolicy, &own));
    let routes = format!("/apis/gateway.networking.k8s.io/v1/namespaces/{own}/httproutes");
    may_not(&who, "POST", &routes, &json!({"metadata": {"name": "own"}, "spec": {}}));
    may(&who, "DELETE", &uri(Kind::SharedResource, &resource), &Value::Null);
}

#[test]
fn an_auditor_reads_everything_but_secrets_and_writes_nothing() {
    let own = installed().namespace("provider");
    let who = persona("auditor", &own);
    for kind in Kind::ALL {
        may(&who, "GET", &collection(kind, &own), &Value::Null);
        may_not(&who, "POST", &collection(kind, &own), &sample(kind, &own));
    }
    may(&who, "GET", &format!("/apis/events.k8s.io/v1/namespaces/{own}/events"), &Value::Null);
    may_not(&who, "GET", &format!("/api/v1/namespaces/{own}/secrets"), &Value::Null);
    may_not(&who, "GET", &format!("/api/v1/namespaces/{own}/secrets/datashare-a"), &Value::Null);
}

#[test]
fn who_reports_on_the_site_reads_its_settings_and_no_secret() {
    let own = installed().namespace("system");
    let who = persona("site", &own);
    may(&who, "GET", &format!("/api/v1/namespaces/{own}/configmaps"), &Value::Null);
    may_not(&who, "GET", &format!("/api/v1/namespaces/{own}/secrets"), &Value::Null);
    may_not(&who, "POST", &format!("/api/v1/namespaces/{own}/configmaps"), &json!({"metadata": {"name": "a"}}));
}

#[test]
fn a_supervisor_says_what_is_kept_and_takes_access_away_and_gives_none() {
    let own = installed().namespace("provider");
    let who = persona("supervisor", &own);
    let policy = sample(Kind::AuditPolicy, &own);
    may(&who, "POST", &collection(Kind::AuditPolicy, &own), &policy);
    may(&who, "DELETE", &uri(Kind::AuditPolicy, &policy), &Value::Null);
    let revocation = sample(Kind::Revocation, &own);
    may(&who, "POST", &collection(Kind::Revocation, &own), &revocation);
    may_not(&who, "DELETE", &uri(Kind::Revocation, &revocation), &Value::Null);
    may_not(&who, "POST", &collection(Kind::AccessGrant, &own), &sample(Kind::AccessGrant, &own));
    may_not(&who, "POST", &collection(Kind::SharedResource, &own), &sample(Kind::SharedResource, &own));
}

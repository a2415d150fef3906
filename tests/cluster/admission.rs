//! What the chart's admission policies refuse, each both ways: whoever it means may go on, everybody else, the
//! administrator included, is told what to do instead. Each is tried without being kept, again and again where it is to be
//! refused: a server takes a moment to know a new policy.

mod gateway_policies;
mod leases;
mod record_keys;
mod status;
mod tombstones;

use serde_json::{Value, json};

use crate::charts::installed::{NAMESPACE, ask_as, installed, operator};
use crate::control_plane::{Answer, Identity, eventually};

/// A way to say where and what.
struct Write<'a> {
    method: &'a str,
    /// Without a query.
    uri: String,
    body: Value,
}

impl Write<'_> {
    fn tried(&self, who: Option<&Identity>) -> Answer {
        ask_as(who, self.method, &format!("{}?dryRun=All", self.uri), &self.body)
    }

    /// Refused by the policy, with its mend.
    fn refused(&self, who: Option<&Identity>, policy: &str, mend: &str) {
        let answer = eventually(&format!("{} {} is refused", self.method, self.uri), || {
            let answer = self.tried(who);
            assert!(matches!(answer.status, 200 | 201 | 403), "{} {}: {answer:?}", self.method, self.uri);
            (answer.status == 403).then_some(answer)
        });
        let said = answer.message();
        assert!(said.contains(&format!("ValidatingAdmissionPolicy '{policy}'")), "{said}");
        assert!(said.contains(mend), "{said}");
    }

    fn accepted(&self, who: Option<&Identity>) {
        let answer = self.tried(who);
        assert_eq!(answer.status / 100, 2, "{} {}: {answer:?}", self.method, self.uri);
    }

    fn done(&self, who: Option<&Identity>) {
        let answer = ask_as(who, self.method, &self.uri, &self.body);
        assert_eq!(answer.status / 100, 2, "{} {}: {answer:?}", self.method, self.uri);
    }
}

fn create(collection: &str, body: Value) -> Write<'static> {
    Write { method: "POST", uri: collection.to_owned(), body }
}

fn change(uri: &str, body: Value) -> Write<'static> {
    Write { method: "PATCH", uri: uri.to_owned(), body }
}

fn delete(uri: &str) -> Write<'static> {
    Write { method: "DELETE", uri: uri.to_owned(), body: Value::Null }
}

/// One of the controllers that clean up.
fn cleaner(name: &str) -> Identity {
    Identity::service_account("kube-system", name)
}

fn ours(name: &str) -> Value {
    let labels = json!({"app.kubernetes.io/managed-by": "datashare", "app.kubernetes.io/part-of": "datashare"});
    json!({"name": name, "labels": labels})
}

fn route(name: &str) -> Value {
    json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": ours(name),
        "spec": {"rules": [{"backendRefs": [{"name": "datashare-guard", "port": 8080}]}]}})
}

#[test]
fn policies_fit_what_they_are_about() {
    installed().with_controllers();
    let collection = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    let ours = "?labelSelector=app.kubernetes.io/part-of%3Ddatashare";
    eventually("a controller has checked the types of every expression", || {
        let listed = ask_as(None, "GET", &format!("{collection}{ours}"), &Value::Null).body;
        let policies = listed["items"].as_array().unwrap();
        assert_eq!(policies.len(), 8);
        for policy in policies {
            assert_eq!(policy["spec"]["failurePolicy"], "Fail");
            let warnings = &policy["status"]["typeChecking"]["expressionWarnings"];
            assert!(warnings.is_null(), "{}: {warnings}", policy["metadata"]["name"]);
        }
        let checked = |policy: &Value| policy["status"]["observedGeneration"] == policy["metadata"]["generation"];
        policies.iter().all(checked).then_some(())
    });
    let collection = collection.replace("policies", "policybindings");
    let bindings = ask_as(None, "GET", &format!("{collection}{ours}"), &Value::Null).body;
    let denies = |binding: &&Value| binding["spec"]["validationActions"] == json!(["Deny"]);
    assert_eq!(bindings["items"].as_array().unwrap().iter().filter(denies).count(), 8);
}

#[test]
fn only_the_operator_publishes() {
    let plane = installed();
    let namespace = plane.namespace("routes");
    let routes = format!("/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes");
    let mend = "change the SharedResource instead";
    create(&routes, route("datashare-marriage")).refused(None, "datashare-routes", mend);
    create(&routes, route("datashare-marriage")).done(Some(&operator()));
    let uri = format!("{routes}/datashare-marriage");
    change(&uri, json!({"spec": {"hostnames": ["elsewhere.example"]}})).refused(None, "datashare-routes", mend);
    // neither taking it over by its label
    let label = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}});
    change(&uri, label).refused(None, "datashare-routes", mend);
    delete(&uri).refused(None, "datashare-routes", mend);
    change(&uri, json!({"spec": {"hostnames": ["data.example"]}})).accepted(Some(&operator()));
    delete(&uri).accepted(Some(&operator()));
    // nor marking one of one's own as ours
    let mut own = route("own");
    own["metadata"].as_object_mut().unwrap().remove("labels");
    create(&routes, own).done(None);
    let label = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "datashare"}}});
    change(&format!("{routes}/own"), label).refused(None, "datashare-routes", mend);
    change(&format!("{routes}/own"), json!({"spec": {"hostnames": ["own.example"]}})).accepted(None);

    let grants = format!("/apis/gateway.networking.k8s.io/v1beta1/namespaces/{NAMESPACE}/referencegrants");
    let kind = ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant");
    let grant = json!({"apiVersion": kind.0, "kind": kind.1, "metadata": ours("routes"), "spec": {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": namespace}],
        "to": [{"group": "", "kind": "Service", "name": "datashare-guard"}],
    }});
    create(&grants, grant.clone()).refused(None, "datashare-routes", mend);
    create(&grants, grant).accepted(Some(&operator()));
}

#[test]
fn what_was_published_goes_with_its_resource_and_its_namespace() {
    let plane = installed().with_controllers();
    let namespace = plane.namespace("owned");
    let routes = format!("/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes");
    let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
    let owner = ask_as(None, "POST", &maps, &json!({"metadata": {"name": "owner"}})).body;
    let mut published = route("datashare-owned");
    published["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
    }]);
    create(&routes, published).done(Some(&operator()));
    create(&routes, route("datashare-alone")).done(Some(&operator()));
    let gone = |uri: &str| {
        eventually(&format!("{uri} is gone"), || (ask_as(None, "GET", uri, &Value::Null).status == 404).then_some(()));
    };
    delete(&format!("{maps}/owner")).done(None);
    gone(&format!("{routes}/datashare-owned"));
    delete(&format!("/api/v1/namespaces/{namespace}")).done(None);
    gone(&format!("/api/v1/namespaces/{namespace}"));
}

#[test]
fn only_the_operator_writes_credentials() {
    let plane = installed();
    let namespace = plane.namespace("credentials");
    let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
    let secret =
        |name: &str, type_: &str| json!({"metadata": {"name": name}, "type": type_, "stringData": {"token": "x"}});
    let ours = "datashare.dev/credential";
    let mend = "the annotation datashare.dev/rotate";
    create(&secrets, secret("datashare-a", ours)).refused(None, "datashare-credentials", mend);
    create(&secrets, secret("datashare-a", ours)).done(Some(&operator()));
    let uri = format!("{secrets}/datashare-a");
    change(&uri, json!({"stringData": {"token": "y"}})).refused(None, "datashare-credentials", mend);
    change(&uri, json!({"metadata": {"labels": {"a": "b"}}})).accepted(Some(&cleaner("generic-garbage-collector")));
    change(&uri, json!({"stringData": {"token": "z"}})).accepted(Some(&operator()));
    // taking access away is nobody's privilege
    delete(&uri).accepted(None);
    create(&secrets, secret("own", "Opaque")).done(None);
    change(&format!("{secrets}/own"), json!({"stringData": {"token": "y"}})).accepted(None);
}

#[test]
fn the_operator_touches_no_other_secret() {
    let plane = installed();
    let namespace = plane.namespace("others");
    let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
    let other = json!({"metadata": {"name": "datashare-a"}, "type": "Opaque", "stringData": {"password": "x"}});
    let (policy, mend) = ("datashare-operator-secrets", "rename the Secret that stands in its way");
    let operator = operator();
    create(&secrets, other.clone()).refused(Some(&operator), policy, mend);
    create(&secrets, other.clone()).done(None);
    let uri = format!("{secrets}/datashare-a");
    // not even a look at it, which is a change of nothing
    change(&uri, json!({})).refused(Some(&operator), policy, mend);
    // neither turning it into one of ours
    let turned = change(&uri, json!({"type": "datashare.dev/credential"}));
    assert!(matches!(turned.tried(Some(&operator)).status, 403 | 422), "a type never changes");
    delete(&uri).refused(Some(&operator), policy, mend);
    // nor one in the product's own namespace, where the upstreams' credentials are
    let own = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
    let upstream = json!({"metadata": {"name": "civil-affairs.app-key"}, "stringData": {"token": "x"}});
    create(&own, upstream.clone()).refused(Some(&operator), policy, mend);
    create(&own, upstream).accepted(None);
}

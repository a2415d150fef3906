//! Who may do what: the roles that the chart has for people, by everything they allow and by real attempts, and those
//! of the operator and the guards, which are no more than what these do.

mod attempts;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::charts::installed::{NAMESPACE, ask_as, installed, operator};
use crate::control_plane::{Identity, eventually};

const READ: &str = "get list watch";

/// Everything that the API server lets somebody do in a namespace, as `group/resource: verbs`, without what everybody
/// may.
fn rights(who: &Identity, namespace: &str) -> BTreeMap<String, String> {
    let review = json!({"spec": {"namespace": namespace}});
    let uri = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let answer = ask_as(Some(who), "POST", uri, &review);
    assert_eq!(answer.status, 201, "{answer:?}");
    let texts = |rule: &Value, member: &str| -> Vec<String> {
        let all = rule[member].as_array().into_iter().flatten();
        all.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = BTreeMap::<String, Vec<String>>::new();
    for rule in answer.body["status"]["resourceRules"].as_array().unwrap() {
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                let names = texts(rule, "resourceNames").join(",");
                let names = if names.is_empty() { names } else { format!(" {names}") };
                rights.entry(format!("{group}/{resource}{names}")).or_default().extend(texts(rule, "verbs"));
            }
        }
    }
    let order = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let sorted = |mut verbs: Vec<String>| {
        verbs.sort_by_key(|verb| order.iter().position(|known| known == verb));
        verbs.dedup();
        verbs.join(" ")
    };
    let everybodys = |resource: &str| resource.contains("/selfsubject");
    let rights = rights.into_iter().filter(|(resource, _)| !everybodys(resource));
    rights.map(|(resource, verbs)| (resource, sorted(verbs))).collect()
}

/// The rights are exactly these.
fn exactly(who: &Identity, namespace: &str, expected: &[(&str, &str)]) {
    let short = |name: &str| match name {
        name if name.contains('/') => name.to_owned(),
        name => format!("datashare.dev/{name}"),
    };
    let expected: BTreeMap<_, _> = expected.iter().map(|(name, verbs)| (short(name), (*verbs).to_owned())).collect();
    eventually(&format!("{} may what it should", who.user), || (rights(who, namespace) == expected).then_some(()));
}

/// Somebody with a persona's role in a namespace.
fn persona(role: &str, namespace: &str) -> Identity {
    let who = Identity::user(&format!("{role}@{namespace}"));
    let binding = json!({
        "metadata": {"name": role},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("datashare-{role}")},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": who.user}],
    });
    let uri = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
    assert_eq!(ask_as(None, "POST", &uri, &binding).status, 201);
    eventually("the role counts", || (!rights(&who, namespace).is_empty()).then_some(()));
    who
}

#[test]
fn each_persona_has_exactly_these_rights_and_only_where_it_is_bound() {
    let namespace = installed().namespace("rights");
    let (change, all) = ("get list watch create update patch", "get list watch create update patch delete");
    let personas: [(&str, &[(&str, &str)]); 8] = [
        ("catalogue", &[("sharedresources", READ)]),
        ("consumer", &[("datasharerequests", all), ("/secrets", "get")]),
        ("intake", &[("datasharerequests", change)]),
        (
            "approver",
            &[
                ("accessgrants", change),
                ("sharedresources", READ),
                ("datasharerequests", READ),
                ("revocations", READ),
                ("auditpolicies", READ),
            ],
        ),
        (
            "provider",
            &[
                ("sharedresources", all),
                ("revocations", all),
                ("datasharerequests", READ),
                ("accessgrants", READ),
                ("auditpolicies", READ),
            ],
        ),
        (
            "auditor",
            &[
                ("sharedresources", READ),
                ("datasharerequests", READ),
                ("accessgrants", READ),
                ("revocations", READ),
                ("auditpolicies", READ),
                ("/events", READ),
                ("events.k8s.io/events", READ),
                ("auditrecords", "get"),
                ("coordination.k8s.io/leases", "list"),
                ("/configmaps datashare-record-keys", "get"),
            ],
        ),
        ("site", &[("/configmaps", READ)]),
        (
            "supervisor",
            &[
                ("auditpolicies", all),
                ("revocations", change),
                ("sharedresources", READ),
                ("datasharerequests", READ),
                ("accessgrants", READ),
                ("auditrecords", "get"),
                ("coordination.k8s.io/leases", "list"),
                ("/configmaps datashare-record-keys", "get"),
            ],
        ),
    ];
    for (role, expected) in personas {
        let who = persona(role, &namespace);
        exactly(&who, &namespace, expected);
        for elsewhere in ["default", NAMESPACE] {
            exactly(&who, elsewhere, &[]);
        }
    }
}

#[test]
fn the_operator_has_exactly_these_rights() {
    let elsewhere = [
        ("sharedresources", READ),
        ("datasharerequests", READ),
        ("accessgrants", READ),
        ("revocations", READ),
        ("auditpolicies", READ),
        ("sharedresources/status", "update"),
        ("datasharerequests/status", "update"),
        ("accessgrants/status", "update"),
        ("revocations/status", "update"),
        ("auditpolicies/status", "update"),
        ("/secrets", "create patch delete"),
        ("gateway.networking.k8s.io/httproutes", "get list watch create patch delete"),
        ("events.k8s.io/events", "create patch"),
    ]
    .map(|(name, verbs)| match name.strip_suffix("/status") {
        Some(_) => (format!("datashare.dev/{name}"), verbs),
        None => (name.to_owned(), verbs),
    });
    let elsewhere: Vec<_> = elsewhere.iter().map(|(name, verbs)| (name.as_str(), *verbs)).collect();
    exactly(&operator(), "default", &elsewhere);
    let own = [
        ("/configmaps", "list watch create update delete"),
        ("coordination.k8s.io/leases", "get list watch create update"),
        ("gateway.networking.k8s.io/referencegrants", "get create patch delete"),
        ("gateway.networking.k8s.io/backendtlspolicies", "get create patch"),
    ];
    exactly(&operator(), NAMESPACE, &[&elsewhere[..], &own].concat());
}

#[test]
fn a_guard_has_exactly_these_rights() {
    let guard = Identity::service_account(NAMESPACE, "datashare-guard");
    let elsewhere = ["sharedresources", "datasharerequests", "accessgrants", "revocations", "auditpolicies"];
    let elsewhere = elsewhere.map(|kind| (kind, "list watch"));
    // whom it asks who asks for the record
    let reviews =
        [("authentication.k8s.io/tokenreviews", "create"), ("authorization.k8s.io/subjectaccessreviews", "create")];
    let elsewhere = [&elsewhere[..], &reviews].concat();
    exactly(&guard, "default", &elsewhere);
    let authorities = [("/configmaps extension-apiserver-authentication", "get")];
    exactly(&guard, "kube-system", &[&elsewhere[..], &authorities].concat());
    let own = [("/configmaps", "list watch"), ("/secrets", "get"), ("coordination.k8s.io/leases", "get create update")];
    exactly(&guard, NAMESPACE, &[&elsewhere[..], &own].concat());
}

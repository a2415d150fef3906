//! How Argo CD and Flux read an object's health: run for real, in the languages that they use, over every reason there
//! is, and both say the same.

use cel::{Context, Program};
use datashare::api::v1alpha1::Kind;
use datashare::delivery::state_dir::StateDir;
use datashare::judge::reason::Reason;
use mlua::{Lua, LuaSerdeExt, Table};
use serde_json::{Value, json};

use super::documents;
use crate::cli::{datashare, jinan};

fn script(kind: Kind) -> String {
    let map = documents("examples/gitops/argocd/health.yaml").remove(0);
    map["data"][format!("resource.customizations.health.datashare.dev_{}", kind.name())].as_str().unwrap().to_owned()
}

/// What Argo CD shows, and the message beside it.
fn argo(kind: Kind, object: &Value) -> (String, String) {
    let lua = Lua::new();
    lua.globals().set("obj", lua.to_value(object).unwrap()).unwrap();
    let health: Table = lua.load(script(kind)).eval().unwrap_or_else(|error| panic!("{object}: {error}"));
    (health.get("status").unwrap(), health.get("message").unwrap())
}

/// Which of Flux's expressions hold; it asks for failed, then for current, and waits while neither does.
fn flux(kind: Kind, object: &Value) -> &'static str {
    let objects = documents("examples/gitops/flux/kustomizations.yaml").remove(1);
    let all = objects["spec"]["healthCheckExprs"].as_array().unwrap();
    let own = all.iter().find(|one| one["kind"] == kind.name()).unwrap();
    assert_eq!(own["apiVersion"], "datashare.dev/v1alpha1");
    let holds = |name: &str| {
        let mut context = Context::default();
        context.add_variable("status", object["status"].clone()).unwrap();
        let program = Program::compile(own[name].as_str().unwrap()).unwrap();
        program.execute(&context).unwrap_or_else(|error| panic!("{name}: {error}")) == true.into()
    };
    match (holds("failed"), holds("inProgress"), holds("current")) {
        (true, _, false) => "failed",
        (false, true, false) => "inProgress",
        (false, false, true) => "current",
        (false, false, false) => "neither",
        several => panic!("{object}: {several:?}"),
    }
}

fn ready(status: &str, reason: &str) -> Value {
    json!({
        "metadata": {"generation": 3},
        "status": {"observedGeneration": 3, "conditions": [
            {"type": "Overdue", "status": "False", "reason": "MigrationPlanned", "message": "m"},
            {"type": "Ready", "status": status, "reason": reason, "message": "because"},
        ]},
    })
}

/// What each reason means to somebody who looks at a deployment.
fn meaning(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "Pending" | "NotYetValid" => ("Suspended", "current"),
        "Revoked" | "Superseded" | "Expired" | "Denied" | "UnitRevoked" | "SystemRevoked" | "NoGrant" | "NotShared"
        | "NoInterface" => ("Healthy", "current"),
        "Waiting" | "Enforcing" | "CredentialMissing" | "NoGuard" => ("Progressing", "inProgress"),
        _ => ("Degraded", "neither"),
    }
}

#[test]
fn every_reason_has_its_health() {
    let others = ["NoGrant", "NoInterface", "Waiting", "CredentialMissing", "NoGuard"];
    let reasons: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).chain(others).collect();
    for kind in Kind::ALL {
        for reason in &reasons {
            let object = ready("False", reason);
            let (health, in_flux) = meaning(reason);
            assert_eq!(argo(kind, &object), (health.to_owned(), format!("{reason}: because")), "{}", kind.name());
            assert_eq!(flux(kind, &object), in_flux, "{reason}");
        }
        let serving = ready("True", "Serving");
        assert_eq!((argo(kind, &serving).0.as_str(), flux(kind, &serving)), ("Healthy", "current"));
    }
}

#[test]
fn what_nobody_has_looked_at_is_not_healthy() {
    for kind in Kind::ALL {
        for object in [json!({"metadata": {"generation": 1}}), json!({"metadata": {"generation": 1}, "status": {}})] {
            assert_eq!(argo(kind, &object).0, "Progressing");
        }
        assert_eq!(flux(kind, &json!({"status": {}})), "inProgress");
        let mut edited = ready("True", "Serving");
        edited["metadata"]["generation"] = json!(4);
        assert_eq!(argo(kind, &edited).0, "Progressing", "its spec has changed since");
        let mut stalled = ready("False", "Waiting");
        let condition = json!({"type": "Stalled", "status": "True", "reason": "Malformed", "message": "m"});
        stalled["status"]["conditions"].as_array_mut().unwrap().insert(0, condition);
        assert_eq!(argo(kind, &stalled), ("Degraded".to_owned(), "Malformed: m".to_owned()));
    }
}

#[test]
fn the_example_reads_as_people_would() {
    let (place, root) = jinan();
    let _held = StateDir::hold(&place.path().join(".datashare"), &root).unwrap();
    let list = datashare(place.path(), &["get", "ag", "-o", "json"]).json();
    let health = |name: &str| {
        let items = list["items"].as_array().unwrap();
        argo(Kind::AccessGrant, items.iter().find(|item| item["metadata"]["name"] == name).unwrap()).0
    };
    // no guard runs here
    assert_eq!(health("deed-tax"), "Progressing");
    assert_eq!(health("judicial-enforcement"), "Suspended", "a signature is missing");
    assert_eq!(health("inheritance-denied"), "Healthy", "a denial is an answer too");
}

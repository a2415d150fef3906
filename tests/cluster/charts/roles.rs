//! The rights that the chart gives, for the suites of operator and guard: they run with these and no others, and the API
//! server's own audit tells whether each of them is needed.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::Value;

use super::helm::render;
use crate::control_plane::{ControlPlane, Identity, eventually};

/// The rules of one of the chart's roles.
pub fn rules(kind: &str, name: &str) -> Value {
    static RENDERED: OnceLock<Vec<Value>> = OnceLock::new();
    let all = RENDERED.get_or_init(|| render("datashare", "{}"));
    super::of(all, kind, name).unwrap_or_else(|| panic!("the chart has no {kind} {name}"))["rules"].clone()
}

/// The same, one by one: `group/resource/verb`.
fn rights(kind: &str, name: &str) -> BTreeSet<String> {
    let list = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let mut all = BTreeSet::new();
    for rule in rules(kind, name).as_array().unwrap() {
        for group in list(&rule["apiGroups"]) {
            for resource in list(&rule["resources"]) {
                all.extend(list(&rule["verbs"]).iter().map(|verb| format!("{group}/{resource}/{verb}")));
            }
        }
    }
    all
}

/// What somebody asked for: `group/resource/verb`, in the product's own namespace or elsewhere.
fn asked(plane: &ControlPlane, who: &Identity, own: &str) -> [BTreeSet<String>; 2] {
    let mut used = [BTreeSet::new(), BTreeSet::new()];
    for event in plane.audit() {
        let about = &event["objectRef"];
        if event["impersonatedUser"]["username"] != who.user.as_str() || !about.is_object() {
            continue;
        }
        assert_ne!(event["responseStatus"]["code"], 403, "a right is missing: {event}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut resource = text(&about["resource"]);
        if let Some(below) = about["subresource"].as_str() {
            resource = format!("{resource}/{below}");
        }
        let mut verbs = vec![text(&event["verb"])];
        // an apply that creates needs both rights
        if verbs[0] == "patch" && event["responseStatus"]["code"] == 201 {
            verbs.push("create".to_owned());
        }
        for verb in verbs {
            used[usize::from(about["namespace"] == own)]
                .insert(format!("{}/{resource}/{verb}", text(&about["apiGroup"])));
        }
    }
    used
}

/// Rights of both roles that were not used yet.
fn unused(plane: &ControlPlane, who: &Identity, own: &str, component: &str) -> Vec<String> {
    let [elsewhere, at_home] = asked(plane, who, own);
    let everywhere = rights("ClusterRole", &format!("datashare-{component}"));
    let own_role = rights("Role", &format!("datashare-{component}-own"));
    let audit = if component == "guard" { vec!["ClusterRole", "Role"] } else { Vec::new() };
    let audit = audit.into_iter().flat_map(|kind| rights(kind, "datashare-guard-audit"));
    let unused = everywhere.into_iter().chain(audit).filter(|right| !elsewhere.contains(right));
    unused.chain(own_role.into_iter().filter(|right| !at_home.contains(right))).collect()
}

/// Waits until somebody has used every right of its component; a call that was forbidden fails.
pub fn all_used(plane: &ControlPlane, who: &Identity, own: &str, component: &str) {
    let mut left = Vec::new();
    let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually("every right was used", || {
            left = unused(plane, who, own, component);
            left.is_empty().then_some(())
        });
    }));
    assert!(waited.is_ok(), "rights of the chart that nobody needs: {left:?}");
}

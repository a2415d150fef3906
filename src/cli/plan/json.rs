//! The plan for scripts; its form is in the command's help.

use serde_json::{Value, json};

use super::diff::{Change, Diff};

pub(super) fn value(old: &str, new: &str, diff: &Diff) -> Value {
    json!({
        "old": old,
        "new": new,
        "changes": diff.changes.iter().map(change).collect::<Vec<_>>(),
        "notServing": diff.not_serving,
        "revocations": diff.revocations,
    })
}

fn change(change: &Change) -> Value {
    let subject = &change.subject;
    let mut value = json!({
        "effect": change.effect,
        "resource": {
            "namespace": *subject.resource.namespace,
            "name": *subject.resource.name,
            "title": change.title,
        },
        "unit": {"name": change.unit, "code": *subject.unit},
        "system": *subject.system,
        "gained": change.gained,
        "lost": change.lost,
        "differences": change.differences,
        "before": change.before,
        "after": change.after,
    });
    if let (Some((reason, message)), Some(members)) = (&change.ending, value.as_object_mut()) {
        members.insert("reason".into(), reason.as_str().into());
        members.insert("message".into(), message.as_str().into());
    }
    value
}

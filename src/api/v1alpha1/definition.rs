//! The `CustomResourceDefinition` of each kind, as an API server gets it.
//!
//! A member that is absent and one that is `null` mean the same to us, so nothing is nullable:
//! the API server then drops nulls before it looks at any rule, and a rule that asks `has(…)`
//! never meets one. Conditions get the bounds of `metav1.Condition`, which its schema here lacks.

use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::{AccessGrant, AuditPolicy, DataShareRequest, Kind, Revocation, SharedResource};

/// The definition of one kind.
#[must_use]
pub fn definition(kind: Kind) -> Value {
    let definition = match kind {
        Kind::SharedResource => SharedResource::crd(),
        Kind::DataShareRequest => DataShareRequest::crd(),
        Kind::AccessGrant => AccessGrant::crd(),
        Kind::AuditPolicy => AuditPolicy::crd(),
        Kind::Revocation => Revocation::crd(),
    };
    let mut definition = serde_json::to_value(definition).unwrap_or_default();
    if let Some(schema) = definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema") {
        without_null(schema);
        if let Some(members) = schema.pointer_mut("/properties/status/properties/conditions/items/properties") {
            bound_condition(members);
        }
    }
    definition
}

/// The schema of one kind's objects.
#[must_use]
pub fn schema(kind: Kind) -> Value {
    definition(kind).pointer_mut("/spec/versions/0/schema/openAPIV3Schema").map(Value::take).unwrap_or_default()
}

/// The name of a kind's definition, such as `accessgrants.datashare.dev`.
#[must_use]
pub fn name(kind: Kind) -> String {
    format!("{}.{}", kind.aliases().0, super::GROUP)
}

fn without_null(schema: &mut Value) {
    let Some(node) = schema.as_object_mut() else { return };
    node.remove("nullable");
    if let Some(values) = node.get_mut("enum").and_then(Value::as_array_mut) {
        values.retain(|value| !value.is_null());
    }
    if let Some(members) = node.get_mut("properties").and_then(Value::as_object_mut) {
        members.values_mut().for_each(without_null);
    }
    for each in ["items", "additionalProperties"] {
        if let Some(schema) = node.get_mut(each) {
            without_null(schema);
        }
    }
}

fn bound_condition(members: &mut Value) {
    for (member, bound, value) in [
        ("type", "maxLength", json!(316)),
        ("reason", "maxLength", json!(1024)),
        ("message", "maxLength", json!(32768)),
        ("status", "enum", json!(["True", "False", "Unknown"])),
    ] {
        if let Some(schema) = members.get_mut(member).and_then(Value::as_object_mut) {
            schema.insert(bound.to_owned(), value);
        }
    }
}

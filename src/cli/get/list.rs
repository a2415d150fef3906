//! Objects as Kubernetes would give them: metadata, spec as written, status as judged.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::GetError;
use crate::api::v1alpha1::{API_VERSION, Kind};
use crate::cli::world::World;
use crate::judge::facts::Key;
use crate::judge::index::Change;
use crate::judge::status::{Observed, View};
use crate::source::change::Place;
use crate::source::facts;
use crate::source::object::{Object, Spec};
use crate::source::yaml;

/// Every object of a kind with its status, by namespace and name.
pub(super) fn items(world: &World, observed: &Observed, kind: Kind, now: Timestamp) -> Result<Vec<Value>, GetError> {
    let view = View { index: &world.index, observed, now };
    let all = world.objects.iter().filter(|(key, _)| key.kind() == kind).flat_map(|(_, all)| all);
    all.map(|(object, place)| item(world, &view, object, place)).collect()
}

fn item(world: &World, view: &View<'_>, object: &Object, place: &Place) -> Result<Value, GetError> {
    let key = Key::new(object.namespace.as_str(), object.name.as_str());
    let (spec, status) = match &object.spec {
        Spec::SharedResource(spec) => (serde_json::to_value(spec)?, serde_json::to_value(view.resource(&key))?),
        Spec::DataShareRequest(spec) => (serde_json::to_value(spec)?, serde_json::to_value(view.request(&key))?),
        Spec::AccessGrant(spec) => (serde_json::to_value(spec)?, serde_json::to_value(view.grant(&key))?),
        Spec::AuditPolicy(spec) => (serde_json::to_value(spec)?, serde_json::to_value(view.policy(&key))?),
        Spec::Revocation(spec) => {
            let status = match facts::put(object, place, world.index.site()) {
                Ok(Some(Change::Revocation(read))) => Some(view.revocation(&read, spec)),
                _ => None,
            };
            (serde_json::to_value(spec)?, serde_json::to_value(status)?)
        }
    };
    let mut metadata = Map::new();
    metadata.insert("namespace".into(), object.namespace.as_str().into());
    metadata.insert("name".into(), object.name.as_str().into());
    for (member, pairs) in [("labels", &object.labels), ("annotations", &object.annotations)] {
        if !pairs.is_empty() {
            metadata.insert(member.into(), serde_json::to_value(pairs)?);
        }
    }
    let mut item = json!({
        "apiVersion": API_VERSION,
        "kind": object.kind().name(),
        "metadata": metadata,
        "spec": spec,
    });
    if let (Some(item), false) = (item.as_object_mut(), status.is_null()) {
        item.insert("status".into(), status);
    }
    Ok(item)
}

pub(super) fn namespace(item: &Value) -> &str {
    item.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn name(item: &Value) -> &str {
    item.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

/// A Kubernetes `List`, also of one object or none.
pub(super) fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
}

/// The same as YAML.
pub(super) fn yaml(items: &[Value]) -> Result<String, GetError> {
    let head = "apiVersion: v1\nkind: List\nmetadata: {}\nitems:";
    if items.is_empty() {
        return Ok(format!("{head} []\n"));
    }
    Ok(format!("{head}\n{}", yaml::emit(items)?))
}

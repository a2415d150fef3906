//! What the three digests are taken over: a request as a whole, the slice of a resource that a grant
//! relies on, and the terms of a grant. Always what was written; nothing is filled in.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::canonical::{CanonicalError, Digest, digest};
use crate::api::v1alpha1::common::Mode;
use crate::api::v1alpha1::shared_resource::{Field, Operation};
use crate::api::v1alpha1::{API_VERSION, AccessGrantSpec, DataShareRequestSpec, Kind, SharedResourceSpec};

/// Digest of a request: `apiVersion`, kind, namespace, name and spec.
pub fn request(namespace: &str, name: &str, spec: &DataShareRequestSpec) -> Result<Digest, CanonicalError> {
    object(Kind::DataShareRequest, namespace, name, &value(spec)?)
}

/// Digest of any object as a whole.
pub fn object(kind: Kind, namespace: &str, name: &str, spec: &Value) -> Result<Digest, CanonicalError> {
    digest(&json!({
        "apiVersion": API_VERSION,
        "kind": kind.name(),
        "metadata": {"namespace": namespace, "name": name},
        "spec": spec,
    }))
}

/// Digest of the terms of a grant: its spec without the approvals.
pub fn terms(spec: &AccessGrantSpec) -> Result<Digest, CanonicalError> {
    digest(&terms_value(spec)?)
}

/// The terms of a grant, as they stand inside a statement.
pub(super) fn terms_value(spec: &AccessGrantSpec) -> Result<Value, CanonicalError> {
    let mut terms = value(spec)?;
    if let Some(members) = terms.as_object_mut() {
        members.remove("approvals");
    }
    Ok(terms)
}

/// Digest of the slice of a resource that a grant of these fields and operations relies on. Names that
/// the catalogue does not have are left out: the judge refuses them by themselves.
pub fn slice<S: AsRef<str>>(
    namespace: &str,
    name: &str,
    spec: &SharedResourceSpec,
    fields: &[S],
    operations: &[S],
    mode: Mode,
) -> Result<Digest, CanonicalError> {
    digest(&slice_value(namespace, name, spec, fields, operations, mode)?)
}

fn slice_value<S: AsRef<str>>(
    namespace: &str,
    name: &str,
    spec: &SharedResourceSpec,
    fields: &[S],
    operations: &[S],
    mode: Mode,
) -> Result<Value, CanonicalError> {
    let granted = |list: &[S], name: &str| list.iter().any(|one| one.as_ref() == name);
    let fields = spec.fields.iter().filter(|field| granted(fields, &field.name)).map(field);
    let offered = spec.interface.iter().flat_map(|interface| &interface.operations);
    let operations = offered.filter(|offer| mode == Mode::Interface && granted(operations, &offer.name)).map(operation);
    let mut slice = Map::new();
    slice.insert("metadata".into(), json!({"namespace": namespace, "name": name}));
    slice.insert("direction".into(), value(&spec.direction)?);
    slice.insert("sharing".into(), value(&spec.sharing)?);
    slice.insert("provider".into(), json!({"code": spec.provider.code}));
    slice.insert("fields".into(), by_name(fields.collect::<Result<_, _>>()?));
    slice.insert("operations".into(), by_name(operations.collect::<Result<_, _>>()?));
    if let (Mode::Table, Some(table)) = (mode, &spec.table) {
        let table = json!({"schema": table.schema, "name": table.name, "rowFilter": table.row_filter});
        slice.insert("table".into(), table);
    }
    if let (Mode::File, Some(files)) = (mode, &spec.files) {
        slice.insert("files".into(), json!({"prefix": files.prefix}));
    }
    Ok(Value::Object(slice))
}

/// Without the title: a better name for the same data disturbs nobody.
fn field(field: &Field) -> Result<Value, CanonicalError> {
    Ok(json!({
        "name": field.name, "path": field.path, "type": value(&field.type_)?, "class": value(&field.class)?,
    }))
}

fn operation(operation: &Operation) -> Result<Value, CanonicalError> {
    let parameters = operation.parameters.as_ref().map(|list| list.iter().map(value).collect::<Result<_, _>>());
    Ok(json!({
        "name": operation.name,
        "method": value(&operation.method)?,
        "path": operation.path,
        "parameters": parameters.transpose()?.map(by_name),
    }))
}

/// A list in the order of its entries' names (code points).
fn by_name(mut list: Vec<Value>) -> Value {
    list.sort_by(|a, b| name_of(a).cmp(name_of(b)));
    Value::Array(list)
}

fn name_of(value: &Value) -> &str {
    value.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn value<T: Serialize + ?Sized>(of: &T) -> Result<Value, CanonicalError> {
    serde_json::to_value(of).map_err(|error| CanonicalError::Unwritable(error.to_string()))
}

#[cfg(test)]
mod tests;

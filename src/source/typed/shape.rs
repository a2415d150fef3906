//! The frame of an object: `apiVersion`, `kind`, `metadata`, `spec`, and names that Kubernetes would
//! take too.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Fault, Identity, mend};
use crate::api::v1alpha1::validate::syntax::dns_label;
use crate::api::v1alpha1::{API_VERSION, Kind};
use crate::source::finding::FindingCode;

/// Who the document says it is.
pub(super) fn identity(value: &Value) -> Identity {
    let text =
        |value: Option<&Value>| value.and_then(Value::as_str).filter(|text| text.len() <= 253).map(str::to_owned);
    let meta = value.get("metadata");
    Identity {
        kind: text(value.get("kind")),
        namespace: text(meta.and_then(|meta| meta.get("namespace"))),
        name: text(meta.and_then(|meta| meta.get("name"))),
    }
}

/// The kind of a well-framed document, or everything that is wrong with the frame.
pub(super) fn check(value: &Value) -> Result<Kind, Vec<Fault>> {
    let Some(root) = value.as_object() else {
        let fix = "write apiVersion, kind, metadata and spec";
        return Err(vec![Fault::new(FindingCode::ObjectShape, "", "this document is not an object", fix)]);
    };
    let mut faults = Vec::new();
    match root.get("apiVersion").and_then(Value::as_str) {
        Some(API_VERSION) => {}
        Some(other) => {
            let message = format!("apiVersion `{other}` is not ours");
            faults.push(Fault::new(
                FindingCode::ApiVersionUnknown,
                "apiVersion",
                message,
                format!("write {API_VERSION}, or keep this file elsewhere"),
            ));
        }
        None => faults.push(Fault::new(
            FindingCode::ApiVersionUnknown,
            "apiVersion",
            "apiVersion is missing or not text",
            format!("write apiVersion: {API_VERSION}"),
        )),
    }
    let kind = kind(root, &mut faults);
    unknown(root, &["apiVersion", "kind", "metadata", "spec"], "", &mut faults);
    metadata(root.get("metadata"), &mut faults);
    if !root.get("spec").is_some_and(Value::is_object) {
        let code = if root.contains_key("spec") { FindingCode::MemberType } else { FindingCode::MemberMissing };
        faults.push(Fault::new(
            code,
            "spec",
            "spec is missing or not an object",
            "write the members of spec below `spec:`, indented",
        ));
    }
    match kind {
        Some(kind) if faults.is_empty() => Ok(kind),
        _ => Err(faults),
    }
}

fn kind(root: &Map<String, Value>, faults: &mut Vec<Fault>) -> Option<Kind> {
    let names = Kind::ALL.map(Kind::name);
    let written = root.get("kind").and_then(Value::as_str);
    let found = Kind::ALL.into_iter().find(|kind| Some(kind.name()) == written);
    if found.is_none() {
        let message = written
            .map_or_else(|| "kind is missing or not text".to_owned(), |kind| format!("there is no kind `{kind}`"));
        let fix = written
            .and_then(|kind| mend::nearest(kind, &names))
            .map_or_else(|| format!("write one of {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
        faults.push(Fault::new(FindingCode::KindUnknown, "kind", message, fix));
    }
    found
}

fn metadata(meta: Option<&Value>, faults: &mut Vec<Fault>) {
    let empty = Map::new();
    let meta = match meta {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(meta)) => meta,
        Some(_) => {
            let fix = "write namespace and name below `metadata:`, indented";
            faults.push(Fault::new(FindingCode::MemberType, "metadata", "metadata is not an object", fix));
            return;
        }
    };
    unknown(meta, &["namespace", "name", "labels", "annotations"], "metadata.", faults);
    for (member, code) in [("namespace", FindingCode::NamespaceMissing), ("name", FindingCode::NameMissing)] {
        let path = format!("metadata.{member}");
        match meta.get(member) {
            None | Some(Value::Null) => {
                let fix = format!("write it below `metadata:`, as in `{member}: jinan-registration`");
                faults.push(Fault::new(code, path, format!("{member} is missing"), fix));
            }
            Some(Value::String(text)) if dns_label(text) => {}
            Some(Value::String(text)) => {
                let message = format!("`{text}` is not a {member}");
                let fix = "use 1 to 63 lowercase letters, digits and '-', with a letter or digit at both ends";
                faults.push(Fault::new(FindingCode::NameInvalid, path, message, fix));
            }
            Some(other) => {
                let message = format!("{member} must be text, not {}", mend::describe(other));
                faults.push(Fault::new(FindingCode::MemberType, path, message, format!("write \"{other}\" in quotes")));
            }
        }
    }
    for member in ["labels", "annotations"] {
        let Some(pairs) = meta.get(member).filter(|pairs| !pairs.is_null()) else { continue };
        let wrong = pairs.as_object().map(|pairs| pairs.iter().find(|(_, value)| !value.is_string()));
        match wrong {
            Some(None) => {}
            Some(Some((name, value))) => {
                let path = format!("metadata.{member}[\"{name}\"]");
                let message = format!("must be text, not {}", mend::describe(value));
                faults.push(Fault::new(FindingCode::MemberType, path, message, "put the value in quotes"));
            }
            None => {
                let message = format!("{member} is not an object");
                faults.push(Fault::new(
                    FindingCode::MemberType,
                    format!("metadata.{member}"),
                    message,
                    "write `name: \"value\"` lines",
                ));
            }
        }
    }
}

fn unknown(map: &Map<String, Value>, known: &[&str], prefix: &str, faults: &mut Vec<Fault>) {
    for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
        faults.push(mend::unknown_member(&format!("{prefix}{name}"), name, known));
    }
}

/// Labels or annotations whose values are known to be text.
pub(super) fn pairs(value: &Value) -> BTreeMap<String, String> {
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    value.as_object().into_iter().flatten().filter_map(text).collect()
}

//! From a document to an object of one of the five kinds, or to findings that say which member is
//! wrong and what to write instead. Nothing is guessed and nothing is filled in: an object is there
//! whole, or it is absent.

mod mend;
mod shape;

pub(crate) use mend::nearest;
pub(super) use mend::plain;

use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::directory::first_eight;
use super::finding::{Finding, FindingCode, Severity};
use super::object::{Object, ObjectKey, Spec};
use super::yaml::{self, Document, Spot};
use crate::api::v1alpha1::validate::{Validate, Violation};
use crate::api::v1alpha1::{Kind, bounds};

/// What a document came to. An object with warnings is there; with an error it is absent.
#[derive(Debug)]
pub struct Loaded {
    pub object: Option<Object>,
    /// Who it says it is, even when it is too broken to be an object.
    pub key: Option<ObjectKey>,
    pub findings: Vec<Finding>,
    pub spot: Spot,
    /// Hash of what was written, `status` left out: equal when nothing that counts changed.
    pub fingerprint: u64,
}

/// The text a document was found in, for the places of findings.
#[derive(Clone, Copy)]
pub struct Origin<'t> {
    /// Path as findings show it.
    pub file: &'t str,
    pub text: &'t str,
}

/// One mistake before its line is looked up.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    code: FindingCode,
    member: String,
    message: String,
    fix: String,
}

impl Fault {
    fn new(code: FindingCode, member: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { code, member: member.into(), message: message.into(), fix: fix.into() }
    }
}

/// Reads one document.
#[must_use]
pub fn load(document: Document, origin: Origin<'_>) -> Loaded {
    let Document { mut value, spot } = document;
    let mut warnings = Vec::new();
    if let Some(map) = value.as_object_mut()
        && map.remove("status").is_some()
    {
        let message = "`status` in a file is ignored: it is what the product observes";
        warnings.push(Fault::new(FindingCode::StatusIgnored, "status", message, "remove it"));
    }
    let said = shape::identity(&value);
    let fingerprint = first_eight(Sha256::new().chain_update(serde_json::to_vec(&value).unwrap_or_default()));
    let outcome = shape::check(&value).and_then(|kind| {
        let spec = value.get_mut("spec").map(Value::take).unwrap_or_default();
        let spec = checked(kind, &spec)?;
        let meta = |member| value.get("metadata").and_then(|meta| meta.get(member));
        let text = |member| meta(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let pairs = |member| meta(member).map(shape::pairs).unwrap_or_default();
        Ok(Object {
            namespace: text("namespace"),
            name: text("name"),
            labels: pairs("labels"),
            annotations: pairs("annotations"),
            spec,
        })
    });
    let (object, faults) = match outcome {
        Ok(object) => (Some(object), Vec::new()),
        Err(faults) => (None, faults),
    };
    let place = |fault: Fault, severity| said.finding(fault, severity, spot, origin);
    let findings = faults
        .into_iter()
        .map(|fault| place(fault, Severity::Error))
        .chain(warnings.into_iter().map(|fault| place(fault, Severity::Warning)))
        .collect();
    Loaded { object, key: said.key(), findings, spot, fingerprint }
}

/// Who a document says it is, as far as that can be read.
#[derive(Debug, Default)]
struct Identity {
    kind: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

impl Identity {
    fn key(&self) -> Option<ObjectKey> {
        let kind = Kind::ALL.into_iter().find(|kind| Some(kind.name()) == self.kind.as_deref())?;
        Some(ObjectKey::new(kind, self.namespace.as_deref()?, self.name.as_deref()?))
    }

    fn finding(&self, fault: Fault, severity: Severity, spot: Spot, origin: Origin<'_>) -> Finding {
        let (line, _) = yaml::locate(origin.text, spot, &fault.member);
        Finding {
            severity,
            code: fault.code,
            file: origin.file.to_owned(),
            line,
            kind: self.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            member: Some(fault.member).filter(|member| !member.is_empty()),
            message: fault.message,
            fix: fault.fix,
        }
    }
}

/// A typed spec that breaks no rule of its own, or every rule that it breaks.
fn checked(kind: Kind, written: &Value) -> Result<Spec, Vec<Fault>> {
    let spec = spec_of(kind, written).map_err(|fault| vec![fault])?;
    let mut broken = bounds::violations(kind, written);
    broken.extend(match &spec {
        Spec::SharedResource(spec) => spec.violations(),
        Spec::DataShareRequest(spec) => spec.violations(),
        Spec::AccessGrant(spec) => spec.violations(),
        Spec::AuditPolicy(spec) => spec.violations(),
        Spec::Revocation(spec) => spec.violations(),
    });
    if broken.is_empty() {
        return Ok(spec);
    }
    let fault = |broken: Violation| Fault::new(FindingCode::ValueInvalid, broken.member, broken.message, broken.fix);
    Err(broken.into_iter().map(fault).collect())
}

/// A typed spec as the cluster gave it, or what is wrong with it, one line each.
pub(super) fn from_cluster(kind: Kind, written: &Value) -> Result<Spec, Vec<String>> {
    let line = |fault: Fault| format!("{}: {}; {}", fault.member, fault.message, fault.fix);
    checked(kind, written).map_err(|faults| faults.into_iter().map(line).collect())
}

fn spec_of(kind: Kind, spec: &Value) -> Result<Spec, Fault> {
    Ok(match kind {
        Kind::SharedResource => Spec::SharedResource(read(spec)?),
        Kind::DataShareRequest => Spec::DataShareRequest(read(spec)?),
        Kind::AccessGrant => Spec::AccessGrant(read(spec)?),
        Kind::AuditPolicy => Spec::AuditPolicy(read(spec)?),
        Kind::Revocation => Spec::Revocation(read(spec)?),
    })
}

/// The good path asks serde alone; only a failure is read again with the member's path tracked.
fn read<T: DeserializeOwned>(spec: &Value) -> Result<Box<T>, Fault> {
    if let Ok(spec) = T::deserialize(spec.into_deserializer()) {
        return Ok(Box::new(spec));
    }
    serde_path_to_error::deserialize::<_, T>(spec).map(Box::new).map_err(|error| {
        let path = error.path().to_string();
        mend::explain(&path, &error.into_inner().to_string(), spec)
    })
}

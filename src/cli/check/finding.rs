//! A finding as `check` tells it: those of the source, and those that only the whole directory shows.

use serde::Serialize;

use crate::source::finding::{Finding, Severity};
use crate::source::object::ObjectKey;

/// What scripts read. `code` is one of the source's, or a verdict's reason in kebab case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    pub severity: Severity,
    pub code: String,
    pub file: String,
    pub line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    pub message: String,
    pub fix: String,
}

impl Told {
    /// A finding about a member of an object; file and line are filled in where they are known.
    pub(super) fn of(
        severity: Severity,
        code: impl Into<String>,
        key: &ObjectKey,
        member: impl Into<String>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code: code.into(),
            file: String::new(),
            line: 1,
            kind: Some(key.kind().name().to_owned()),
            namespace: Some(key.namespace().to_owned()),
            name: Some(key.name().to_owned()),
            member: Some(member.into()),
            message: message.into(),
            fix: fix.into(),
        }
    }
}

impl From<Finding> for Told {
    fn from(from: Finding) -> Self {
        Self {
            severity: from.severity,
            code: from.code.name().to_owned(),
            file: from.file,
            line: from.line,
            kind: from.kind,
            namespace: from.namespace,
            name: from.name,
            member: from.member,
            message: from.message,
            fix: from.fix,
        }
    }
}

impl PartialOrd for Told {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Told {
    /// By place, the worst first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let place = |told: &Self| (told.file.clone(), told.line);
        let rest = |told: &Self| (told.code.clone(), told.member.clone(), told.message.clone(), told.name.clone());
        place(self)
            .cmp(&place(other))
            .then_with(|| other.severity.cmp(&self.severity))
            .then_with(|| rest(self).cmp(&rest(other)))
    }
}

/// `FieldsNotRequested` as `fields-not-requested`.
pub(super) fn kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

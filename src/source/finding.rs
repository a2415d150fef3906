//! What is wrong with a file, in the form that `check` prints and scripts read: severity, a code of
//! a closed set, the place, a sentence and the mend.

use std::fmt;

use serde::Serialize;

/// Only errors make a `check` fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

/// What kind of mistake it is. Scripts match on these, so the set is closed and the names stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingCode {
    /// The file cannot be read at all, or is not UTF-8.
    FileUnreadable,
    /// The file or its nesting is beyond the limits.
    FileTooLarge,
    /// More files than one directory may hold.
    TooManyFiles,
    /// The file does not end with a newline: it may have been cut off.
    FileUnfinished,
    /// Not YAML.
    YamlSyntax,
    /// A member twice in one object.
    YamlDuplicateMember,
    /// Anchors, aliases, tags, merges, directives, hidden characters.
    YamlRefused,
    /// A plain word or number that readers of YAML understand differently.
    YamlAmbiguous,
    /// The document is not an object with `apiVersion`, `kind`, `metadata` and `spec`.
    ObjectShape,
    ApiVersionUnknown,
    KindUnknown,
    NamespaceMissing,
    NameMissing,
    NameInvalid,
    MemberUnknown,
    MemberMissing,
    MemberType,
    /// The value is none of the words that may stand here.
    ValueUnknown,
    /// The value breaks a rule that the object can decide alone.
    ValueInvalid,
    /// `status` in a file, which is ignored.
    StatusIgnored,
    /// Two objects of one kind, namespace and name.
    ObjectDuplicate,
    SettingsInvalid,
}

impl FindingCode {
    /// As it is written in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FileUnreadable => "file-unreadable",
            Self::FileTooLarge => "file-too-large",
            Self::TooManyFiles => "too-many-files",
            Self::FileUnfinished => "file-unfinished",
            Self::YamlSyntax => "yaml-syntax",
            Self::YamlDuplicateMember => "yaml-duplicate-member",
            Self::YamlRefused => "yaml-refused",
            Self::YamlAmbiguous => "yaml-ambiguous",
            Self::ObjectShape => "object-shape",
            Self::ApiVersionUnknown => "api-version-unknown",
            Self::KindUnknown => "kind-unknown",
            Self::NamespaceMissing => "namespace-missing",
            Self::NameMissing => "name-missing",
            Self::NameInvalid => "name-invalid",
            Self::MemberUnknown => "member-unknown",
            Self::MemberMissing => "member-missing",
            Self::MemberType => "member-type",
            Self::ValueUnknown => "value-unknown",
            Self::ValueInvalid => "value-invalid",
            Self::StatusIgnored => "status-ignored",
            Self::ObjectDuplicate => "object-duplicate",
            Self::SettingsInvalid => "settings-invalid",
        }
    }
}

/// One finding. `file` is relative to the directory that was read, with `/`; `line` is from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub code: FindingCode,
    pub file: String,
    pub line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Path of the member, as in `spec.fields[3].path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl Finding {
    /// A finding about a whole file.
    #[must_use]
    pub fn of_file(
        code: FindingCode,
        file: &str,
        line: u32,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            code,
            file: file.to_owned(),
            line,
            kind: None,
            namespace: None,
            name: None,
            member: None,
            message: message.into(),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(kind) = &self.kind {
            let (namespace, name) = (self.namespace.as_deref().unwrap_or("?"), self.name.as_deref().unwrap_or("?"));
            write!(f, "{kind} {namespace}/{name}: ")?;
        }
        if let Some(member) = &self.member {
            write!(f, "{member}: ")?;
        }
        write!(f, "{}; {}", self.message, self.fix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_one_line_and_as_json() {
        let mut finding =
            Finding::of_file(FindingCode::MemberUnknown, "a/b.yaml", 7, "there is no member `x`", "remove it");
        assert_eq!(finding.to_string(), "a/b.yaml:7: there is no member `x`; remove it");
        finding.kind = Some("AccessGrant".into());
        finding.namespace = Some("jinan".into());
        finding.name = Some("g".into());
        finding.member = Some("spec.x".into());
        assert_eq!(finding.to_string(), "a/b.yaml:7: AccessGrant jinan/g: spec.x: there is no member `x`; remove it");
        let json = serde_json::to_value(&finding).unwrap();
        assert_eq!(json["severity"], "error");
        assert_eq!(json["code"], finding.code.name());
    }
}

//! The statement: exactly the bytes that an approver signs.

use serde_json::{Value, json};

use super::canonical::{CanonicalError, Digest, canonical_json};
use super::digests::terms_value;
use crate::api::v1alpha1::AccessGrantSpec;

/// Kind and version of the statement.
pub const TYPE: &str = "datashare.dev/approval/v1";

/// All of a statement that does not depend on who signs.
#[derive(Clone, Debug)]
pub struct Statement {
    site: Value,
    grant: Value,
    /// Canonical already: a grant has several signers, and the terms are the longest part.
    terms: Vec<u8>,
}

impl Statement {
    pub fn new(site: &str, namespace: &str, name: &str, spec: &AccessGrantSpec) -> Result<Self, CanonicalError> {
        Ok(Self {
            site: site.into(),
            grant: json!({"namespace": namespace, "name": name}),
            terms: canonical_json(&terms_value(spec)?)?,
        })
    }

    /// Digest of the terms, the same as [`super::digests::terms`].
    #[must_use]
    pub fn terms(&self) -> Digest {
        Digest::of(&self.terms)
    }

    /// The bytes that `principal` signs in `role` at `approved_at`: canonical JSON and one newline.
    pub fn bytes(&self, role: &str, principal: &str, approved_at: &str) -> Result<Vec<u8>, CanonicalError> {
        let mut bytes = canonical_json(&json!({
            "approvedAt": approved_at,
            "grant": self.grant,
            "principal": principal,
            "role": role,
            "site": self.site,
        }))?;
        // `terms` and `type` come last in the order of names
        bytes.pop();
        bytes.extend_from_slice(b",\"terms\":");
        bytes.extend_from_slice(&self.terms);
        bytes.extend_from_slice(b",\"type\":\"");
        bytes.extend_from_slice(TYPE.as_bytes());
        bytes.extend_from_slice(b"\"}\n");
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::digests;

    #[test]
    fn a_statement_is_the_canonical_json_of_its_members_and_a_newline() {
        let terms = json!({
            "serial": "济登共享〔2026〕12号", "requestRef": {"namespace": "a", "name": "b", "digest": "d"},
            "resourceRef": {"name": "r", "digest": "d"}, "decision": "Approved", "fields": ["z", "a"],
            "requires": {"user": true},
        });
        let mut written = terms.clone();
        written["approvals"] = json!([]);
        written["provider"] = Value::Null;
        let spec: AccessGrantSpec = serde_json::from_value(written).unwrap();
        let statement = Statement::new("济南 \"test\"", "ns", "g", &spec).unwrap();
        let mut expected = canonical_json(&json!({
            "type": TYPE, "site": "济南 \"test\"", "role": "Provider", "principal": "a@x",
            "approvedAt": "2026-11-05T00:00:00+08:00", "grant": {"namespace": "ns", "name": "g"}, "terms": terms,
        }))
        .unwrap();
        expected.push(b'\n');
        assert_eq!(statement.bytes("Provider", "a@x", "2026-11-05T00:00:00+08:00").unwrap(), expected);
        assert_eq!(statement.terms(), digests::terms(&spec).unwrap());
    }
}

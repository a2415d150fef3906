//! The statement: exactly the bytes an approver signs.

use serde_json::{Value, json};

use super::canonical::{CanonicalError, canonical_json};
use super::digests::terms_value;
use crate::api::v1alpha1::AccessGrantSpec;

/// Kind and version of the statement.
pub const TYPE: &str = "datashare.dev/approval/v1";

/// All of a statement that does not depend on who signs.
#[derive(Clone, Debug)]
pub struct Statement {
    site: Value,
    grant: Value,
    terms: Value,
}

impl Statement {
    pub fn new(site: &str, namespace: &str, name: &str, spec: &AccessGrantSpec) -> Result<Self, CanonicalError> {
        Ok(Self { site: site.into(), grant: json!({"namespace": namespace, "name": name}), terms: terms_value(spec)? })
    }

    /// The bytes that `principal` signs in `role` at `approved_at`: canonical JSON and one newline.
    pub fn bytes(&self, role: &str, principal: &str, approved_at: &str) -> Result<Vec<u8>, CanonicalError> {
        let mut bytes = canonical_json(&json!({
            "type": TYPE,
            "site": self.site,
            "role": role,
            "principal": principal,
            "approvedAt": approved_at,
            "grant": self.grant,
            "terms": self.terms,
        }))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

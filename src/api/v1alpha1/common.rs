//! Parts that several kinds share.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::messages;

/// CEL: the check digit of GB 32100 over the 17 characters before it (weights are powers of 3
/// modulo 31), and the alphabet without I, O, S, V and Z.
pub const CODE_RULE: &str = "self.matches('^[0-9A-HJ-NP-RTUW-Y]{18}$') && (31 - (\
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(0)) * 1 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(1)) * 3 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(2)) * 9 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(3)) * 27 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(4)) * 19 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(5)) * 26 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(6)) * 16 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(7)) * 17 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(8)) * 20 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(9)) * 29 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(10)) * 25 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(11)) * 13 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(12)) * 8 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(13)) * 24 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(14)) * 10 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(15)) * 30 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(16)) * 28) % 31) % 31 == '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(17))";
pub const DIGEST_RULE: &str = "self.matches('^sha256:[0-9a-f]{64}$')";
pub const SHA256_RULE: &str = "self.matches('^[0-9a-f]{64}$')";
pub const DATE_RULE: &str = "self.matches('^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$') && timestamp(self + 'T00:00:00Z').getDate() == int(self.substring(8, 10))";
pub const TIME_RULE: &str = "self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$') && timestamp(self) > timestamp('1970-01-01T00:00:00Z')";
pub const DURATION_RULE: &str = "self.matches('^[1-9][0-9]{0,5}(s|m|h|d)$')";
pub const DNS_RULE: &str = "self.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')";
pub const UNIQUE_RULE: &str = "self.all(x, self.exists_one(y, y == x))";

/// A unit: a department, an institution or an enterprise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unit {
    /// Full official name.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// Unified social credit code (GB 32100), 18 characters; the check digit is verified.
    #[schemars(length(max = 18))]
    #[x_kube(validation = Rule::new(CODE_RULE).message(messages::CODE))]
    pub code: String,
}

/// A document kept elsewhere: where it is and what its bytes hash to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// Where the document can be had.
    #[schemars(length(min = 1, max = 1024))]
    pub uri: String,
    /// SHA-256 of the document's bytes, 64 lowercase hex digits.
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new(SHA256_RULE).message(messages::SHA256))]
    pub sha256: String,
}

/// One key of a Secret in the object's own namespace (standalone: a file below `secrets/`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyReference {
    /// Name of the Secret.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(DNS_RULE).message(messages::DNS_NAME))]
    pub name: String,
    /// Key within it.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

/// An object in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalReference {
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(DNS_RULE).message(messages::DNS_NAME))]
    pub name: String,
}

/// An object in another namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reference {
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(DNS_RULE).message(messages::DNS_NAME))]
    pub namespace: String,
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(DNS_RULE).message(messages::DNS_NAME))]
    pub name: String,
}

/// What each call must name. An absent member asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requires {
    /// The person who looks (`Datashare-User`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<bool>,
    /// The case the data is needed for (`Datashare-Case`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<bool>,
    /// Reference to the authorisation of the person or enterprise (`Datashare-Consent`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<bool>,
}

/// Way of delivery (clause 4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    Interface,
    Table,
    File,
    Other,
}

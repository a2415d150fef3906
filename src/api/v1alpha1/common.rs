//! Parts that several kinds share.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{messages, rules};

/// A unit: a department, an institution or an enterprise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unit {
    /// Full official name.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub name: String,
    /// Unified social credit code (GB 32100), 18 characters; the check digit is verified.
    #[schemars(length(max = 18))]
    #[x_kube(validation = Rule::new(rules::CODE).message(messages::CODE))]
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
    #[x_kube(validation = Rule::new(rules::SHA256).message(messages::SHA256))]
    pub sha256: String,
}

/// One key of a Secret in the object's own namespace (standalone: a file below `secrets/`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyReference {
    /// Name of the Secret.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::DNS_NAME).message(messages::DNS_NAME))]
    pub name: String,
    /// Key within it.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new(rules::KEY).message(messages::KEY))]
    pub key: String,
}

/// An object in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalReference {
    /// Name of the object.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::DNS_NAME).message(messages::DNS_NAME))]
    pub name: String,
}

/// An object in another namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reference {
    /// Namespace of the object.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::DNS_NAME).message(messages::DNS_NAME))]
    pub namespace: String,
    /// Name of the object.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::DNS_NAME).message(messages::DNS_NAME))]
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

//! `AccessGrant` (`ag`): the decision on a request, signed by those who took it.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::Requires;
use super::status::AccessGrantStatus;
use super::{messages, rules};

/// The decision: who may use which fields of what, until when, and who signed it.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "datashare.dev",
    version = "v1alpha1",
    kind = "AccessGrant",
    plural = "accessgrants",
    shortname = "ag",
    category = "datashare",
    namespaced,
    status = "AccessGrantStatus",
    derive = "PartialEq",
    doc = "The signed decision on a DataShareRequest. Signatures cover the terms exactly as written.",
    printcolumn(name = "Serial", type_ = "string", json_path = ".spec.serial", description = "Number of the decision"),
    printcolumn(
        name = "Consumer",
        type_ = "string",
        json_path = ".spec.requestRef.namespace",
        description = "Namespace of the unit that uses the data"
    ),
    printcolumn(
        name = "Resource",
        type_ = "string",
        json_path = ".spec.resourceRef.name",
        description = "What may be used"
    ),
    printcolumn(name = "Fields", type_ = "string", json_path = ".spec.fields", description = "Which fields of it"),
    printcolumn(name = "Until", type_ = "string", json_path = ".spec.notAfter", description = "When it ends"),
    printcolumn(
        name = "Approved By",
        type_ = "string",
        json_path = ".spec.approvals[*].principal",
        description = "Who signed"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether calls are answered"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why they are or are not"
    ),
    printcolumn(
        name = "Last Used",
        type_ = "string",
        json_path = ".status.lastUsed",
        description = "Last recorded call"
    ),
    printcolumn(
        name = "Today",
        type_ = "integer",
        json_path = ".status.callsToday",
        description = "Calls today",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Since when it exists",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("self.decision != 'Denied' || has(self.reason)").message(messages::DENIED_REASON),
    validation = Rule::new("self.decision != 'Denied' || !(has(self.fields) || has(self.operations) || has(self.users) || has(self.quota) || has(self.credential) || has(self.supersedes))").message(messages::DENIED_MEMBERS),
    validation = Rule::new("self.decision != 'Approved' || (has(self.fields) && size(self.fields) > 0 && has(self.notBefore) && has(self.notAfter))").message(messages::APPROVED_MEMBERS),
    validation = Rule::new(rules::VALIDITY).message(messages::VALIDITY),
    validation = Rule::new("!has(self.supersedes) || self.supersedes != self.serial").message(messages::SUPERSEDES_SELF),
)]
pub struct AccessGrantSpec {
    /// Number of the decision; a new decision needs a new one.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::SERIAL).message(messages::SERIAL))]
    pub serial: String,
    /// The request as it was reviewed.
    pub request_ref: RequestReference,
    /// The slice of the resource as it was reviewed.
    pub resource_ref: ResourceReference,
    /// What was decided. A denial carries a reason and grants nothing.
    pub decision: Decision,
    /// Why it was denied (or a remark on an approval).
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Form A's provider half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderContact>,
    /// Granted fields, no more than requested.
    #[schemars(length(max = 200), inner(length(min = 1, max = 63)))]
    #[x_kube(validation = Rule::new(rules::UNIQUE).message(messages::UNIQUE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// Granted operations, no more than requested.
    #[schemars(length(max = 32), inner(length(min = 1, max = 63)))]
    #[x_kube(validation = Rule::new(rules::UNIQUE).message(messages::UNIQUE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<String>>,
    /// Only these people; absent: any user the consumer system names; empty: nobody.
    #[schemars(length(max = 1000), inner(length(min = 1, max = 128)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// What each call must name, besides what the resource asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires: Option<Requires>,
    /// The law that allows personal data without consent per call.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// First moment of the grant.
    #[schemars(length(max = 40))]
    #[x_kube(validation = Rule::new(rules::TIME).message(messages::TIME))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// End of the grant, at most 366 days later.
    #[schemars(length(max = 40))]
    #[x_kube(validation = Rule::new(rules::TIME).message(messages::TIME))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// How often it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// How the credential is changed (promise 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialPolicy>,
    /// Serial of the grant that this one replaces.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::SERIAL).message(messages::SERIAL))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    /// In: the other department's own decision, as the platform delivered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_approval: Option<PlatformApproval>,
    /// Signatures over the statement of these terms.
    #[schemars(length(max = 16))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Vec<Approval>>,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Decision {
    Approved,
    Denied,
}

/// The request that was reviewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestReference {
    /// Namespace of the consumer unit.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::DNS_NAME).message(messages::DNS_NAME))]
    pub namespace: String,
    /// Name of the request.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::DNS_NAME).message(messages::DNS_NAME))]
    pub name: String,
    /// Digest of the request.
    #[schemars(length(max = 71))]
    #[x_kube(validation = Rule::new(rules::DIGEST).message(messages::DIGEST))]
    pub digest: String,
}

/// The resource that was reviewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceReference {
    /// Name of the resource, in the namespace of the grant.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::DNS_NAME).message(messages::DNS_NAME))]
    pub name: String,
    /// Digest of the slice that this grant relies on.
    #[schemars(length(max = 71))]
    #[x_kube(validation = Rule::new(rules::DIGEST).message(messages::DIGEST))]
    pub digest: String,
}

/// Whom to ask at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderContact {
    /// Person to ask.
    #[schemars(length(min = 1, max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Telephone.
    #[schemars(length(min = 1, max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail address.
    #[schemars(length(min = 1, max = 254))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Office that reviewed the request.
    #[schemars(length(min = 1, max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
}

/// Ceilings on the number of calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quota {
    /// Calls in one second, over all guards.
    #[schemars(range(min = 1, max = 100_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<i64>,
    /// Calls in one day, from midnight to midnight in the site's time zone.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<i64>,
}

/// How often the credential changes, and how long the old one still works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new(rules::ROTATION).message(messages::ROTATION))]
pub struct CredentialPolicy {
    /// How often a new credential is issued; absent: 90d.
    #[schemars(length(max = 8))]
    #[x_kube(validation = Rule::new(rules::DURATION).message(messages::DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate_every: Option<String>,
    /// How long the old one still works beside the new one; absent: 24h.
    #[schemars(length(max = 8))]
    #[x_kube(validation = Rule::new(rules::DURATION).message(messages::DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<String>,
}

/// The other department's own decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlatformApproval {
    /// Number of the decision on the platform.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub number: String,
    /// Where the document can be had.
    #[schemars(length(min = 1, max = 1024))]
    pub uri: String,
    /// SHA-256 of the document's bytes, 64 lowercase hex digits.
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new(rules::SHA256).message(messages::SHA256))]
    pub sha256: String,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// Role of the resource's `approval` list in which it was given.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new(rules::ROLE).message(messages::ROLE))]
    pub role: String,
    /// Who signed, as named in `allowed_signers`.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::PRINCIPAL).message(messages::PRINCIPAL))]
    pub principal: String,
    /// When it was signed; part of the signed statement.
    #[schemars(length(max = 40))]
    #[x_kube(validation = Rule::new(rules::TIME).message(messages::TIME))]
    pub approved_at: String,
    /// Armored SSH signature, namespace `approval@datashare.dev`.
    #[schemars(length(max = 16384))]
    #[x_kube(validation = Rule::new("self.startsWith('-----BEGIN SSH SIGNATURE-----')").message(messages::SIGNATURE))]
    pub signature: String,
}

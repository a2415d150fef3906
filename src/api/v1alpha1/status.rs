//! What is observed of each kind. Only the operator writes it in a cluster; standalone it is
//! computed when asked for. Nothing here is secret, and nothing here is trusted by a guard
//! except the hashes of live credentials.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{LocalReference, Reference};

/// Observed state of a `SharedResource`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SharedResourceStatus {
    /// Generation of the spec that this was computed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready; and while they are true, Reconciling and Stalled.
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Grants that serve now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grants: Option<i64>,
    /// Where the guard answers.
    #[schemars(length(max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    Pending,
    Granted,
    Denied,
    Expired,
    Revoked,
    Superseded,
}

/// Observed state of a `DataShareRequest`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataShareRequestStatus {
    /// Generation of the spec that this was computed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready; and while they are true, Reconciling and Stalled.
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// What a grant must name as `requestRef.digest`.
    #[schemars(length(max = 71))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where the request stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Day by which it should be decided.
    #[schemars(length(max = 10))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_by: Option<String>,
    /// The grant that decided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_ref: Option<Reference>,
    /// How the credential was handed over; never the credential itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<IssuedCredential>,
}

/// How the credential was handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedCredential {
    /// Secret in the request's namespace that holds it.
    #[schemars(length(max = 253))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// Encrypted to the request's recipient.
    #[schemars(length(max = 8192))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<String>,
    /// Its identity, as the record names it.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Until when it works.
    #[schemars(length(max = 40))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
}

/// Observed state of an `AccessGrant`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessGrantStatus {
    /// Generation of the spec that this was computed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready; and while they are true, Reconciling and Stalled.
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Digest of the terms that were signed.
    #[schemars(length(max = 71))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Hashes of the live tokens; all that a guard needs to know.
    #[schemars(length(max = 8))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<CredentialHash>>,
    /// How many guards have seen the grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Enforcement>,
    /// When its end was asked for, and when it held everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<RevocationProof>,
    /// Time of the last recorded call.
    #[schemars(length(max = 40))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
    /// Recorded calls since midnight in the site's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_today: Option<i64>,
}

/// One live token, by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialHash {
    /// Its identity, as the record names it.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Serial of the decision it was issued for; for another decision under the same name it means nothing.
    #[schemars(length(min = 1, max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// SHA-256 of the token.
    #[schemars(length(max = 64))]
    pub sha256: String,
    /// From when it works.
    #[schemars(length(max = 40))]
    pub not_before: String,
    /// Until when it works.
    #[schemars(length(max = 40))]
    pub not_after: String,
    /// Digest of what the consumer wrote into the annotation datashare.dev/rotate to ask for it.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// UID of the request that it was minted for. One made anew under the same name has lost the Secret of the one before.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_uid: Option<String>,
}

/// How many guards have seen the grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enforcement {
    /// Guards that run.
    pub guards: i64,
    /// Guards that have seen the grant as it is.
    pub current: i64,
    /// When the last of them had.
    #[schemars(length(max = 40))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforced_at: Option<String>,
}

/// When the end of a grant was asked for and when it held everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevocationProof {
    /// When the end was asked for.
    #[schemars(length(max = 40))]
    pub requested_at: String,
    /// When every guard refused.
    #[schemars(length(max = 40))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforced_at: Option<String>,
    /// What ended it.
    #[schemars(length(max = 1024))]
    pub cause: String,
}

/// Observed state of an `AuditPolicy`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditPolicyStatus {
    /// Generation of the spec that this was computed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready; and while they are true, Reconciling and Stalled.
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Streams of the record under this policy.
    #[schemars(length(max = 64), inner(length(max = 253)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<String>>,
    /// Time of the oldest record still kept.
    #[schemars(length(max = 40))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_record: Option<String>,
    /// Newest checkpoint of the record.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_checkpoint: Option<String>,
    /// Last segment that is in the archive.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_through: Option<String>,
    /// Result of the last inspection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_inspection: Option<InspectionResult>,
}

/// Result of the last inspection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectionResult {
    /// When it ran.
    #[schemars(length(max = 40))]
    pub time: String,
    /// Whether nothing was found.
    pub pass: bool,
    /// How many findings.
    pub findings: i64,
    /// Receipts of the entries that say that it was done: one of each stream that was inspected.
    #[schemars(length(max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// Whether the data was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RecallState {
    Due,
    Overdue,
    Done,
}

/// Observed state of a `Revocation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevocationStatus {
    /// Generation of the spec that this was computed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready; and while they are true, Reconciling and Stalled.
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Grants it ended, the first hundred.
    #[schemars(length(max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<Vec<LocalReference>>,
    /// Since when no guard serves what it ended.
    #[schemars(length(max = 40))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforced_at: Option<String>,
    /// Whether the data was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall: Option<RecallState>,
}

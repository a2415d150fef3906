//! `Revocation` (`rev`): the one verb that takes access away. Its spec never changes, but for one receipt.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{CODE_RULE, DATE_RULE, Document, SHA256_RULE, TIME_RULE, UNIQUE_RULE};
use super::messages;
use super::status::RevocationStatus;

/// Takes access away from a grant, a unit, a person or a system. Deleting it revives nothing.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "datashare.dev",
    version = "v1alpha1",
    kind = "Revocation",
    plural = "revocations",
    shortname = "rev",
    category = "datashare",
    namespaced,
    status = "RevocationStatus",
    derive = "PartialEq",
    doc = "Ends access of a grant, a unit, a person or a system (clauses 4.3.1, 4.3.2, promises 6 and 7). Deleting it revives nothing.",
    printcolumn(
        name = "Grant",
        type_ = "string",
        json_path = ".spec.target.grant.serial",
        description = "Serial that is ended"
    ),
    printcolumn(
        name = "Unit",
        type_ = "string",
        json_path = ".spec.target.unit.code",
        description = "Unit that is barred"
    ),
    printcolumn(
        name = "Person",
        type_ = "string",
        json_path = ".spec.target.person.id",
        description = "Person who is barred"
    ),
    printcolumn(
        name = "System",
        type_ = "string",
        json_path = ".spec.target.system.name",
        description = "System that is barred"
    ),
    printcolumn(name = "Clause", type_ = "string", json_path = ".spec.clause", description = "Rule it rests on"),
    printcolumn(name = "Decided By", type_ = "string", json_path = ".spec.decidedBy", description = "Who decided"),
    printcolumn(
        name = "Enforced",
        type_ = "string",
        json_path = ".status.enforcedAt",
        description = "Since when no call is served"
    ),
    printcolumn(
        name = "Recall",
        type_ = "string",
        json_path = ".status.recall",
        description = "Whether the data was taken back"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether it is in force"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Since when it exists"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("self.target == oldSelf.target && self.clause == oldSelf.clause && self.reason == oldSelf.reason && self.decidedBy == oldSelf.decidedBy && self.decidedAt == oldSelf.decidedAt && has(self.resources) == has(oldSelf.resources) && (!has(self.resources) || self.resources == oldSelf.resources) && has(self.evidence) == has(oldSelf.evidence) && (!has(self.evidence) || self.evidence == oldSelf.evidence) && has(self.recall) == has(oldSelf.recall) && (!has(self.recall) || self.recall == oldSelf.recall)").message(messages::SPEC_FINAL),
    validation = Rule::new("!has(oldSelf.receipt) || (has(self.receipt) && self.receipt == oldSelf.receipt)").message(messages::RECEIPT_ONCE),
    validation = Rule::new("!(self.clause in ['B6', 'B7']) || has(self.recall)").message(messages::RECALL_CLAUSE),
)]
pub struct RevocationSpec {
    /// Exactly one of grant, unit, person, system.
    pub target: Target,
    /// Only these resources of the namespace; absent: every one.
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 63)))]
    #[x_kube(validation = Rule::new(UNIQUE_RULE).message(messages::UNIQUE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// Rule it rests on.
    pub clause: Clause,
    #[schemars(length(min = 1, max = 2048))]
    pub reason: String,
    /// Who decided.
    #[schemars(length(min = 1, max = 256))]
    pub decided_by: String,
    #[schemars(length(max = 40))]
    #[x_kube(validation = Rule::new(TIME_RULE).message(messages::TIME))]
    pub decided_at: String,
    /// What shows the misuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Document>,
    /// Take the data back as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall: Option<Recall>,
    /// Proof that the data was taken back; may be added once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// Exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("[has(self.grant), has(self.unit), has(self.person), has(self.system)].filter(x, x).size() == 1").message(messages::ONE_TARGET))]
pub struct Target {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantTarget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitTarget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonTarget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemTarget>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantTarget {
    #[schemars(length(min = 1, max = 128))]
    pub serial: String,
}

/// Every grant of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnitTarget {
    #[schemars(length(max = 18))]
    #[x_kube(validation = Rule::new(CODE_RULE).message(messages::CODE))]
    pub code: String,
}

/// One person on every grant, or on those of one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersonTarget {
    /// As the person is named in `Datashare-User`.
    #[schemars(length(min = 1, max = 128))]
    pub id: String,
    #[schemars(length(max = 18))]
    #[x_kube(validation = Rule::new(CODE_RULE).message(messages::CODE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_code: Option<String>,
}

/// One consumer system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SystemTarget {
    #[schemars(length(max = 18))]
    #[x_kube(validation = Rule::new(CODE_RULE).message(messages::CODE))]
    pub unit_code: String,
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
}

/// Rule a Revocation rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Clause {
    #[serde(rename = "4.3.1")]
    StaffMisuse,
    #[serde(rename = "4.3.2")]
    UnitMisuse,
    B6,
    B7,
    End,
    Leak,
}

/// Take the data back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recall {
    /// Day by which the receipt must be filed.
    #[schemars(length(max = 10))]
    #[x_kube(validation = Rule::new(DATE_RULE).message(messages::DATE))]
    pub due: String,
    pub what: RecallWhat,
}

/// What happens to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RecallWhat {
    Return,
    Destroy,
    Handover,
}

/// Proof that the data was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    #[schemars(length(min = 1, max = 1024))]
    pub uri: String,
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new(SHA256_RULE).message(messages::SHA256))]
    pub sha256: String,
    #[schemars(length(min = 1, max = 256))]
    pub signed_by: String,
    #[schemars(length(max = 40))]
    #[x_kube(validation = Rule::new(TIME_RULE).message(messages::TIME))]
    pub at: String,
}

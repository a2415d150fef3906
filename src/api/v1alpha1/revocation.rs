//! `Revocation` (`rev`): the one verb that takes access away. Its spec never changes, but for one receipt.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::Document;
use super::status::RevocationStatus;
use super::{messages, rules};

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
    validation = Rule::new("!has(self.receipt) || has(self.recall)").message(messages::RECEIPT_RECALL),
    // 'U' follows 'T': the day is not before the one the decision's time begins with
    validation = Rule::new("!has(self.recall) || self.decidedAt < self.recall.due + 'U'").message(messages::RECALL_DUE),
)]
pub struct RevocationSpec {
    /// Exactly one of grant, unit, person, system.
    pub target: Target,
    /// Only these resources of the namespace; absent: every one.
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 63)))]
    #[x_kube(validation = Rule::new(rules::UNIQUE).message(messages::UNIQUE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// Rule it rests on.
    pub clause: Clause,
    /// What happened.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub reason: String,
    /// Who decided.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub decided_by: String,
    /// When it was decided.
    #[schemars(length(max = 40))]
    #[x_kube(validation = Rule::new(rules::TIME).message(messages::TIME))]
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
    /// One decision, by its serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantTarget>,
    /// Every grant of a unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitTarget>,
    /// One person, on every grant or on those of one unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonTarget>,
    /// One consumer system of a unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemTarget>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantTarget {
    /// Serial of the grant.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::SERIAL).message(messages::SERIAL))]
    pub serial: String,
}

/// Every grant of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnitTarget {
    /// Unified social credit code of the unit.
    #[schemars(length(max = 18))]
    #[x_kube(validation = Rule::new(rules::CODE).message(messages::CODE))]
    pub code: String,
}

/// One person on every grant, or on those of one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersonTarget {
    /// As the person is named in `Datashare-User`.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub id: String,
    /// Only on grants of this unit; absent: on every grant.
    #[schemars(length(max = 18))]
    #[x_kube(validation = Rule::new(rules::CODE).message(messages::CODE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_code: Option<String>,
}

/// One consumer system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SystemTarget {
    /// Unified social credit code of the unit that runs it.
    #[schemars(length(max = 18))]
    #[x_kube(validation = Rule::new(rules::CODE).message(messages::CODE))]
    pub unit_code: String,
    /// Name of the system, as in its requests.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
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
    #[x_kube(validation = Rule::new(rules::DATE).message(messages::DATE))]
    pub due: String,
    /// What happens to the data.
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
    /// Where the receipt can be had.
    #[schemars(length(min = 1, max = 1024))]
    pub uri: String,
    /// SHA-256 of the receipt's bytes, 64 lowercase hex digits.
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new(rules::SHA256).message(messages::SHA256))]
    pub sha256: String,
    /// Who signed it.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub signed_by: String,
    /// When it was signed.
    #[schemars(length(max = 40))]
    #[x_kube(validation = Rule::new(rules::TIME).message(messages::TIME))]
    pub at: String,
}

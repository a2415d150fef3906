//! `AuditPolicy` (`ap`): what is kept, where, how long, and who looks.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::AuditPolicyStatus;
use super::{messages, rules};

/// How long the record is kept and who inspects it. There is no switch that lets data out without a record.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "datashare.dev",
    version = "v1alpha1",
    kind = "AuditPolicy",
    plural = "auditpolicies",
    shortname = "ap",
    category = "datashare",
    namespaced,
    status = "AuditPolicyStatus",
    derive = "PartialEq",
    doc = "How long the record of shared data is kept, where, and who inspects it when. No setting lets data out without a record.",
    printcolumn(
        name = "Keeps",
        type_ = "string",
        json_path = ".spec.retention.period",
        description = "How long every record is kept"
    ),
    printcolumn(
        name = "Personal",
        type_ = "string",
        json_path = ".spec.retention.personal",
        description = "How long records of personal data are kept"
    ),
    printcolumn(
        name = "Archive",
        type_ = "string",
        json_path = ".spec.archive.url",
        description = "Where sealed segments go"
    ),
    printcolumn(
        name = "Inspection",
        type_ = "string",
        json_path = ".spec.inspection.schedule",
        description = "When use is checked"
    ),
    printcolumn(
        name = "Findings",
        type_ = "integer",
        json_path = ".status.lastInspection.findings",
        description = "Of the last inspection"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the policy is in force"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Since when it exists"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditPolicySpec {
    /// How long records are kept; the law sets the floors.
    pub retention: Retention,
    /// Where sealed segments are copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
    /// When a segment is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
    /// How often the log signs its state while entries arrive; absent: 1s.
    #[schemars(length(max = 8))]
    #[x_kube(validation = Rule::new(rules::CHECKPOINT).message(messages::CHECKPOINT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_every: Option<String>,
    /// Regular check of use (clause 4.2.9).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inspection: Option<Inspection>,
}

/// How long records are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("!has(self.personal) || !self.personal.matches('^[1-9][0-9]{0,5}d$') || !self.period.matches('^[1-9][0-9]{0,5}d$') || (int(self.personal.substring(0, size(self.personal) - 1)) >= 1096 && int(self.personal.substring(0, size(self.personal) - 1)) >= int(self.period.substring(0, size(self.period) - 1)))").message(messages::PERSONAL_FLOOR))]
pub struct Retention {
    /// Every record; at least 184d.
    #[schemars(length(max = 8))]
    #[x_kube(validation = Rule::new("self.matches('^[1-9][0-9]{0,5}d$') && int(self.substring(0, size(self) - 1)) >= 184").message(messages::RETENTION_FLOOR))]
    pub period: String,
    /// Records of personal data and business secrets; at least 1096d. Absent: 1096d or `period`, whichever is longer.
    #[schemars(length(max = 8))]
    #[x_kube(validation = Rule::new("self.matches('^[1-9][0-9]{0,5}d$')").message(messages::PERSONAL_FLOOR))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal: Option<String>,
    /// The law behind the periods.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Legal holds: what they cover stays, however long its time has been over.
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<Vec<LegalHold>>,
}

/// What has to stay, such as for a court. It ends when it is taken out of the policy; a policy that is gone ends none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LegalHold {
    /// Name by which the record speaks of it.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::DNS_NAME).message(messages::DNS_NAME))]
    pub name: String,
    /// Why, such as the number of the case.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub reason: String,
    /// Who decided it.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub decided_by: String,
    /// First day of the entries it covers; absent: from the beginning.
    #[schemars(length(max = 10))]
    #[x_kube(validation = Rule::new(rules::DATE).message(messages::DATE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Last day of the entries it covers; absent: to the end.
    #[schemars(length(max = 10))]
    #[x_kube(validation = Rule::new(rules::DATE).message(messages::DATE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Where sealed segments are copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("!has(self.lock) || self.lock == 'None' || !self.url.startsWith('file:')").message(messages::LOCK_STORE))]
pub struct Archive {
    /// `file:///…`, or `s3://bucket/prefix`.
    #[schemars(length(max = 1024))]
    #[x_kube(validation = Rule::new(rules::STORE).message(messages::ARCHIVE_URL))]
    pub url: String,
    /// Object Lock of the store; absent: None.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<ArchiveLock>,
}

/// Object Lock mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ArchiveLock {
    None,
    Governance,
    Compliance,
}

/// When a segment is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seal {
    /// Age at which a segment is closed, at most 24h; absent: 1h.
    #[schemars(length(max = 8))]
    #[x_kube(validation = Rule::new(rules::DURATION).message(messages::DURATION))]
    #[x_kube(validation = Rule::new(rules::SEAL_AGE).message(messages::SEAL_AGE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<String>,
    /// Size at which a segment is closed; absent: 64 MiB.
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<i64>,
}

/// Regular check of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inspection {
    /// Cron line of five fields.
    #[schemars(length(max = 128))]
    #[x_kube(validation = Rule::new(rules::CRON).message(messages::CRON))]
    pub schedule: String,
    /// IANA name; absent: the site's.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new(rules::ZONE).message(messages::TIME_ZONE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Entries drawn each time; absent: 50.
    #[schemars(range(min = 1, max = 10_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<i64>,
    /// What is checked, and what a finding does.
    #[schemars(length(max = 9))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<BTreeMap<Check, Effect>>,
}

/// What an inspection looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Check {
    ConsentMissing,
    OutsideApproval,
    UnusedGrant,
    BulkHarvest,
    OffHours,
    RotationOverdue,
    RecallOverdue,
    MigrationOverdue,
    LogGap,
}

/// What a finding does to the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Effect {
    Report,
    Suspend,
}

impl Check {
    /// Every check, in the order of their names in the contract.
    pub const ALL: [Self; 9] = [
        Self::ConsentMissing,
        Self::OutsideApproval,
        Self::UnusedGrant,
        Self::BulkHarvest,
        Self::OffHours,
        Self::RotationOverdue,
        Self::RecallOverdue,
        Self::MigrationOverdue,
        Self::LogGap,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConsentMissing => "ConsentMissing",
            Self::OutsideApproval => "OutsideApproval",
            Self::UnusedGrant => "UnusedGrant",
            Self::BulkHarvest => "BulkHarvest",
            Self::OffHours => "OffHours",
            Self::RotationOverdue => "RotationOverdue",
            Self::RecallOverdue => "RecallOverdue",
            Self::MigrationOverdue => "MigrationOverdue",
            Self::LogGap => "LogGap",
        }
    }

    /// What of the standard it looks after: a clause, or `B` and the number of a promise of form B.
    #[must_use]
    pub fn clause(self) -> &'static str {
        match self {
            Self::ConsentMissing => "B3",
            Self::OutsideApproval => "B1",
            Self::UnusedGrant => "4.2.5",
            Self::BulkHarvest => "B4",
            Self::OffHours => "4.2.9",
            Self::RotationOverdue => "B2",
            Self::RecallOverdue => "B6",
            Self::MigrationOverdue => "4.1.5",
            Self::LogGap => "4.2.10",
        }
    }
}

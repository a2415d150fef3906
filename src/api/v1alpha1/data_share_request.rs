//! `DataShareRequest` (`dsr`): the applicant half of form A, and form B. Its spec never changes.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{Document, Mode, Reference, Unit};
use super::status::DataShareRequestStatus;
use super::{messages, rules};

/// Who asks for which fields of what, why and until when; and what the unit promises.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "datashare.dev",
    version = "v1alpha1",
    kind = "DataShareRequest",
    plural = "datasharerequests",
    shortname = "dsr",
    category = "datashare",
    namespaced,
    status = "DataShareRequestStatus",
    derive = "PartialEq",
    doc = "A unit's application (form A) and commitment (form B) for shared data. The spec never changes: file a new request instead.",
    printcolumn(name = "Unit", type_ = "string", json_path = ".spec.applicant.unit.name", description = "Who asks"),
    printcolumn(
        name = "System",
        type_ = "string",
        json_path = ".spec.applicant.system.name",
        description = "Consumer system"
    ),
    printcolumn(
        name = "Resource",
        type_ = "string",
        json_path = ".spec.resourceRef.name",
        description = "What is asked for"
    ),
    printcolumn(name = "Until", type_ = "string", json_path = ".spec.notAfter", description = "Last day asked for"),
    printcolumn(
        name = "Phase",
        type_ = "string",
        json_path = ".status.phase",
        description = "Where the request stands"
    ),
    printcolumn(
        name = "Due",
        type_ = "string",
        json_path = ".status.dueBy",
        description = "Day by which it should be decided"
    ),
    printcolumn(
        name = "Grant",
        type_ = "string",
        json_path = ".status.grantRef.name",
        description = "The decision",
        priority = 1
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the data can be used"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Since when it is filed"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("self == oldSelf").message(messages::SPEC_FINAL),
    validation = Rule::new("self.notAfter >= self.date").message(messages::NOT_AFTER_DATE),
    validation = Rule::new("(self.mode == 'Interface') == (has(self.operations) && size(self.operations) > 0)").message(messages::OPERATIONS_INTERFACE),
)]
pub struct DataShareRequestSpec {
    /// Day of the application.
    #[schemars(length(max = 10))]
    #[x_kube(validation = Rule::new(rules::DATE).message(messages::DATE))]
    pub date: String,
    /// Who asks: the applicant half of form A.
    pub applicant: Applicant,
    /// Principal who took the form in; may not approve it (clause 4.2.6).
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::PRINCIPAL).message(messages::PRINCIPAL))]
    pub received_by: String,
    /// The resource asked for.
    pub resource_ref: Reference,
    /// What the data is for.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub purpose: String,
    /// The law that allows it.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Fields asked for, by their names in the catalogue.
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 63)))]
    #[x_kube(validation = Rule::new(rules::UNIQUE).message(messages::UNIQUE))]
    pub fields: Vec<String>,
    /// Way of delivery.
    pub mode: Mode,
    /// Operations asked for; Interface mode only.
    #[schemars(length(max = 32), inner(length(min = 1, max = 63)))]
    #[x_kube(validation = Rule::new(rules::UNIQUE).message(messages::UNIQUE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<String>>,
    /// Only these people; absent: any user the system names.
    #[schemars(length(max = 1000), inner(length(min = 1, max = 128)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// Last day asked for, to its end in the site's time zone.
    #[schemars(length(max = 10))]
    #[x_kube(validation = Rule::new(rules::DATE).message(messages::DATE))]
    pub not_after: String,
    /// The sealed scan of form A.
    pub form: Document,
    /// Form B.
    pub commitment: Commitment,
    /// An earlier request of this namespace that this one replaces.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::DNS_NAME).message(messages::DNS_NAME))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amends: Option<String>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Applicant {
    /// Unit that applies and is answerable for the use.
    pub unit: Unit,
    /// Person who applies.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub person: String,
    /// How to reach the person.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub phone: String,
    /// The one consumer system that will call.
    pub system: ConsumerSystem,
    /// Third party that built or runs the system (promise 5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub developer: Option<Developer>,
    /// Key to which the credential is encrypted instead of being written to a Secret.
    #[schemars(length(max = 4096))]
    #[x_kube(validation = Rule::new(rules::RECIPIENT).message(messages::RECIPIENT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

/// A consumer system and where it calls from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsumerSystem {
    /// Name of the system, the same in every request of the unit.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub name: String,
    /// Address ranges it calls from; calls from elsewhere are refused.
    #[schemars(length(min = 1, max = 32), inner(length(max = 64)))]
    #[x_kube(validation = Rule::new(rules::SOURCES).message(messages::SOURCE))]
    pub sources: Vec<String>,
}

/// A third-party developer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Developer {
    /// Full official name.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub name: String,
    /// Its code, or the registration number of a foreign developer.
    #[schemars(length(min = 1, max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Foreign or foreign-invested: needs prior approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign: Option<bool>,
    /// Number of that approval.
    #[schemars(length(min = 1, max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_number: Option<String>,
}

/// Form B: the sealed document and the promises it makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Commitment {
    /// Where the sealed scan can be had.
    #[schemars(length(min = 1, max = 1024))]
    pub uri: String,
    /// SHA-256 of the scan's bytes, 64 lowercase hex digits.
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new(rules::SHA256).message(messages::SHA256))]
    pub sha256: String,
    /// All seven promises.
    #[schemars(length(max = 7))]
    #[x_kube(validation = Rule::new("size(self) == 7 && self.all(x, self.exists_one(y, y == x))").message(messages::COMMITMENTS))]
    pub accepts: Vec<Promise>,
}

/// The seven promises of form B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Promise {
    ScopeOnly,
    RotateCredentials,
    ConsentProof,
    NoCopy,
    ThirdParty,
    Recall,
    Handover,
}

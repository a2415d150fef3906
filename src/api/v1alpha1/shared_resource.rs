//! `SharedResource` (`shr`): what may be shared, by whom, over what. Its catalogue bounds every grant.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{Document, KeyReference, LocalReference, Requires, Unit};
use super::status::SharedResourceStatus;
use super::{messages, rules};

/// What may be shared, by whom, over what: form A's provider half, published before anyone asks.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "datashare.dev",
    version = "v1alpha1",
    kind = "SharedResource",
    plural = "sharedresources",
    shortname = "shr",
    category = "datashare",
    namespaced,
    status = "SharedResourceStatus",
    derive = "PartialEq",
    doc = "A data set that may be shared: its provider, its channel and the catalogue of fields. Nothing outside the catalogue can ever be granted.",
    printcolumn(name = "Title", type_ = "string", json_path = ".spec.title", description = "What the data is"),
    printcolumn(
        name = "Direction",
        type_ = "string",
        json_path = ".spec.direction",
        description = "In: we use it, Out: others use it"
    ),
    printcolumn(
        name = "Tier",
        type_ = "string",
        json_path = ".spec.channel.tier",
        description = "Platform level it goes through"
    ),
    printcolumn(
        name = "Provider",
        type_ = "string",
        json_path = ".spec.provider.name",
        description = "Unit that gives the data"
    ),
    printcolumn(
        name = "Grants",
        type_ = "integer",
        json_path = ".status.grants",
        description = "Grants that serve now"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether it can be called"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why it can or cannot",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Since when it is published"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.interface) || has(self.table) || has(self.files) || has(self.other)").message(messages::MODES),
    validation = Rule::new("self.channel.tier != 'Direct' || (has(self.channel.migration) && self.channel.migration.to != 'Direct')").message(messages::DIRECT_MIGRATION),
    validation = Rule::new("self.direction != 'Out' || has(self.channel.exception) || (self.channel.tier == 'City' && has(self.interface) && !has(self.table) && !has(self.files) && !has(self.other))").message(messages::OUT_EXCEPTION),
)]
pub struct SharedResourceSpec {
    /// What the data is called in the catalogue.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub title: String,
    /// In: another department's data that our staff use. Out: our data that others use.
    pub direction: Direction,
    /// The unit that gives the data.
    pub provider: Unit,
    /// The way the data takes (clauses 4.1 and 4.2.3).
    pub channel: Channel,
    /// Whether the data may be shared at all.
    pub sharing: Sharing,
    /// The catalogue of fields: nothing outside it can ever be granted.
    #[schemars(length(min = 1, max = 200))]
    #[x_kube(
        validation = Rule::new(rules::UNIQUE_NAMES).message(messages::FIELD_NAMES),
        validation = Rule::new(rules::DISTINCT_PATHS).message(messages::FIELD_PATHS)
    )]
    pub fields: Vec<Field>,
    /// Interface mode: the calls the guard answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<Interface>,
    /// Table mode: rows delivered from a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// File mode: files delivered from a store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,
    /// Any other way, arranged by the units themselves and recorded here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<Other>,
    /// Who must sign a grant, and how many of them.
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(validation = Rule::new(rules::UNIQUE_ROLES).message(messages::APPROVAL_ROLES))]
    pub approval: Vec<ApprovalRule>,
    /// What each call must name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires: Option<Requires>,
    /// Ceilings of one answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Policy that says how long records of this resource are kept; absent: the legal floors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_policy_ref: Option<LocalReference>,
}

/// Which way the data goes, seen from the registration centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Direction {
    In,
    Out,
}

/// Level of the exchange platform (clause 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Tier {
    National,
    Provincial,
    City,
    Bureau,
    Direct,
}

/// Sharing attribute of the government data catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Sharing {
    Unconditional,
    Conditional,
    NotShared,
}

/// The way the data takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Channel {
    /// Level it goes through; Direct only while it is being migrated.
    pub tier: Tier,
    /// Name of the exchange platform.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Direct lines are being migrated (clause 4.1.5): to which tier and by which day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
    /// Why an Out resource does not go through the City platform as an interface (clause 4.2.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<ChannelException>,
}

/// Where a Direct line moves, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Migration {
    /// Tier it moves to; not Direct.
    pub to: Tier,
    /// Last day of the direct line; afterwards it is Overdue.
    #[schemars(length(max = 10))]
    #[x_kube(validation = Rule::new(rules::DATE).message(messages::DATE))]
    pub by: String,
}

/// A reasoned and approved departure from clause 4.2.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelException {
    /// Why nothing else is possible now.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub reason: String,
    /// The document that approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Document>,
}

/// One field of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Field {
    /// Name by which requests and grants speak of the field.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::FIELD_NAME).message(messages::FIELD_NAME))]
    pub name: String,
    /// What people call it.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub title: String,
    /// Where it stands in an answer: the RFC 9535 subset of member names and `[*]`.
    #[schemars(length(max = 160))]
    #[x_kube(validation = Rule::new(rules::FIELD_PATH).message(messages::FIELD_PATH))]
    pub path: String,
    /// Type of its value; an answer with another type is refused.
    #[serde(rename = "type")]
    pub type_: FieldType,
    /// How it must be protected.
    pub class: Class,
}

/// Type of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FieldType {
    String,
    Integer,
    Number,
    Boolean,
}

/// How a field must be protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Class {
    Public,
    Internal,
    Personal,
    BusinessSecret,
}

impl Class {
    /// Whether promise 3 of form B covers the field.
    #[must_use]
    pub fn needs_consent(self) -> bool {
        matches!(self, Self::Personal | Self::BusinessSecret)
    }
}

/// Interface mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Interface {
    /// Named standard of the interface (clause 4.2.4): one of the eight known or a free one.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub standard: String,
    /// Where the guard gets the answers.
    pub upstream: Upstream,
    /// The calls.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new(rules::UNIQUE_NAMES).message(messages::OPERATION_NAMES))]
    pub operations: Vec<Operation>,
}

/// Where the guard gets the answers, and how it shows who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new(rules::UPSTREAM).message(messages::UPSTREAM_URL))]
pub struct Upstream {
    /// Base URL; operation paths are appended to it.
    #[schemars(length(min = 1, max = 1024))]
    pub url: String,
    /// Certificates that vouch for the upstream; absent: the public ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<KeyReference>,
    /// Our own credential at the upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<UpstreamCredential>,
    /// How long one answer may take; absent: 10s.
    #[schemars(length(max = 8))]
    #[x_kube(validation = Rule::new(rules::DURATION).message(messages::DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Allows plain http to an address that is not loopback. A warning goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,
}

/// A header with a secret value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpstreamCredential {
    /// Name of the header.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::HEADER).message(messages::HEADER))]
    pub header: String,
    /// Where its value is kept.
    pub secret_ref: KeyReference,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("size(self.path.split('{')) - 1 == (has(self.parameters) ? size(self.parameters.filter(p, p.__in__ == 'Path')) : 0) && (!has(self.parameters) || self.parameters.all(p, p.__in__ != 'Path' || self.path.contains('{' + p.name + '}')))").message(messages::OPERATION_PLACEHOLDERS),
)]
pub struct Operation {
    /// Name by which requests and grants speak of the call.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::DNS_NAME).message(messages::DNS_NAME))]
    pub name: String,
    /// What people call it.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Method at the upstream and at the guard alike.
    pub method: Method,
    /// Path below the upstream's URL and below `/{namespace}/{resource}` at the guard.
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new(rules::OPERATION_PATH).message(messages::OPERATION_PATH))]
    pub path: String,
    /// The parameters a caller may give; others are refused.
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new(rules::UNIQUE_NAMES).message(messages::PARAMETER_NAMES))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<Parameter>>,
}

/// Method of an operation. HEAD is not implied by GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Method {
    GET,
    POST,
}

impl Method {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GET => "GET",
            Self::POST => "POST",
        }
    }
}

/// One parameter of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self.__in__ != 'Path' || !has(self.required) || self.required").message(messages::PATH_REQUIRED))]
pub struct Parameter {
    /// Its name in the path or the query.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new(rules::FIELD_NAME).message(messages::FIELD_NAME))]
    pub name: String,
    /// Path: a {segment} of the path. Query: after the question mark.
    #[serde(rename = "in")]
    pub in_: ParameterIn,
    /// Recorded only as a keyed hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<bool>,
    /// Always true for Path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ParameterIn {
    Path,
    Query,
}

/// Table mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Table {
    /// Database the rows come from.
    pub database: Database,
    /// Schema of the table or view.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub schema: String,
    /// Table or view.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    pub name: String,
    /// SQL condition on the rows that may be delivered.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new(rules::TEXT).message(messages::BLANK))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_filter: Option<String>,
}

/// How the database is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Database {
    /// Connection string of the database.
    pub secret_ref: KeyReference,
}

/// File mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Files {
    /// Store of the files: `s3://…` or `file:///…`.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new(rules::STORE).message(messages::STORE))]
    pub store: String,
    /// Only objects below this prefix.
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new(rules::PREFIX).message(messages::PREFIX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// Any other way of delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Other {
    /// How the data is handed over.
    #[schemars(length(max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// One role that must sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("!has(self.threshold) || self.threshold <= size(self.principals)").message(messages::THRESHOLD))]
pub struct ApprovalRule {
    /// Name of the role, such as Provider, DataAuthority or Leader.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new(rules::ROLE).message(messages::ROLE))]
    pub role: String,
    /// Who may sign in this role, as named in `allowed_signers`.
    #[schemars(length(min = 1, max = 32), inner(length(max = 128)))]
    #[x_kube(validation = Rule::new(rules::PRINCIPALS).message(messages::PRINCIPALS))]
    pub principals: Vec<String>,
    /// How many distinct principals must sign; absent: 1.
    #[schemars(range(min = 1, max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<i64>,
}

/// Ceilings of one answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Upstream body bytes; absent: 8 MiB.
    #[schemars(range(min = 1, max = 67_108_864))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_response_bytes: Option<i64>,
}

//! `datashare.dev/v1alpha1`: the five kinds, one file each, with what they share in `common`,
//! their observed state in `status`, and the rules one object can decide alone in `validate`.
//!
//! Every member that may be absent is an `Option`, and nothing has a default, so that writing an
//! object back gives exactly what was read: digests and signatures are taken over it.

pub mod access_grant;
pub mod audit_policy;
pub mod bounds;
pub mod common;
pub mod data_share_request;
pub mod definition;
pub mod messages;
pub mod revocation;
pub mod rules;
pub mod schedule;
pub mod shared_resource;
pub mod status;
pub mod validate;

pub use access_grant::{AccessGrant, AccessGrantSpec};
pub use audit_policy::{AuditPolicy, AuditPolicySpec};
pub use data_share_request::{DataShareRequest, DataShareRequestSpec};
pub use revocation::{Revocation, RevocationSpec};
pub use shared_resource::{SharedResource, SharedResourceSpec};

/// API group of every kind.
pub const GROUP: &str = "datashare.dev";
/// `apiVersion` of every kind.
pub const API_VERSION: &str = "datashare.dev/v1alpha1";

/// The five kinds by name, in the order in which people meet them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    SharedResource,
    DataShareRequest,
    AccessGrant,
    AuditPolicy,
    Revocation,
}

impl Kind {
    pub const ALL: [Self; 5] =
        [Self::SharedResource, Self::DataShareRequest, Self::AccessGrant, Self::AuditPolicy, Self::Revocation];

    /// The name as written in `kind:`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SharedResource => "SharedResource",
            Self::DataShareRequest => "DataShareRequest",
            Self::AccessGrant => "AccessGrant",
            Self::AuditPolicy => "AuditPolicy",
            Self::Revocation => "Revocation",
        }
    }

    /// Plural and short name, as `kubectl get` takes them.
    #[must_use]
    pub fn aliases(self) -> (&'static str, &'static str) {
        match self {
            Self::SharedResource => ("sharedresources", "shr"),
            Self::DataShareRequest => ("datasharerequests", "dsr"),
            Self::AccessGrant => ("accessgrants", "ag"),
            Self::AuditPolicy => ("auditpolicies", "ap"),
            Self::Revocation => ("revocations", "rev"),
        }
    }

    /// The kind meant by a user's word: name, plural, singular or short name, in any case.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        let word = word.strip_suffix(".datashare.dev").unwrap_or(&word);
        Self::ALL.into_iter().find(|kind| {
            let (plural, short) = kind.aliases();
            word == plural || word == short || word == kind.name().to_lowercase()
        })
    }
}

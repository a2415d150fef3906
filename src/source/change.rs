//! The one stream that a source gives to those above it. They cannot tell a directory from a cluster.

use std::fmt;
use std::sync::Arc;

use super::finding::Finding;
use super::object::{Object, ObjectKey};
use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;
use crate::judge::index::Issued;
use crate::judge::ledger::LedgerEntry;
use crate::settings::Settings;

/// Where an object was found: for a directory the file's path, and how many objects of the same key
/// stand before it there. Only Revocations may be in force at several places at once. In a cluster
/// there is one object of a name, and its place is no file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub file: Arc<str>,
    pub nth: u32,
}

/// One thing that is different now.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceChange {
    /// The object is there, new or changed.
    Put(Box<Object>, Place),
    /// The object is absent.
    Gone(ObjectKey, Place),
    /// The text of `allowed_signers`; empty when there is none.
    Signers(String),
    /// `None` when there are none that can be read: then nothing can be judged.
    Settings(Option<Box<Settings>>),
    /// All tokens of a grant, by their hashes; those it had before are void. From a cluster only.
    Credentials(Key, Vec<Issued>),
    /// Facts that are durable, in their order. From a cluster only.
    Ledger(Vec<LedgerEntry>),
    /// Everything of one sort up to this version of the cluster has been told. Comes last in its batch.
    Reached(Watched, Version),
}

/// What a cluster's source watches: the five kinds, and the ConfigMaps of our own namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Watched {
    Kind(Kind),
    ConfigMap,
}

/// A `resourceVersion`: within one cluster a later one is greater.
pub type Version = u64;

impl Watched {
    pub const ALL: [Self; 6] = [
        Self::ConfigMap,
        Self::Kind(Kind::SharedResource),
        Self::Kind(Kind::DataShareRequest),
        Self::Kind(Kind::AccessGrant),
        Self::Kind(Kind::AuditPolicy),
        Self::Kind(Kind::Revocation),
    ];

    /// The name as written in `kind:`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kind(kind) => kind.name(),
            Self::ConfigMap => "ConfigMap",
        }
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one look brought: applied together, so that nothing opens in between.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    /// Revocations first, then what went, then what came.
    pub changes: Vec<SourceChange>,
    /// For a human, one line each.
    pub said: Vec<String>,
    /// All findings of the files whose findings changed, and of no others.
    pub findings: Vec<Finding>,
}

impl Batch {
    /// How far each kind has come with this.
    pub fn reached(&self) -> impl Iterator<Item = (Watched, Version)> {
        self.changes.iter().filter_map(|change| match change {
            SourceChange::Reached(watched, version) => Some((*watched, *version)),
            _ => None,
        })
    }

    /// Whether anything is different, and not only known to be recent.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.changes.iter().any(|change| !matches!(change, SourceChange::Reached(..)))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.said.is_empty() && self.findings.is_empty()
    }
}

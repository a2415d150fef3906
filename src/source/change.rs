//! The one stream that a source gives to those above it. They cannot tell a directory from a cluster.

use std::sync::Arc;

use super::finding::Finding;
use super::object::{Object, ObjectKey};
use crate::settings::Settings;

/// Where an object was found: for a directory the file's path, and how many objects of the same key
/// stand before it there. Only Revocations may be in force at several places at once.
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
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.said.is_empty() && self.findings.is_empty()
    }
}

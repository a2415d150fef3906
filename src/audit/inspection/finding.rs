//! What an inspection objects to: which grant, which entries, which clause, in two languages.

use serde::Serialize;

use crate::api::v1alpha1::audit_policy::{Check, Effect};
use crate::audit::recorded::{Recorded, RecordedGrant};
use crate::judge::facts::Grant;

/// Findings of one check that are told one by one.
const MOST: usize = 1_000;
/// Receipts that a finding names.
const RECEIPTS: usize = 10;

/// One objection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub check: Check,
    /// What it does to the grant.
    pub effect: Effect,
    /// Of the standard: a clause, or `B` and the number of a promise of form B.
    pub clause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<FoundGrant>,
    /// `namespace/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Of the first entries objected to.
    pub receipts: Vec<String>,
    /// How many entries, or other things, are objected to.
    pub count: u64,
    pub message: Said,
}

/// The decision that is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct FoundGrant {
    pub namespace: String,
    pub name: String,
    pub serial: String,
    pub digest: String,
}

/// The same sentence twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    pub en: String,
    pub zh: String,
}

impl Said {
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }
}

impl From<&RecordedGrant> for FoundGrant {
    fn from(grant: &RecordedGrant) -> Self {
        let RecordedGrant { namespace, name, serial, digest } = grant.clone();
        Self { namespace, name, serial, digest }
    }
}

impl From<&Grant> for FoundGrant {
    fn from(grant: &Grant) -> Self {
        Self {
            namespace: grant.key.namespace.to_string(),
            name: grant.key.name.to_string(),
            serial: grant.serial.to_string(),
            digest: grant.terms.to_string(),
        }
    }
}

/// What one check has found.
#[derive(Debug)]
pub(super) struct Findings {
    check: Check,
    effect: Effect,
    list: Vec<Finding>,
    more: u64,
}

impl Findings {
    pub(super) fn new(check: Check, effect: Effect) -> Self {
        Self { check, effect, list: Vec::new(), more: 0 }
    }

    pub(super) fn add(&mut self, grant: Option<FoundGrant>, resource: Option<String>, seen: Seen, message: Said) {
        if self.list.len() >= MOST {
            self.more += 1;
            return;
        }
        self.list.push(Finding {
            check: self.check,
            effect: self.effect,
            clause: self.check.clause(),
            grant,
            resource,
            user: seen.user,
            receipts: seen.receipts,
            count: seen.count,
            message,
        });
    }

    /// The findings, and how many more there are.
    pub(super) fn take(self) -> (Vec<Finding>, u64) {
        (self.list, self.more)
    }
}

/// The entries behind a finding: all counted, the first named.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub user: Option<String>,
    pub receipts: Vec<String>,
    pub count: u64,
}

impl Seen {
    pub(super) fn add(&mut self, entry: &Recorded) {
        self.count += 1;
        if self.receipts.len() < RECEIPTS {
            self.receipts.push(entry.receipt());
        }
    }

    /// One thing that is in no entry.
    pub(super) fn once() -> Self {
        Self { count: 1, ..Self::default() }
    }
}

/// `namespace/name` of the resource that an entry is about.
pub(super) fn resource_of(entry: &Recorded) -> Option<String> {
    entry.resource.as_ref().map(|at| format!("{}/{}", at.namespace, at.name))
}

//! The memory that objects cannot be trusted with: which terms were enforced under which serial,
//! which grants have ended for good, and who was barred until when. Pure; a shell keeps the entries
//! on disk (standalone) or in ConfigMaps (cluster) and replays them at start.
//!
//! Absence suspends, Revocation ends: nothing here depends on an object still being there.

mod upkeep;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::{Bar, Key};
use crate::api::v1alpha1::audit_policy::Check;
use crate::approval::canonical::Digest;

/// One fact that must outlive the objects it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LedgerEntry {
    /// These terms were enforced under this serial; no other terms ever will be.
    Enforced {
        namespace: Arc<str>,
        serial: Arc<str>,
        digest: Digest,
        scope: Scope,
        not_after: Timestamp,
        at: Timestamp,
    },
    /// The serial has ended, whatever objects say. `until`: when its grant would have expired anyway.
    Ended {
        namespace: Arc<str>,
        serial: Arc<str>,
        cause: Cause,
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<Digest>,
        /// A supersession ends only a grant of the same resource, unit and system; a revocation may be narrowed to resources.
        #[serde(skip_serializing_if = "Option::is_none")]
        scope: Option<Scope>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resources: Option<Vec<Arc<str>>>,
        /// The Revocation's name, or the serial of the newer grant.
        by: Arc<str>,
        at: Timestamp,
    },
    /// An inspection suspended the grant of this serial: it serves again once somebody who may approve it has signed
    /// its terms anew, later than this.
    Suspended {
        namespace: Arc<str>,
        serial: Arc<str>,
        check: Check,
        /// The policy whose inspection it was.
        by: Arc<str>,
        /// The entry of the record that was objected to.
        #[serde(skip_serializing_if = "Option::is_none")]
        receipt: Option<Arc<str>>,
        at: Timestamp,
    },
    /// A Revocation of a unit, system or person was seen.
    Barred {
        namespace: Arc<str>,
        name: Arc<str>,
        bar: Bar,
        #[serde(skip_serializing_if = "Option::is_none")]
        resources: Option<Vec<Arc<str>>>,
        at: Timestamp,
    },
    /// That Revocation was seen to be gone: only grants signed later are open again.
    Lifted { namespace: Arc<str>, name: Arc<str>, at: Timestamp },
}

/// What a grant is for: its successor must be for the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    pub resource: Arc<str>,
    pub unit: Arc<str>,
    pub system: Arc<str>,
}

/// Why a grant ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    Revoked,
    Superseded,
    Expired,
}

/// What is known of one serial.
#[derive(Clone, Debug, Default)]
pub struct SerialRecord {
    /// Digest and scope of the first terms enforced under it, and when they expire.
    pub enforced: Option<(Digest, Scope, Timestamp)>,
    /// Since when they were.
    pub enforced_at: Option<Timestamp>,
    /// Ends, at most one of each cause and scope.
    pub ends: Vec<End>,
    /// The latest suspension by an inspection.
    pub suspended: Option<Box<Suspension>>,
}

/// What an inspection suspended a grant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    pub check: Check,
    pub by: Arc<str>,
    pub receipt: Option<Arc<str>>,
    pub at: Timestamp,
}

/// One end of a serial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub cause: Cause,
    pub scope: Option<Scope>,
    pub resources: Option<Vec<Arc<str>>>,
    pub by: Arc<str>,
    pub at: Timestamp,
}

/// A bar that was seen, and when it was lifted.
#[derive(Clone, Debug)]
pub struct BarRecord {
    pub bar: Bar,
    pub resources: Option<Vec<Arc<str>>>,
    pub since: Timestamp,
    pub lifted: Option<Timestamp>,
}

/// All that must be remembered.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    serials: HashMap<Key, SerialRecord>,
    bars: BTreeMap<Key, Vec<BarRecord>>,
}

impl Ledger {
    /// Takes an entry in, and says whether it was new. Entries may come in any number of copies; order
    /// matters only between Barred and Lifted of one name, which one writer writes in turn.
    pub fn take(&mut self, entry: &LedgerEntry) -> bool {
        match entry {
            LedgerEntry::Enforced { namespace, serial, digest, scope, not_after, at } => {
                let record = self.serials.entry(Key::new(namespace.clone(), serial.clone())).or_default();
                let new = record.enforced.is_none();
                record.enforced.get_or_insert_with(|| (*digest, scope.clone(), *not_after));
                record.enforced_at.get_or_insert(*at);
                new
            }
            LedgerEntry::Ended { namespace, serial, cause, scope, resources, by, at, .. } => {
                let record = self.serials.entry(Key::new(namespace.clone(), serial.clone())).or_default();
                let known =
                    record.ends.iter().any(|e| e.cause == *cause && e.scope == *scope && e.resources == *resources);
                if !known {
                    let (scope, resources) = (scope.clone(), resources.clone());
                    record.ends.push(End { cause: *cause, scope, resources, by: by.clone(), at: *at });
                }
                !known
            }
            LedgerEntry::Suspended { namespace, serial, check, by, receipt, at } => {
                let record = self.serials.entry(Key::new(namespace.clone(), serial.clone())).or_default();
                // a signature that clears the latest clears those before it
                let new = record.suspended.as_ref().is_none_or(|known| known.at < *at);
                if new {
                    let (by, receipt) = (by.clone(), receipt.clone());
                    record.suspended = Some(Box::new(Suspension { check: *check, by, receipt, at: *at }));
                }
                new
            }
            LedgerEntry::Barred { namespace, name, bar, resources, at } => {
                let records = self.bars.entry(Key::new(namespace.clone(), name.clone())).or_default();
                let standing = records.iter().any(|r| r.lifted.is_none() && r.bar == *bar && r.resources == *resources);
                if !standing {
                    let (bar, resources) = (bar.clone(), resources.clone());
                    records.push(BarRecord { bar, resources, since: *at, lifted: None });
                }
                !standing
            }
            LedgerEntry::Lifted { namespace, name, at } => {
                let records = self.bars.entry(Key::new(namespace.clone(), name.clone())).or_default();
                let standing = records.iter().any(|record| record.lifted.is_none());
                for record in records.iter_mut().filter(|r| r.lifted.is_none()) {
                    record.lifted = Some(*at);
                }
                // of equal bars only the latest end matters
                let mut kept: Vec<BarRecord> = Vec::new();
                for record in records.drain(..).rev() {
                    if !kept.iter().any(|k| k.bar == record.bar && k.resources == record.resources) {
                        kept.push(record);
                    }
                }
                kept.reverse();
                *records = kept;
                standing
            }
        }
    }

    /// What is known of a serial.
    #[must_use]
    pub fn serial(&self, namespace: &Arc<str>, serial: &Arc<str>) -> Option<&SerialRecord> {
        self.serials.get(&Key::new(namespace.clone(), serial.clone()))
    }

    /// Everything that is known of serials, by namespace and serial.
    pub fn serials(&self) -> impl Iterator<Item = (&Key, &SerialRecord)> {
        self.serials.iter()
    }

    /// Every bar ever seen, by the Revocation that set it.
    pub fn bars(&self) -> impl Iterator<Item = (&Key, &BarRecord)> {
        self.bars.iter().flat_map(|(key, records)| records.iter().map(move |record| (key, record)))
    }

    /// The bar that a Revocation of this name sets at the moment.
    #[must_use]
    pub fn standing_bar(&self, revocation: &Key) -> Option<&BarRecord> {
        self.bars.get(revocation)?.iter().find(|record| record.lifted.is_none())
    }

    /// The entries that say the same as all entries taken so far, without what has expired.
    #[must_use]
    pub fn compact(&self, now: Timestamp) -> Vec<LedgerEntry> {
        let mut out = Vec::new();
        for (key, record) in &self.serials {
            let (namespace, serial) = (&key.namespace, &key.name);
            if record.enforced.as_ref().is_some_and(|(_, _, not_after)| *not_after <= now) {
                continue;
            }
            if let Some((digest, scope, not_after)) = &record.enforced {
                let (namespace, serial, scope) = (namespace.clone(), serial.clone(), scope.clone());
                out.push(LedgerEntry::Enforced {
                    namespace,
                    serial,
                    digest: *digest,
                    scope,
                    not_after: *not_after,
                    at: record.enforced_at.unwrap_or(now),
                });
            }
            for end in &record.ends {
                out.push(LedgerEntry::Ended {
                    namespace: namespace.clone(),
                    serial: serial.clone(),
                    cause: end.cause,
                    digest: record.enforced.as_ref().map(|(digest, _, _)| *digest),
                    scope: end.scope.clone(),
                    resources: end.resources.clone(),
                    by: end.by.clone(),
                    at: end.at,
                });
            }
            out.extend(record.suspended.as_ref().map(|suspension| suspension.entry(key)));
        }
        for (key, records) in &self.bars {
            let (namespace, name) = (&key.namespace, &key.name);
            for record in records {
                let (bar, resources) = (record.bar.clone(), record.resources.clone());
                let (namespace, name) = (namespace.clone(), name.clone());
                out.push(LedgerEntry::Barred {
                    namespace: namespace.clone(),
                    name: name.clone(),
                    bar,
                    resources,
                    at: record.since,
                });
                if let Some(at) = record.lifted {
                    out.push(LedgerEntry::Lifted { namespace, name, at });
                }
            }
        }
        out
    }
}

//! What a guard's Lease tells of inspections, and how a suspension gets from there into the ledger: the
//! operator takes it over, and it comes back as any other fact. Until then the inspection is not done.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::{Suspend, Witnesses};
use crate::api::v1alpha1::audit_policy::Check;
use crate::audit::inspection::{Inspected, Past};
use crate::judge::ledger::LedgerEntry;
use crate::judge::status::{Ended, InspectedBy};

/// The operator has so long to take a suspension over, before it is asked for anew.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is told; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Telling(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    told: Mutex<Told>,
    heard: Condvar,
    witnesses: Witnesses,
}

#[derive(Debug, Default)]
struct Told {
    by: InspectedBy,
    over: bool,
}

impl Telling {
    /// As the Lease has it; nothing before the first inspection.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let told = self.0.told.lock();
        (told.by != InspectedBy::default()).then(|| told.by.text())
    }

    /// Who else keeps checkpoints of the record: the Lease, for one.
    #[must_use]
    pub fn witnesses(&self) -> &Witnesses {
        &self.0.witnesses
    }

    /// An inspection was done.
    pub fn done(&self, inspected: &Inspected, receipt: &str) {
        let mut findings = std::collections::BTreeMap::<Check, u64>::new();
        for finding in &inspected.findings {
            *findings.entry(finding.check).or_default() += 1;
        }
        let receipt = Some(receipt.to_owned());
        let ended = Ended { time: inspected.time, findings, receipt };
        self.0.told.lock().by.policies.insert(inspected.policy.clone(), ended);
    }

    /// An inspection was done before this process began.
    pub(super) fn remembered(&self, past: &Past) {
        let receipt = Some(past.receipt.clone());
        let ended = Ended { time: past.written, findings: past.by_check.clone(), receipt };
        self.0.told.lock().by.policies.entry(past.policy.to_string()).or_insert(ended);
    }

    /// Facts that are durable: what is among them need not be told any more.
    pub fn heard(&self, entries: &[LedgerEntry]) {
        let mut told = self.0.told.lock();
        let before = told.by.suspends.len();
        told.by.suspends.retain(|entry| !entries.contains(entry));
        if told.by.suspends.len() != before {
            self.0.heard.notify_all();
        }
    }

    /// Nobody waits any more: the process ends.
    pub fn end(&self) {
        self.0.told.lock().over = true;
        self.0.heard.notify_all();
    }

    /// Suspends: `in_force` lets it hold here at once, and the Lease tells the operator.
    pub fn suspend(&self, mut in_force: impl FnMut(&[LedgerEntry]) + Send + 'static) -> Suspend {
        let telling = self.clone();
        Box::new(move |entries| {
            in_force(&entries);
            let mut told = telling.0.told.lock();
            told.by.suspends = entries;
            while !told.by.suspends.is_empty() && !told.over {
                if telling.0.heard.wait_for(&mut told, PATIENCE).timed_out() {
                    break;
                }
            }
            told.by.suspends.is_empty()
        })
    }
}

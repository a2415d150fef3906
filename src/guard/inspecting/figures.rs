//! What inspections found and what is overdue, in Prometheus' form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::api::v1alpha1::RevocationSpec;
use crate::api::v1alpha1::audit_policy::Check;
use crate::api::v1alpha1::status::RecallState;
use crate::audit::inspection::{Past, rotation_is_overdue};
use crate::judge::facts::{Grant, Key};
use crate::judge::index::{Index, Standing};
use crate::judge::status::{migration_end, recall};

/// Grants that are looked at together.
const TOGETHER: usize = 1000;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Found {
    policy: String,
    check: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfPolicy {
    policy: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Overdue {
    what: &'static str,
}

/// The figures; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Figures(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    found: Family<Found, Gauge>,
    last: Family<OfPolicy, Gauge<f64, AtomicU64>>,
    failures: Counter,
    overdue: Family<Overdue, Gauge>,
    /// Policies that were told of as such that cannot be inspected.
    told: Mutex<BTreeSet<Key>>,
    /// Policies whose last inspection is told of.
    shown: Mutex<BTreeSet<String>>,
}

impl Figures {
    /// Adds the figures to those that are scraped.
    pub fn register(&self, registry: &mut Registry) {
        let inner = &self.0;
        registry.register(
            "inspection_findings",
            "Findings of the last inspection, by policy and check",
            inner.found.clone(),
        );
        let help = "When the last inspection of a policy was done, in seconds since 1970";
        registry.register_with_unit("inspection_last_time", help, Unit::Seconds, inner.last.clone());
        registry.register("inspection_failures", "Inspections that could not be done", inner.failures.clone());
        let help = "What is past its day: rotations of credentials, recalls of data, migrations of direct lines";
        registry.register("overdue", help, inner.overdue.clone());
        // present from the start, so that nothing overdue is told apart from nobody looking
        for what in ["rotation", "recall", "migration"] {
            let _ = inner.overdue.get_or_create(&Overdue { what });
        }
    }

    pub fn failed(&self) {
        self.0.failures.inc();
    }

    /// Whether this policy was not told of before as one that cannot be inspected.
    pub(super) fn cannot(&self, policy: &Key) -> bool {
        self.0.told.lock().insert(policy.clone())
    }

    /// Forgets policies that are not there any more.
    pub(super) fn keep<'k>(&self, policies: impl Iterator<Item = &'k Key>) {
        let there: BTreeSet<&Key> = policies.collect();
        self.0.told.lock().retain(|key| there.contains(key));
    }

    /// Tells of the last inspection by each of these policies, and of no other.
    pub(super) fn tell<'p>(&self, all: impl Iterator<Item = &'p Past>) {
        let mut shown = self.0.shown.lock();
        let before = std::mem::take(&mut *shown);
        for past in all {
            let policy = past.policy.to_string();
            let time = past.written.as_duration().as_secs_f64();
            self.0.last.get_or_create(&OfPolicy { policy: policy.clone() }).set(time);
            for check in Check::ALL {
                let count = past.by_check.get(&check).copied().unwrap_or(0);
                let found = Found { policy: policy.clone(), check: check.as_str() };
                self.0.found.get_or_create(&found).set(i64::try_from(count).unwrap_or(i64::MAX));
            }
            shown.insert(policy);
        }
        for policy in before.difference(&shown) {
            self.0.last.remove(&OfPolicy { policy: policy.clone() });
            for check in Check::ALL {
                self.0.found.remove(&Found { policy: policy.clone(), check: check.as_str() });
            }
        }
    }

    /// Counts what is past its day now.
    pub(super) fn overdue(&self, index: &RwLock<Index>, specs: &BTreeMap<Key, Arc<RevocationSpec>>, now: Timestamp) {
        let (site, resources) = {
            let index = index.read();
            (index.site().clone(), index.resources().cloned().collect::<Vec<_>>())
        };
        let recalls = specs.values().filter(|spec| recall(spec, &site, now) == Some(RecallState::Overdue));
        let lines = resources.iter().filter(|resource| migration_end(resource, &site).is_some_and(|end| now >= end));
        let mut late = 0;
        for from in (0..).step_by(TOGETHER) {
            // a Revocation that comes meanwhile waits for some, and with it every call
            let index = index.read();
            let Some(grants) = index.some_grants(from, TOGETHER) else { break };
            let overdue = |grant: &&Arc<Grant>| {
                let due = index.newest_token(&grant.key).and_then(|token| rotation_is_overdue(token, grant, now));
                due.is_some() && index.standing(&grant.key, now) == Some(Standing::Serves)
            };
            late += grants.filter(overdue).count();
        }
        let set = |what, count: usize| {
            self.0.overdue.get_or_create(&Overdue { what }).set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        set("rotation", late);
        set("recall", recalls.count());
        set("migration", lines.count());
    }
}

//! How long a record must be kept: the policy of the resource, never below the legal floors. And how the policies
//! together have the stream signed, sealed, copied and held.

mod keeping;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::Date;
use parking_lot::RwLock;

use super::Guard;
use crate::api::v1alpha1::validate::{FLOOR_DAYS, PERSONAL_FLOOR_DAYS, syntax};
use crate::api::v1alpha1::{AuditPolicySpec, Kind};
use crate::judge::facts::Key;
use crate::judge::served::Plan;
use crate::source::change::SourceChange;
use crate::source::object::Spec;

/// How often the record is signed where no policy says so.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// What each policy asks; clones are the same policies.
#[derive(Clone, Debug, Default)]
pub struct Retentions(Arc<RwLock<HashMap<Key, Terms>>>);

/// What one policy asks.
#[derive(Clone, Debug)]
struct Terms {
    /// Days, usually and for personal data.
    days: (i64, i64),
    checkpoint_every: Duration,
    spec: Box<AuditPolicySpec>,
}

impl Retentions {
    /// Takes in what a source tells, if it is about a policy.
    pub fn take(&self, change: &SourceChange) {
        match change {
            SourceChange::Put(object, _) => {
                if let Spec::AuditPolicy(spec) = &object.spec {
                    self.set(Key::new(object.namespace.as_str(), object.name.as_str()), spec);
                }
            }
            SourceChange::Gone(key, _) if key.kind() == Kind::AuditPolicy => {
                self.remove(&Key::new(key.namespace(), key.name()));
            }
            _ => {}
        }
    }

    pub fn set(&self, key: Key, policy: &AuditPolicySpec) {
        let period = syntax::days(&policy.retention.period).unwrap_or(FLOOR_DAYS).max(FLOOR_DAYS);
        let personal = policy.retention.personal.as_deref().and_then(syntax::days).unwrap_or(PERSONAL_FLOOR_DAYS);
        let every = policy.checkpoint_every.as_deref().and_then(syntax::duration);
        let every = every.and_then(|every| Duration::try_from(every).ok()).filter(|every| !every.is_zero());
        let days = (period, personal.max(PERSONAL_FLOOR_DAYS).max(period));
        let checkpoint_every = every.unwrap_or(CHECKPOINT_EVERY);
        self.0.write().insert(key, Terms { days, checkpoint_every, spec: Box::new(policy.clone()) });
    }

    /// How often the record is signed while entries arrive.
    #[must_use]
    pub fn checkpoint_every(&self) -> Duration {
        let policies = self.0.read();
        policies.values().map(|terms| terms.checkpoint_every).min().unwrap_or(CHECKPOINT_EVERY)
    }

    pub fn remove(&self, key: &Key) {
        self.0.write().remove(key);
    }

    /// The day before which a record of this plan may not be removed. A policy that is not there
    /// keeps for as long as the longest one.
    pub(super) fn day(&self, plan: &Plan, today: Date) -> Date {
        let policies = self.0.read();
        let floors = (FLOOR_DAYS, PERSONAL_FLOOR_DAYS);
        let (period, personal) = match &plan.resource.spec.audit_policy_ref {
            None => floors,
            Some(reference) => {
                let key = Key::new(plan.resource.key.namespace.clone(), reference.name.as_str());
                let longest = || policies.values().fold(floors, |a, b| (a.0.max(b.days.0), a.1.max(b.days.1)));
                policies.get(&key).map_or_else(longest, |terms| terms.days)
            }
        };
        after(today, if plan.personal { personal } else { period })
    }

    /// The day for records that belong to no resource: the longest period of any policy.
    pub(super) fn day_at_least(&self, guard: &Guard) -> Date {
        let today = guard.index.read().site().day(guard.clock.now());
        let longest = self.period();
        after(today, longest)
    }

    /// The longest period of any policy.
    fn period(&self) -> i64 {
        self.0.read().values().map(|terms| terms.days.0).fold(FLOOR_DAYS, i64::max)
    }

    /// The day for a refusal whose resource is not known: as for personal data.
    pub fn longest(&self, today: Date) -> Date {
        let longest = self.0.read().values().map(|terms| terms.days.1).fold(PERSONAL_FLOOR_DAYS, i64::max);
        after(today, longest)
    }
}

fn after(day: Date, days: i64) -> Date {
    day.checked_add(days.days()).unwrap_or(Date::MAX)
}

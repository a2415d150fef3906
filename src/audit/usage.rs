//! How much each grant was used, from the record alone: what `get` shows, and what a guard's daily
//! quotas go on from after a restart. Reads no further back than asked.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::num::NonZeroUsize;
use std::path::Path;

use jiff::Timestamp;

use crate::audit::event::{Event, Outcome};
use crate::audit::filter::Filter;
use crate::audit::query::{self, QueryError, Summary};

/// Grants that are told apart; far more than a site has.
const MOST_GRANTS: usize = 1 << 20;

/// The use of one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantUsage {
    /// The time of its newest admitted call.
    pub last_used: Timestamp,
    /// Calls admitted today: released or failed.
    pub today: u64,
}

/// Use by namespace and name of the grant.
#[derive(Debug, Default)]
pub struct Usage {
    grants: HashMap<(String, String), GrantUsage>,
    /// What the reading itself met.
    pub summary: Summary,
}

impl Usage {
    /// Reads the record of admitted calls from `back_to` on and counts those since `midnight`. For
    /// quotas alone, `back_to` is `midnight`.
    pub fn read(log: &Path, midnight: Timestamp, back_to: Timestamp) -> Result<Self, QueryError> {
        let filter = Filter { event: Some(Event::Call), since: Some(back_to.min(midnight)), ..Filter::default() };
        let mut usage = Self::default();
        let mut grants = HashMap::new();
        usage.summary = query::run(log, &filter, None::<NonZeroUsize>, &mut |found| {
            let Ok(entry) = found.entry() else { return Ok(()) };
            let admitted = matches!(entry.outcome, Some(Outcome::Released | Outcome::Failed));
            if let (true, Some(grant)) = (admitted, entry.grant) {
                count(&mut grants, (grant.namespace, grant.name), entry.time, entry.time >= midnight);
            }
            Ok(())
        })?;
        usage.grants = grants;
        Ok(usage)
    }

    /// The use of a grant, if it was used in the time that was read.
    #[must_use]
    pub fn of(&self, namespace: &str, name: &str) -> Option<GrantUsage> {
        self.grants.get(&(namespace.to_owned(), name.to_owned())).copied()
    }

    /// All grants that were used.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, GrantUsage)> {
        self.grants.iter().map(|((namespace, name), usage)| (namespace.as_str(), name.as_str(), *usage))
    }
}

fn count(grants: &mut HashMap<(String, String), GrantUsage>, grant: (String, String), time: Timestamp, today: bool) {
    let full = grants.len() >= MOST_GRANTS;
    let usage = match grants.entry(grant) {
        Slot::Occupied(slot) => slot.into_mut(),
        Slot::Vacant(_) if full => return,
        Slot::Vacant(slot) => slot.insert(GrantUsage { last_used: time, today: 0 }),
    };
    usage.last_used = usage.last_used.max(time);
    usage.today += u64::from(today);
}

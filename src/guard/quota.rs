//! The ceilings of a grant: so many calls in a second, so many between midnight and midnight at the
//! site. A call that is refused costs nothing. Entries live until the end of their day, so memory is
//! bounded by the grants used in one day.

mod bucket;
mod day;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};

use self::bucket::Bucket;
pub use self::day::{Calendar, Day};
use crate::judge::facts::{Grant, Key};
use crate::judge::status::Use;

/// Counters of all grants.
#[derive(Debug, Default)]
pub struct Quotas {
    meters: RwLock<HashMap<Key, Arc<Mutex<Meter>>>>,
    /// No day ends before this: until then nobody has to wait for a look at all of them.
    quiet: Mutex<Timestamp>,
}

#[derive(Debug, Default)]
struct Meter {
    bucket: Bucket,
    /// The first moment after the day that `used` counts.
    until: Timestamp,
    used: u32,
    /// When the last of them was taken.
    last: Timestamp,
}

/// A ceiling is reached; calls may go on after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    pub retry_after: Duration,
    pub ceiling: Ceiling,
}

/// Which ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    Second,
    Day,
}

impl Quotas {
    /// Goes on from the calls that the record shows for the day that ends at `until`, the last of them at `last`.
    pub fn restore(&self, grant: Key, calls: u64, last: Timestamp, until: Timestamp) {
        let used = u32::try_from(calls).unwrap_or(u32::MAX);
        let meter = Meter { bucket: Bucket::default(), until, used, last };
        self.meters.write().insert(grant, Arc::new(Mutex::new(meter)));
    }

    /// How the grants are used that were used at `since` or later.
    #[must_use]
    pub fn used_since(&self, since: Timestamp) -> Vec<(Key, Use)> {
        let meters = self.meters.read();
        let each = meters.iter().filter_map(|(grant, meter)| {
            let meter = meter.lock();
            // what was only asked for was not used
            let used = meter.used > 0 && meter.last >= since;
            used.then(|| (grant.clone(), Use { last: meter.last, calls: u64::from(meter.used) }))
        });
        each.collect()
    }

    /// Takes one call of the grant, on the day that ends at `until`.
    pub fn take(&self, grant: &Grant, now: Timestamp, until: Timestamp) -> Result<(), Exhausted> {
        let meter = self.meter(&grant.key);
        let mut meter = meter.lock();
        if meter.until != until {
            (meter.until, meter.used) = (until, 0);
        }
        if grant.quota.per_day.is_some_and(|ceiling| meter.used >= ceiling) {
            let rest = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            return Err(Exhausted { retry_after: rest, ceiling: Ceiling::Day });
        }
        if let Some(rate) = grant.quota.per_second {
            meter.bucket.take(rate, now).map_err(|wait| Exhausted { retry_after: wait, ceiling: Ceiling::Second })?;
        }
        meter.used = meter.used.saturating_add(1);
        meter.last = meter.last.max(now);
        Ok(())
    }

    /// Calls taken on the day that ends at `until`.
    #[must_use]
    pub fn used(&self, grant: &Key, until: Timestamp) -> u32 {
        let meters = self.meters.read();
        let meter = meters.get(grant).map(|meter| meter.lock());
        meter.filter(|meter| meter.until == until).map_or(0, |meter| meter.used)
    }

    /// Forgets the days that are over.
    pub fn sweep(&self, now: Timestamp) {
        let mut quiet = self.quiet.lock();
        if now < *quiet {
            return;
        }
        let mut meters = self.meters.write();
        meters.retain(|_, meter| meter.lock().until > now);
        *quiet = meters.values().map(|meter| meter.lock().until).min().unwrap_or_default();
    }

    fn meter(&self, grant: &Key) -> Arc<Mutex<Meter>> {
        if let Some(meter) = self.meters.read().get(grant) {
            return meter.clone();
        }
        self.meters.write().entry(grant.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests;

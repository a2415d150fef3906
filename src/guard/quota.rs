//! Ceilings on the number of calls of a grant: a token bucket a second and a count a day.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use crate::judge::facts::{Grant, Key, Site};
use crate::judge::refusal::{Code, Refusal};

/// Grants whose use is remembered at once; beyond it those not used today are forgotten.
const MOST: usize = 200_000;

/// Use of every grant that has a ceiling.
#[derive(Debug, Default)]
pub struct Quotas(Mutex<HashMap<Key, Meter>>);

#[derive(Debug)]
struct Meter {
    day: Date,
    today: u64,
    /// Calls that may still be made in this instant, in millionths.
    bucket: i64,
    filled: Timestamp,
}

/// A call that would go over a ceiling, and when to try again.
#[derive(Debug)]
pub struct Exceeded {
    pub refusal: Refusal,
    pub retry_after: SignedDuration,
}

impl Quotas {
    /// Takes one call from both ceilings, or from neither.
    pub fn take(&self, grant: &Grant, site: &Site, now: Timestamp) -> Result<(), Exceeded> {
        let quota = grant.quota;
        if quota.per_second.is_none() && quota.per_day.is_none() {
            return Ok(());
        }
        let day = site.day(now);
        let mut meters = self.0.lock();
        if meters.len() >= MOST {
            meters.retain(|_, meter| meter.day == day);
        }
        let full = i64::from(quota.per_second.unwrap_or(0)) * 1_000_000;
        let fresh = || Meter { day, today: 0, bucket: full, filled: now };
        let meter = match meters.get_mut(&grant.key) {
            Some(meter) => meter,
            None => meters.entry(grant.key.clone()).or_insert_with(fresh),
        };
        if meter.day != day {
            (meter.day, meter.today) = (day, 0);
        }
        if quota.per_day.is_some_and(|most| meter.today >= u64::from(most)) {
            let retry_after = site.until_midnight(now);
            let refusal = Refusal::new(Code::QuotaExceeded, "the grant's calls of this day are used up");
            return Err(Exceeded { refusal, retry_after });
        }
        if let Some(rate) = quota.per_second {
            let micros = now.duration_since(meter.filled).as_micros().clamp(0, 1_000_000);
            let gained = i64::try_from(micros).unwrap_or(0) * i64::from(rate);
            meter.bucket = (meter.bucket + gained).min(full);
            meter.filled = now;
            if meter.bucket < 1_000_000 {
                let retry_after = SignedDuration::from_secs(1);
                let refusal = Refusal::new(Code::QuotaExceeded, "the grant's calls of this second are used up");
                return Err(Exceeded { refusal, retry_after });
            }
            meter.bucket -= 1_000_000;
        }
        meter.today += 1;
        Ok(())
    }

    /// Calls that are left today; nothing where there is no ceiling.
    pub fn left_today(&self, grant: &Grant, site: &Site, now: Timestamp) -> Option<u64> {
        let most = u64::from(grant.quota.per_day?);
        let day = site.day(now);
        let meters = self.0.lock();
        let used = meters.get(&grant.key).filter(|meter| meter.day == day).map_or(0, |meter| meter.today);
        Some(most.saturating_sub(used))
    }

    pub(super) fn restore(&self, namespace: &str, name: &str, day: Date, calls: u64) {
        let meter = Meter { day, today: calls, bucket: 0, filled: Timestamp::UNIX_EPOCH };
        self.0.lock().insert(Key::new(namespace, name), meter);
    }
}

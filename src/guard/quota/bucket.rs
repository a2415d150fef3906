//! So many calls in a second, evenly refilled, with a burst of one second's worth (GCRA): one number
//! per grant, and no background work.

use std::time::Duration;

use jiff::Timestamp;

const SECOND: i64 = 1_000_000_000;

/// When the bucket would be full again, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket(i64);

impl Bucket {
    /// Takes one of `rate` per second, or says how long to wait.
    pub fn take(&mut self, rate: u32, now: Timestamp) -> Result<(), Duration> {
        let now = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
        let Some(step) = SECOND.checked_div(i64::from(rate)) else { return Err(Duration::from_secs(1)) };
        // a clock that was set back must not close the grant for longer than a full bucket does
        let full = if self.0.saturating_sub(now) > SECOND { now } else { self.0.max(now) };
        let after = full.saturating_add(step);
        let over = after.saturating_sub(now).saturating_sub(SECOND);
        if over > 0 {
            return Err(Duration::from_nanos(over.unsigned_abs()));
        }
        self.0 = after;
        Ok(())
    }
}

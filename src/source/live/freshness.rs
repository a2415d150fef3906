//! When the source was last proved readable: what the guard's own view is as old as.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Shared between the thread that looks and those that must know how long ago.
#[derive(Debug, Clone)]
pub struct Freshness(Arc<AtomicI64>);

impl Freshness {
    /// Proved readable at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_microsecond())))
    }

    /// It was proved readable at this moment.
    pub fn touch(&self, now: Timestamp) {
        self.0.store(now.as_microsecond(), Ordering::Release);
    }

    /// The moment of the last successful look.
    #[must_use]
    pub fn last_readable(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Acquire)).unwrap_or(Timestamp::MIN)
    }

    /// How old the view is. A moment in the future is no proof: its distance counts as age.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.last_readable()).abs()
    }
}

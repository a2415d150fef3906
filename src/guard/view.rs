//! Whether the guard's own view of the world may be relied on: a guard that cannot prove that it is
//! recent refuses everything.

use jiff::{SignedDuration, Timestamp};

use crate::source::live::Freshness;

/// Whoever feeds the index, and can say when the source was last proved to be read.
pub trait View: Send + Sync + 'static {
    /// How old the view is.
    fn age(&self, now: Timestamp) -> SignedDuration;
}

impl View for Freshness {
    fn age(&self, now: Timestamp) -> SignedDuration {
        Freshness::age(self, now)
    }
}

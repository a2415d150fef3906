//! Whether a connection is used. Looked at now and then instead of timed per request, which costs a
//! call nothing and closes every kind of slowness alike: no head, half a head, an answer not taken.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one connection.
#[derive(Debug, Default)]
pub struct Activity {
    begun: AtomicU64,
    open: AtomicU64,
}

/// A call on the connection, until it is dropped.
#[derive(Debug)]
pub struct Busy<'a>(&'a Activity);

impl Activity {
    /// A call begins.
    pub fn begin(&self) -> Busy<'_> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }

    /// Whether nothing is open and nothing has begun since `seen`, which is brought up to date.
    pub fn is_idle_since(&self, seen: &mut u64) -> bool {
        let begun = self.begun.load(Ordering::Relaxed);
        let idle = begun == *seen && self.open.load(Ordering::Relaxed) == 0;
        *seen = begun;
        idle
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_and_recent_calls_are_activity() {
        let activity = Activity::default();
        let mut seen = 0;
        assert!(activity.is_idle_since(&mut seen));
        let call = activity.begin();
        assert!(!activity.is_idle_since(&mut seen));
        assert!(!activity.is_idle_since(&mut seen));
        drop(call);
        assert!(activity.is_idle_since(&mut seen));
        drop(activity.begin());
        assert!(!activity.is_idle_since(&mut seen));
        assert!(activity.is_idle_since(&mut seen));
    }
}

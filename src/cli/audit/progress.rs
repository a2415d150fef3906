//! How far a long command has come: one line on the terminal, rewritten now and then and gone at the
//! end. Nothing where stderr is no terminal, or the work is short.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use console::Term;
use parking_lot::Mutex;

use crate::clock::Stopwatch;

/// Work that is done sooner needs no bar.
const SOON: Duration = Duration::from_millis(500);
const BETWEEN: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// A bar for so many bytes.
pub struct Progress {
    term: Option<Term>,
    total: u64,
    done: AtomicU64,
    begun: Stopwatch,
    shown: Mutex<Duration>,
}

impl Progress {
    /// Nothing is shown yet.
    pub fn new(total: u64) -> Self {
        let term = Term::stderr();
        Self {
            term: term.is_term().then_some(term),
            total,
            done: AtomicU64::new(0),
            begun: Stopwatch::start(),
            shown: Mutex::new(SOON),
        }
    }

    /// So many bytes more.
    pub fn step(&self, more: u64) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        let Some(term) = &self.term else { return };
        let now = self.begun.elapsed();
        // whoever comes while another writes has nothing newer to say
        let Some(mut next) = self.shown.try_lock() else { return };
        if now >= *next {
            *next = now + BETWEEN;
            // a terminal that takes nothing is no reason to stop
            let _ = term.clear_line();
            let _ = term.write_str(&line(done, self.total, now));
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(term) = self.term.as_ref().filter(|_| *self.shown.lock() > SOON) {
            let _ = term.clear_line();
        }
    }
}

/// What the bar says.
fn line(done: u64, total: u64, elapsed: Duration) -> String {
    // a log may grow while it is read
    let total = total.max(done).max(1);
    let bars = usize::try_from(u128::from(done) * u128::from(WIDTH) / u128::from(total)).unwrap_or(0);
    let blanks = usize::try_from(WIDTH).unwrap_or(0).saturating_sub(bars);
    let percent = u128::from(done) * 100 / u128::from(total);
    let rate = u128::from(done) * 1000 / elapsed.as_millis().max(1);
    let left = u128::from(total - done).checked_div(rate.max(1)).unwrap_or(0);
    let mib = |bytes: u128| bytes >> 20;
    format!(
        "[{}{}] {percent:>3}% of {} MiB, {} MiB/s, {left} s left",
        "#".repeat(bars),
        ".".repeat(blanks),
        mib(total.into()),
        mib(rate)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_far_and_how_long() {
        let text = line(50 << 20, 100 << 20, Duration::from_secs(5));
        assert_eq!(text, format!("[{}{}]  50% of 100 MiB, 10 MiB/s, 5 s left", "#".repeat(15), ".".repeat(15)));
        for (done, total) in [(0, 0), (5, 0), (u64::MAX, 1), (1, u64::MAX)] {
            assert!(line(done, total, Duration::ZERO).starts_with('['));
        }
    }
}

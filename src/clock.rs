//! The one place that asks what time it is. Everything that decides takes the time as an
//! argument; shells hold a [`Clock`], which a test can set by hand.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// The system's clock, or one that only moves when told to.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Manual>>);

/// In microseconds.
#[derive(Debug)]
struct Manual {
    now: AtomicI64,
    /// So much of that is not time that passed.
    jumped: AtomicI64,
}

/// When this process first asked.
static START: OnceLock<Instant> = OnceLock::new();

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until [`Clock::set`] moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        let start = AtomicI64::new(start.as_microsecond());
        Self(Some(Arc::new(Manual { jumped: AtomicI64::new(start.load(Ordering::SeqCst)), now: start })))
    }

    /// The time now, in microseconds' resolution for a manual clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            None => Timestamp::now(),
            Some(manual) => Timestamp::from_microsecond(manual.now.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX),
        }
    }

    /// Time that has passed since some moment of this process, by a clock that nobody sets.
    #[must_use]
    pub fn steady(&self) -> Duration {
        match &self.0 {
            None => START.get_or_init(Instant::now).elapsed(),
            Some(manual) => {
                let passed = manual.now.load(Ordering::SeqCst).saturating_sub(manual.jumped.load(Ordering::SeqCst));
                Duration::from_micros(u64::try_from(passed).unwrap_or(0))
            }
        }
    }

    /// Moves a manual clock; the system's stays as it is.
    pub fn set(&self, now: Timestamp) {
        if let Some(manual) = &self.0 {
            manual.now.store(now.as_microsecond(), Ordering::SeqCst);
        }
    }

    /// Moves a manual clock on by `step`.
    pub fn advance(&self, step: SignedDuration) {
        if let Some(manual) = &self.0 {
            manual.now.fetch_add(micros(step), Ordering::SeqCst);
        }
    }

    /// Sets a manual clock ahead, or back, in no time.
    pub fn jump(&self, step: SignedDuration) {
        if let Some(manual) = &self.0 {
            manual.jumped.fetch_add(micros(step), Ordering::SeqCst);
            manual.now.fetch_add(micros(step), Ordering::SeqCst);
        }
    }
}

/// How far apart two times are. What is due some time after another is due as well when the clock was set back by as
/// much: it would have to wait for the clock to catch up.
#[must_use]
pub fn apart(now: Timestamp, then: Timestamp) -> SignedDuration {
    now.duration_since(then).abs()
}

fn micros(step: SignedDuration) -> i64 {
    i64::try_from(step.as_micros()).unwrap_or(i64::MAX)
}

/// Measures how long something takes; unlike a difference of two times it never runs backwards.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// The time from an earlier start to this one.
    #[must_use]
    pub fn since(&self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The moment so long after the start; the start itself if no clock can tell that moment.
    #[must_use]
    pub fn after(&self, time: Duration) -> Instant {
        self.0.checked_add(time).unwrap_or(self.0)
    }
}

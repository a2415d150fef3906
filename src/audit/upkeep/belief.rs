//! Whether the clock may be believed where what is due is removed for good. One that was set, and a machine that
//! was off, look alike; so a time is believed that follows from the one before it, and any other once the clock has
//! gone on from it for a day. Both the time and the doubt outlive the process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::audit::storage::{Storage, replace};

/// The file of a stream that holds it.
const CLOCK: &str = "clock.json";
/// A time that is ahead by no more is believed: a restart takes no longer.
const TOLERANCE: SignedDuration = SignedDuration::from_hours(1);
/// Any other once the clock has gone on from it for so long.
const LONG_ENOUGH: Duration = Duration::from_hours(24);
/// A clock that goes too slowly or too fast is followed, an hour a day at most.
const FOLLOWED: u32 = 24;
/// How often it is written down.
const OFTEN: Duration = Duration::from_mins(10);

/// What is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    /// What time it should be.
    expected: Timestamp,
    /// How far ahead of that a clock is that is not believed, in seconds.
    ahead: i64,
    /// For how many seconds it has gone on from there.
    agreed: u64,
}

/// What is believed of the clock while a stream is kept.
#[derive(Debug)]
pub struct Belief {
    path: PathBuf,
    noted: Noted,
    /// When that was so, by a clock that nobody sets.
    at: Duration,
    written: Option<Duration>,
}

impl Belief {
    /// As it was written down for this stream. One that was not is begun with the clock as it is; one that cannot be
    /// read is no reason to believe anything.
    ///
    /// # Errors
    /// When the file is there and the disk does not give it.
    pub fn open(stream: &Path, now: Timestamp, steady: Duration) -> io::Result<Self> {
        let path = stream.join(CLOCK);
        let begun = |expected| Noted { expected, ahead: 0, agreed: 0 };
        let noted = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => begun(now),
            other => serde_json::from_slice(&other?).unwrap_or_else(|_| begun(Timestamp::UNIX_EPOCH)),
        };
        Ok(Self { path, noted, at: steady, written: None })
    }

    /// How far the clock is ahead of what may be believed, or behind; nothing when it may.
    pub fn doubts(&mut self, now: Timestamp, steady: Duration) -> Option<SignedDuration> {
        let passed = steady.saturating_sub(self.at);
        self.at = steady;
        let Noted { expected, ahead, agreed } = &mut self.noted;
        *expected = expected.saturating_add(signed(passed)).unwrap_or(Timestamp::MAX);
        let now_ahead = now.duration_since(*expected);
        if now_ahead.abs() <= TOLERANCE {
            let most = signed(passed / FOLLOWED);
            let follow = now_ahead.clamp(-most, most);
            *expected = expected.saturating_add(follow).unwrap_or(*expected);
            (*ahead, *agreed) = (0, 0);
            return None;
        }
        if (now_ahead - SignedDuration::from_secs(*ahead)).abs() <= TOLERANCE {
            *agreed = agreed.saturating_add(passed.as_secs());
        } else {
            (*ahead, *agreed) = (now_ahead.as_secs(), 0);
        }
        if Duration::from_secs(*agreed) >= LONG_ENOUGH {
            self.noted = Noted { expected: now, ahead: 0, agreed: 0 };
            return None;
        }
        Some(now_ahead)
    }

    /// Writes it down, now and then.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn keep(&mut self, storage: &dyn Storage) -> io::Result<()> {
        if self.written.is_some_and(|written| self.at.saturating_sub(written) < OFTEN) {
            return Ok(());
        }
        replace(storage, &self.path, &serde_json::to_vec(&self.noted)?)?;
        self.written = Some(self.at);
        Ok(())
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::storage::Disk;

    const HOUR: u64 = 3600;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_764_000_000 + hours * 3600).unwrap()
    }

    fn steady(hours: u64) -> Duration {
        Duration::from_secs(hours * HOUR)
    }

    #[test]
    fn a_clock_that_was_set_is_believed_after_a_day_and_one_that_is_right_again_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let open = |now, steady| Belief::open(folder.path(), now, steady).unwrap();
        let mut belief = open(at(0), steady(7));
        assert_eq!(belief.doubts(at(0), steady(7)), None);
        assert_eq!(belief.doubts(at(90), steady(97)), None);
        assert_eq!(belief.doubts(at(1_091), steady(98)).map(|ahead| ahead.as_hours()), Some(1_000));
        assert!(belief.doubts(at(1_100), steady(107)).is_some());
        assert_eq!(belief.doubts(at(101), steady(108)), None);
        // another time, over restarts, and off for a moment only
        assert!(belief.doubts(at(5_000), steady(109)).is_some());
        for hour in 1..24 {
            belief.keep(&Disk).unwrap();
            belief = open(at(9), steady(0));
            belief.doubts(at(5_000 + hour - 1), steady(0));
            assert!(belief.doubts(at(5_000 + hour), steady(1)).is_some(), "{hour}");
        }
        assert_eq!(belief.doubts(at(5_024), steady(2)), None);
        belief.written = None;
        belief.keep(&Disk).unwrap();
        // neither are a machine that was off and a clock that was set back: what is to come by it may be long over
        let mut belief = open(at(9), steady(0));
        assert!(belief.doubts(at(5_030), steady(0)).is_some());
        assert_eq!(belief.doubts(at(0), steady(1)).map(|ahead| ahead.as_hours()), Some(-5_025));
        assert!(belief.doubts(at(5_031), steady(1)).is_some());
        fs::write(folder.path().join(CLOCK), b"{").unwrap();
        assert!(open(at(5_031), steady(1)).doubts(at(5_031), steady(1)).is_some());
    }

    proptest! {
        #[test]
        fn nothing_gets_ahead_of_what_passed_faster_than_an_hour_a_day(
            steps in prop::collection::vec((1_u64..3 * 3600, -40_000_i64..40_000), 1..60),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut belief = Belief::open(folder.path(), at(0), Duration::ZERO).unwrap();
            let (mut ran, mut now, mut jumped) = (Duration::ZERO, at(0), false);
            for (seconds, jump) in steps {
                ran += Duration::from_secs(seconds);
                jumped |= jump != 0;
                now = at(0) + SignedDuration::from_secs(i64::try_from(ran.as_secs()).unwrap() + jump);
                let doubts = belief.doubts(now, ran);
                if ran < LONG_ENOUGH && doubts.is_none() {
                    let ahead = now.duration_since(at(0)) - signed(ran);
                    prop_assert!(ahead <= TOLERANCE + signed(ran / FOLLOWED), "{ahead}");
                }
            }
            let text = serde_json::to_vec(&belief.noted).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Noted>(&text).unwrap(), belief.noted);
            prop_assert!(jumped || belief.doubts(now, ran).is_none());
        }
    }
}

//! How long a batch waits for company. Callers that were in the last batch are likely to come again soon after it:
//! waiting for them costs less than a sync of one's own for the first. How many there are is not known, so now and
//! then more than came last is waited for, and less often where nobody more came.

use std::time::Duration;

/// The longest wait.
const LONGEST: Duration = Duration::from_millis(2);

/// While those that callers come from say when they rest, no wait is shorter: a sync costs the processor too, and who
/// rests is waited for no longer. Nor are entries kept from a writer that sleeps for longer than this.
pub(super) const PATIENT: Duration = Duration::from_micros(400);

/// Batches until more is waited for again after nobody more came; few where who rests is waited for no longer.
const REST: u32 = 64;
const REST_OF_CREWS: u32 = 4;

/// What to wait for before the next batch is taken.
#[derive(Debug, Default)]
pub(super) struct Gather {
    entries: usize,
    time: Duration,
    rest: u32,
}

impl Gather {
    /// Take the batch when it has this many entries, or after this time.
    pub fn wait(&self) -> (usize, Duration) {
        (self.entries, self.time)
    }

    /// A batch of so many entries took the disk so long. `crews`: those that callers come from say when they rest.
    pub fn learn(&mut self, entries: usize, commit: Duration, crews: bool) {
        if entries < self.entries {
            self.rest = if crews { REST_OF_CREWS } else { REST };
        }
        // one alone has no company to expect
        let grows = entries > 1 && self.rest == 0;
        self.rest = self.rest.saturating_sub(1);
        self.entries = if grows { entries + entries.div_ceil(4) } else { entries };
        self.time = (commit / 2).clamp(if crews { PATIENT } else { Duration::ZERO }, LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: Duration = Duration::from_micros(100);

    /// How often it is waited in vain for so many callers who come again at once.
    fn in_vain(callers: usize, batches: u32) -> u32 {
        let mut gather = Gather::default();
        let (mut last, mut vain) = (callers, 0);
        for _ in 0..batches {
            gather.learn(last, COMMIT, false);
            let (entries, _) = gather.wait();
            vain += u32::from(entries > callers);
            last = entries.min(callers);
        }
        vain
    }

    #[test]
    fn one_alone_never_waits() {
        assert_eq!(in_vain(1, 1000), 0);
    }

    #[test]
    fn a_batch_grows_to_all_that_come_again() {
        let mut gather = Gather::default();
        gather.learn(2, COMMIT, false);
        let mut sizes = Vec::new();
        for _ in 0..12 {
            let (entries, time) = gather.wait();
            assert_eq!(time, COMMIT / 2);
            sizes.push(entries.min(32));
            gather.learn(entries.min(32), COMMIT, false);
        }
        assert_eq!(sizes, [3, 4, 5, 7, 9, 12, 15, 19, 24, 30, 32, 32]);
    }

    #[test]
    fn waits_in_vain_are_few() {
        for callers in [2, 8, 33] {
            let vain = in_vain(callers, 6500);
            assert!((90..=110).contains(&vain), "{callers} callers: {vain}");
        }
    }

    #[test]
    fn no_wait_is_long() {
        let mut gather = Gather::default();
        gather.learn(8, Duration::from_secs(3), false);
        assert_eq!(gather.wait().1, LONGEST);
        gather.learn(8, COMMIT, true);
        assert_eq!(gather.wait().1, PATIENT);
    }
}

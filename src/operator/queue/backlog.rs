//! What is to be done, purely: each key once, never two at a time for one key, later and later after a failure.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::judge::facts::Key;

/// The first wait after a failure; each further one is twice as long.
const FIRST: SignedDuration = SignedDuration::from_millis(200);
/// No wait is longer.
const LONGEST: SignedDuration = SignedDuration::from_secs(60);
/// Nor this one, where something changed while it failed: perhaps what it failed for.
const LONGEST_AFTER_CHANGE: SignedDuration = SignedDuration::from_secs(1);
/// A clock that is so much behind what it said before was set back.
const BACK: SignedDuration = SignedDuration::from_secs(1);
/// Doublings until then.
const DOUBLINGS: u32 = 9;

/// Keys to look at. It holds each once, so it is never longer than there are objects.
#[derive(Debug, Default)]
pub struct Backlog {
    ready: VecDeque<Key>,
    /// All that is in `ready`.
    known: HashSet<Key>,
    running: HashSet<Key>,
    /// Touched while it was running.
    again: HashSet<Key>,
    later: BTreeSet<(Timestamp, Key)>,
    due: HashMap<Key, Timestamp>,
    failures: HashMap<Key, u32>,
    /// The last time that was asked for.
    seen: Option<Timestamp>,
}

/// When a key is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// When something changes.
    OnChange,
    /// Then, or earlier when something changes.
    At(Timestamp),
    /// After a while that grows with each failure.
    AfterFailure,
}

/// What there is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Run(Key),
    Wait(Timestamp),
    Idle,
}

impl Backlog {
    pub fn add(&mut self, key: Key) {
        if self.running.contains(&key) {
            self.again.insert(key);
            return;
        }
        self.forget_due(&key);
        if self.known.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    pub fn next(&mut self, now: Timestamp) -> Next {
        // times that were meant by a clock that was set back are years away, perhaps
        let back = self.seen.replace(now).is_some_and(|seen| now < seen - BACK);
        while let Some((at, key)) = self.later.first().cloned() {
            if at > now && !back {
                break;
            }
            self.add(key);
        }
        if let Some(key) = self.ready.pop_front() {
            self.known.remove(&key);
            self.running.insert(key.clone());
            return Next::Run(key);
        }
        self.later.first().map_or(Next::Idle, |(at, _)| Next::Wait(*at))
    }

    pub fn done(&mut self, key: &Key, again: Again, now: Timestamp) {
        self.running.remove(key);
        let touched = self.again.remove(key);
        let at = match again {
            Again::AfterFailure => {
                let failures = self.failures.entry(key.clone()).or_default();
                *failures = failures.saturating_add(1);
                let wait = FIRST.checked_mul(1 << (*failures - 1).min(DOUBLINGS)).unwrap_or(LONGEST);
                let wait = wait.min(if touched { LONGEST_AFTER_CHANGE } else { LONGEST });
                now.checked_add(wait).ok()
            }
            Again::At(at) => Some(at),
            Again::OnChange => None,
        };
        if again != Again::AfterFailure {
            self.failures.remove(key);
        }
        if touched && again != Again::AfterFailure {
            self.add(key.clone());
        } else if let Some(at) = at {
            self.later.insert((at, key.clone()));
            self.due.insert(key.clone(), at);
        }
    }

    fn forget_due(&mut self, key: &Key) {
        if let Some(at) = self.due.remove(key) {
            self.later.remove(&(at, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new("n", name)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_key_waits_once_and_runs_once_at_a_time() {
        let mut backlog = Backlog::default();
        for _ in 0..3 {
            backlog.add(key("a"));
        }
        assert_eq!(backlog.next(at(0)), Next::Run(key("a")));
        backlog.add(key("a"));
        backlog.add(key("b"));
        assert_eq!(backlog.next(at(0)), Next::Run(key("b")));
        assert_eq!(backlog.next(at(0)), Next::Idle, "a is still running");
        backlog.done(&key("a"), Again::OnChange, at(0));
        assert_eq!(backlog.next(at(0)), Next::Run(key("a")), "it was touched meanwhile");
        backlog.done(&key("a"), Again::OnChange, at(0));
        backlog.done(&key("b"), Again::OnChange, at(0));
        assert_eq!(backlog.next(at(9)), Next::Idle);
    }

    #[test]
    fn nothing_waits_for_a_clock_that_was_set_back_to_catch_up() {
        let mut backlog = Backlog::default();
        backlog.add(key("a"));
        assert_eq!(backlog.next(at(1_000)), Next::Run(key("a")));
        backlog.done(&key("a"), Again::AfterFailure, at(1_000));
        assert!(matches!(backlog.next(at(1_000)), Next::Wait(_)));
        assert!(matches!(backlog.next(at(999)), Next::Wait(_)));
        assert_eq!(backlog.next(at(10)), Next::Run(key("a")));
    }

    #[test]
    fn failures_wait_longer_and_longer_until_a_success() {
        let mut backlog = Backlog::default();
        let mut waits = Vec::new();
        let mut now = at(0);
        backlog.add(key("a"));
        for _ in 0..14 {
            assert_eq!(backlog.next(now), Next::Run(key("a")));
            backlog.done(&key("a"), Again::AfterFailure, now);
            let Next::Wait(then) = backlog.next(now) else { panic!("it is to be tried again") };
            waits.push(then.duration_since(now).as_millis());
            now = then;
        }
        assert_eq!(waits[..4], [200, 400, 800, 1600]);
        assert_eq!(waits[12..], [60_000, 60_000]);
        assert_eq!(backlog.next(now), Next::Run(key("a")));
        backlog.add(key("a"));
        backlog.done(&key("a"), Again::AfterFailure, now);
        let then = now + LONGEST_AFTER_CHANGE;
        assert_eq!(backlog.next(now), Next::Wait(then), "what changed may be what it failed for");
        assert_eq!(backlog.next(then), Next::Run(key("a")));
        backlog.done(&key("a"), Again::At(at(5_000)), now);
        assert_eq!(backlog.next(now), Next::Wait(at(5_000)));
        backlog.add(key("a"));
        assert_eq!(backlog.next(now), Next::Run(key("a")), "a change does not wait for the time");
        backlog.done(&key("a"), Again::AfterFailure, now);
        assert_eq!(backlog.next(now), Next::Wait(now + FIRST), "and the success was not forgotten");
    }
}

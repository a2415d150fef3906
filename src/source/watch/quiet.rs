//! Files that are being written. One is due when its writer has paused, or has not paused for so long
//! that waiting would hide a change.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// A pause this long counts as the end of writing.
const PAUSE: SignedDuration = SignedDuration::from_millis(50);
/// A writer that never pauses is looked at this often.
const LONGEST: SignedDuration = SignedDuration::from_secs(1);
/// Files waited for at once; more are looked at without waiting.
const MAX_WAITING: usize = 65_536;

#[derive(Debug, Default)]
pub struct Quiet {
    /// First and last sign of writing.
    waiting: BTreeMap<String, (Timestamp, Timestamp)>,
}

impl Quiet {
    /// A sign that the file is being written. False when it cannot be waited for.
    pub fn stir(&mut self, path: String, now: Timestamp) -> bool {
        if self.waiting.len() >= MAX_WAITING && !self.waiting.contains_key(&path) {
            return false;
        }
        self.waiting.entry(path).and_modify(|(_, last)| *last = now).or_insert((now, now));
        true
    }

    /// The file is settled, or gone.
    pub fn settle(&mut self, path: &str) {
        self.waiting.remove(path);
    }

    pub fn is_waiting(&self, path: &str) -> bool {
        self.waiting.contains_key(path)
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes out what is due.
    pub fn due(&mut self, now: Timestamp) -> Vec<String> {
        let is_due = |first: Timestamp, last: Timestamp| {
            let since = |then| now.duration_since(then);
            // a clock that was set back must not make anyone wait
            since(last) >= PAUSE || since(first) >= LONGEST || now < last
        };
        self.waiting.extract_if(.., |_, (first, last)| is_due(*first, *last)).map(|(path, _)| path).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_a_pause_but_not_for_ever() {
        let start = Timestamp::UNIX_EPOCH;
        let at = |millis| start + SignedDuration::from_millis(millis);
        let mut quiet = Quiet::default();
        assert!(quiet.stir("a".into(), at(0)));
        assert!(quiet.stir("a".into(), at(40)));
        assert!(quiet.due(at(80)).is_empty());
        assert!(quiet.is_waiting("a"));
        assert_eq!(quiet.due(at(90)), ["a"]);
        assert!(quiet.is_empty());
        for step in 0..25 {
            quiet.stir("b".into(), at(100 + step * 40));
        }
        assert_eq!(quiet.due(at(1100)), ["b"]);
        quiet.stir("c".into(), at(500));
        assert_eq!(quiet.due(at(0)), ["c"]);
        quiet.stir("d".into(), at(0));
        quiet.settle("d");
        assert!(quiet.due(at(5000)).is_empty());
    }
}

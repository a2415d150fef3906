//! What the record itself says of entries that leave. A line of `pruned.jsonl` counts only where a signed entry gives
//! notice of it: the file can be written by whoever can write the folder, the entry only by the guard.

use memchr::memmem;
use serde::Deserialize;

/// How entries leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaving {
    /// For good, everywhere: their time is over.
    Pruned,
    /// From the guard's disk: the archives have them.
    Offloaded,
}

/// Entries of which it is said: from this one on, before that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    pub leaving: Leaving,
    pub from: u64,
    pub to: u64,
}

#[derive(Deserialize)]
struct Written {
    index: u64,
    event: String,
    code: Option<String>,
    parameters: Option<Stretch>,
}

#[derive(Deserialize)]
struct Stretch {
    from: String,
    to: String,
}

impl Leaving {
    /// The code of the entry (event `audit`).
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Pruned => "pruned",
            Self::Offloaded => "offloaded",
        }
    }
}

impl Notice {
    /// What this line of the record gives notice of: nothing, mostly. An entry speaks of those before it.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        memmem::find(line, b"\"event\":\"audit\"")?;
        let written: Written = serde_json::from_slice(line).ok()?;
        let is = |leaving: &Leaving| written.event == "audit" && written.code.as_deref() == Some(leaving.code());
        let leaving = [Leaving::Pruned, Leaving::Offloaded].into_iter().find(is)?;
        let stretch = written.parameters?;
        let (from, to) = (stretch.from.parse().ok()?, stretch.to.parse().ok()?);
        (from < to && to <= written.index).then_some(Self { leaving, from, to })
    }
}

/// Stretches that touch or overlap as one, in order.
#[must_use]
pub fn joined(mut stretches: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    stretches.sort_unstable();
    let mut all: Vec<(u64, u64)> = Vec::new();
    for (from, to) in stretches {
        match all.last_mut().filter(|(_, end)| from <= *end) {
            Some((_, end)) => *end = to.max(*end),
            None => all.push((from, to)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::entry::{Entry, Parameter};
    use crate::audit::event::Event;

    fn line(index: u64, event: Event, code: &str, from: &str, to: &str) -> Vec<u8> {
        let parameters = [Parameter { name: "from", value: from }, Parameter { name: "to", value: to }];
        let entry = Entry::<&str> { code: Some(code), parameters: &parameters, ..Entry::new(event) };
        let mut line = format!("{{\"v\":1,\"stream\":\"g\",\"index\":{index},\"time\":\"2026-11-24T04:00:00.000000Z\"")
            .into_bytes();
        entry.encode(&mut line);
        line
    }

    #[test]
    fn only_an_entry_of_the_guard_about_entries_before_it_gives_notice() {
        let said = |line: &[u8]| Notice::parse(line).map(|notice| (notice.leaving, notice.from, notice.to));
        assert_eq!(said(&line(9, Event::Audit, "pruned", "2", "9")), Some((Leaving::Pruned, 2, 9)));
        assert_eq!(said(&line(9, Event::Audit, "offloaded", "0", "1")), Some((Leaving::Offloaded, 0, 1)));
        for other in [
            line(8, Event::Audit, "pruned", "2", "9"),
            line(9, Event::Call, "pruned", "2", "9"),
            line(9, Event::Audit, "hold-placed", "2", "9"),
            line(9, Event::Audit, "pruned", "9", "9"),
            line(9, Event::Audit, "pruned", "-2", "9"),
            line(9, Event::Call, "pruned\\\",\\\"event\\\":\\\"audit", "2", "9"),
        ] {
            assert_eq!(said(&other), None, "{}", String::from_utf8_lossy(&other));
        }
    }

    proptest! {
        #[test]
        fn what_the_guard_writes_is_what_is_read(from in 0..9_u64, length in 1..9_u64, later in 0..9_u64) {
            for leaving in [Leaving::Pruned, Leaving::Offloaded] {
                let to = from + length;
                let line = line(to + later, Event::Audit, leaving.code(), &from.to_string(), &to.to_string());
                prop_assert_eq!(Notice::parse(&line), Some(Notice { leaving, from, to }));
            }
        }

        #[test]
        fn joined_stretches_hold_the_same_entries(stretches in prop::collection::vec((0..20_u64, 1..5_u64), 0..8)) {
            let stretches: Vec<_> = stretches.into_iter().map(|(from, length)| (from, from + length)).collect();
            let all = joined(stretches.clone());
            let holds = |all: &[(u64, u64)], at| all.iter().any(|(from, to)| (*from..*to).contains(&at));
            prop_assert!((0..30).all(|at| holds(&stretches, at) == holds(&all, at)));
            prop_assert!(all.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}

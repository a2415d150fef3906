//! How grants are used, as a guard says it in its Lease: those that were used last. What older use there was, earlier
//! Leases have told.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::judge::facts::Key;

/// Annotation of a guard's Lease.
pub const USED: &str = "datashare.dev/used";
/// Grants that one Lease tells of.
pub const MOST: usize = 256;

/// How one grant is used at one guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// The last call that was admitted.
    pub last: Timestamp,
    /// How many were, on the day of that one.
    pub calls: u64,
}

/// All that one guard says, by `namespace/name` of the grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UsedBy(BTreeMap<String, Use>);

impl UsedBy {
    /// Of more than [`MOST`], those that were used last.
    #[must_use]
    pub fn new(mut all: Vec<(Key, Use)>) -> Self {
        all.sort_unstable_by_key(|(_, used)| Reverse(used.last));
        Self(all.into_iter().take(MOST).map(|(key, used)| (key.to_string(), used)).collect())
    }

    /// Reads what [`UsedBy::text`] wrote; nothing where it is something else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// As JSON.
    #[must_use]
    pub fn text(&self) -> String {
        // numbers, times and texts always have a JSON form
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    pub fn grants(&self) -> impl Iterator<Item = (Key, Use)> {
        let split = |(name, used): (&String, &Use)| {
            let (namespace, name) = name.split_once('/')?;
            Some((Key::new(namespace, name), *used))
        };
        self.0.iter().filter_map(split)
    }
}

/// How one grant is used at all guards together. `day` tells the days of the site apart.
#[must_use]
pub fn use_of<D: PartialEq>(each: impl Iterator<Item = Use> + Clone, day: impl Fn(Timestamp) -> D) -> Option<Use> {
    let last = each.clone().map(|used| used.last).max()?;
    let today = each.filter(|used| day(used.last) == day(last));
    Some(Use { last, calls: today.fold(0, |all, used| all.saturating_add(used.calls)) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_told_is_heard_and_of_too_many_the_last_used(
            all in prop::collection::btree_map("[a-z]{1,4}", (0_i64..1_000_000, any::<u64>()), 0..600),
        ) {
            let used = |(second, calls): (i64, u64)| Use { last: Timestamp::from_second(second).unwrap(), calls };
            let given: Vec<_> = all.iter().map(|(name, told)| (Key::new("n", name.as_str()), used(*told))).collect();
            let told = UsedBy::new(given.clone());
            let heard: BTreeMap<Key, Use> = UsedBy::parse(told.text().as_bytes()).unwrap().grants().collect();
            prop_assert_eq!(heard.len(), given.len().min(MOST));
            let oldest = heard.values().map(|used| used.last).min();
            for (key, used) in given {
                match heard.get(&key) {
                    Some(heard) => prop_assert_eq!(*heard, used),
                    None => prop_assert!(oldest.is_none_or(|oldest| used.last <= oldest)),
                }
            }
        }

        #[test]
        fn calls_of_one_day_add_up(all in prop::collection::vec((0_i64..30, 0_u64..100), 1..6)) {
            let each = all.iter().map(|(second, calls)| Use { last: Timestamp::from_second(*second).unwrap(), calls: *calls });
            let day = |at: Timestamp| at.as_second() / 10;
            let last = all.iter().map(|(second, _)| *second).max().unwrap();
            let calls = all.iter().filter(|(second, _)| second / 10 == last / 10).map(|(_, calls)| calls).sum::<u64>();
            prop_assert_eq!(use_of(each, day), Some(Use { last: Timestamp::from_second(last).unwrap(), calls }));
        }

        #[test]
        fn no_text_makes_the_reader_fail(text in "\\PC{0,40}") {
            let read = UsedBy::parse(text.as_bytes());
            let begins = text.trim_start().bytes().next() == Some(b'{');
            prop_assert!(read.is_none() || begins);
        }
    }
}

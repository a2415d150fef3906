//! How a guard says that it keeps its stream: in its Lease, and in a file beside the stream.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How one stream of the record is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Kept {
    /// Whether any policy names an archive.
    pub has_archive: bool,
    /// Entries below this index are in every archive.
    pub archived_through: Option<u64>,
    /// The newest entry of the oldest closed segment that some archive lacks.
    pub lags_since: Option<Timestamp>,
    /// The oldest entry that is kept.
    pub oldest: Option<Timestamp>,
    /// What is wrong, by what it is about: an archive's address, or a task.
    pub troubles: BTreeMap<String, String>,
}

impl Kept {
    /// Reads what [`Kept::text`] wrote; nothing where it is something else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// As JSON.
    #[must_use]
    pub fn text(&self) -> String {
        // numbers, times and texts always have a JSON form
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_told_is_what_is_heard(
            has_archive: bool,
            archived_through: Option<u64>,
            micros in prop::collection::vec(prop::option::of(0_i64..4_000_000_000_000_000), 2),
            troubles in prop::collection::btree_map("\\PC{0,20}", "\\PC{0,40}", 0..4),
        ) {
            let time = |at: usize| micros[at].map(|micros| Timestamp::from_microsecond(micros).unwrap());
            let kept = Kept { has_archive, archived_through, lags_since: time(0), oldest: time(1), troubles };
            prop_assert_eq!(Kept::parse(kept.text().as_bytes()), Some(kept));
        }

        #[test]
        fn no_text_makes_the_reader_fail(text in "\\PC{0,40}") {
            let read = Kept::parse(text.as_bytes());
            let object = text.trim_start().starts_with(['{', '[']);
            prop_assert!(read.is_none() || object);
        }
    }
}

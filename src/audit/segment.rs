//! The files of a stream: `entries/<index of the first entry, 20 digits>.jsonl`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The longest line that can be an entry, newline not counted. The writer takes none longer.
pub const MAX_LINE: usize = 1 << 20;

const OPEN: &str = ".jsonl";
const DIGITS: usize = 20;

/// The folder of a stream that holds its segments.
pub const ENTRIES: &str = "entries";

/// One segment by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The index of its first entry.
    pub first: u64,
    pub path: PathBuf,
}

/// The name of the segment that begins with entry `first`.
pub fn file_name(first: u64) -> String {
    format!("{first:0DIGITS$}{OPEN}")
}

/// The segments of an `entries` folder, oldest first. Other files are none of ours and are passed over.
pub fn list(entries: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for item in fs::read_dir(entries)? {
        let path = item?.path();
        let first = path.file_name().and_then(|name| name.to_str()).and_then(first_index);
        segments.extend(first.map(|first| Segment { first, path }));
    }
    segments.sort_unstable();
    Ok(segments)
}

fn first_index(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(OPEN)?;
    let plain = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_exact_names_count() {
        assert_eq!(first_index(&file_name(42)), Some(42));
        assert_eq!(first_index(&file_name(u64::MAX)), Some(u64::MAX));
        for name in
            ["42.jsonl", "00000000000000000042.json", "+0000000000000000042.jsonl", "99999999999999999999.jsonl"]
        {
            assert_eq!(first_index(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_file_is_found_by_the_name_it_was_given(first in any::<u64>(), other in any::<u64>(), text in "[0-9+.a-z]{0,26}") {
            prop_assert_eq!(first_index(&file_name(first)), Some(first));
            prop_assert_eq!(file_name(first).cmp(&file_name(other)), first.cmp(&other));
            prop_assert!(first_index(&text).is_none_or(|index| file_name(index) == text));
        }
    }
}

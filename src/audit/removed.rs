//! The file `pruned.jsonl` of a stream, as its one writer keeps it: which stretches of entries are not in this place any
//! more. A line is durable before the segment that it stands for goes.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::audit::pruned::{PRUNED, Pruned};
use crate::audit::storage::sync_folder_of;

/// The lines of one stream, by where they begin.
#[derive(Debug)]
pub struct Removed {
    path: PathBuf,
    lines: BTreeMap<u64, Pruned>,
    /// The file ends in something that is no line.
    torn: bool,
}

impl Removed {
    /// Reads the file. A last line torn by a crash counts for nothing: what it stands for is still there.
    pub fn open(stream: &Path) -> io::Result<Self> {
        let path = stream.join(PRUNED);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let torn = bytes.last().is_some_and(|last| *last != b'\n');
        let lines = parse(&bytes).into_iter().map(|line| (line.range.from(), line)).collect();
        Ok(Self { path, lines, torn })
    }

    /// Whether exactly this stretch is noted.
    #[must_use]
    pub fn has(&self, from: u64, to: u64) -> bool {
        self.lines.get(&from).is_some_and(|line| line.range.to() == to)
    }

    /// Follows noted stretches from entry `expected` on, until `there`; gives where they end.
    #[must_use]
    pub fn follow(&self, mut expected: u64, there: u64) -> u64 {
        while expected != there {
            match self.lines.get(&expected) {
                Some(line) => expected = line.range.to(),
                None => break,
            }
        }
        expected
    }

    /// Adds a line, and returns once it is durable.
    pub fn add(&mut self, line: Pruned) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        let mut bytes = Vec::new();
        // a torn line before this one ends here
        if self.torn {
            bytes.push(b'\n');
        }
        line.write(&mut bytes);
        bytes.push(b'\n');
        self.torn = true;
        file.write_all(&bytes)?;
        file.sync_all()?;
        self.torn = false;
        sync_folder_of(&self.path)?;
        self.lines.insert(line.range.from(), line);
        Ok(())
    }
}

/// The lines of such a file; what is none is passed over.
#[must_use]
pub fn parse(bytes: &[u8]) -> Vec<Pruned> {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter(|line| !line.is_empty()).filter_map(|line| Pruned::parse(line).ok()).collect()
}

/// Stretches that touch as one, in order: of the longest of years a few hashes are left.
#[must_use]
pub fn joined(mut lines: Vec<Pruned>) -> Vec<Pruned> {
    lines.sort_by_key(|line| line.range.from());
    let mut all: Vec<Pruned> = Vec::new();
    for line in lines {
        if let Some(last) = all.last_mut()
            && last.range.extend(&line.range).is_ok()
        {
            last.removed_at = last.removed_at.max(line.removed_at);
        } else {
            all.push(line);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::audit::tree::Range;

    fn stretch(from: u64, to: u64) -> Pruned {
        let mut range = Range::empty_at(from);
        (from..to).for_each(|index| range.push(&index.to_be_bytes()));
        Pruned { range, removed_at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn stretches_are_followed_and_a_torn_line_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut removed = Removed::open(folder.path()).unwrap();
        assert_eq!(removed.follow(0, 9), 0);
        for (from, to) in [(0, 3), (3, 7), (9, 12)] {
            removed.add(stretch(from, to)).unwrap();
        }
        assert_eq!(
            [(0, 3), (0, 7), (0, 9), (7, 9), (9, 100)].map(|(from, to)| removed.follow(from, to)),
            [3, 7, 7, 7, 12]
        );
        let bytes = fs::read(folder.path().join(PRUNED)).unwrap();
        fs::write(folder.path().join(PRUNED), &bytes[..bytes.len() - 5]).unwrap();
        let mut removed = Removed::open(folder.path()).unwrap();
        assert_eq!((removed.lines.len(), removed.has(3, 7), removed.has(9, 12)), (2, true, false));
        removed.add(stretch(7, 9)).unwrap();
        assert_eq!(Removed::open(folder.path()).unwrap().follow(0, 9), 9);
    }

    proptest! {
        #[test]
        fn lines_are_found_whatever_stands_between_them(lengths in prop::collection::vec(1_u64..9, 1..9), noise in "[^\n]{0,20}") {
            let (mut bytes, mut from) = (Vec::new(), 0);
            for length in &lengths {
                stretch(from, from + length).write(&mut bytes);
                bytes.extend(format!("\n{noise}\n\n").into_bytes());
                from += length;
            }
            let found: Vec<_> = parse(&bytes).iter().map(|line| line.range.to() - line.range.from()).collect();
            prop_assert_eq!(found, lengths);
            let mut whole = Range::empty_at(0);
            (0..from).for_each(|index| whole.push(&index.to_be_bytes()));
            let joined = joined(parse(&bytes));
            prop_assert_eq!((joined.len(), &joined[0].range), (1, &whole));
        }
    }
}

//! The file `pruned.jsonl` of a stream, as its one writer keeps it: which stretches of entries are not in this place any
//! more. A line is durable before the segment that it stands for goes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::audit::pruned::{PRUNED, Pruned};
use crate::audit::storage::sync_folder_of;

/// The lines of one stream.
#[derive(Debug)]
pub struct Removed {
    path: PathBuf,
    lines: Vec<Pruned>,
}

impl Removed {
    /// Reads the file. A last line torn by a crash counts for nothing: what it stands for is still there.
    pub fn open(stream: &Path) -> io::Result<Self> {
        let path = stream.join(PRUNED);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        Ok(Self { path, lines: parse(&bytes) })
    }

    /// Whether exactly this stretch is noted.
    pub fn has(&self, from: u64, to: u64) -> bool {
        self.lines.iter().any(|line| line.range.from() == from && line.range.to() == to)
    }

    /// Every noted stretch: its first entry, and the first after it.
    pub fn stretches(&self) -> impl Iterator<Item = (u64, u64)> {
        self.lines.iter().map(|line| (line.range.from(), line.range.to()))
    }

    /// Follows noted stretches from entry `expected` on, until `there`; gives where they end.
    pub fn follow(&self, mut expected: u64, there: u64) -> u64 {
        while expected != there {
            let next = self.lines.iter().find(|line| line.range.from() == expected);
            match next {
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
        if fs::read(&self.path)?.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        line.write(&mut bytes);
        bytes.push(b'\n');
        file.write_all(&bytes)?;
        file.sync_all()?;
        sync_folder_of(&self.path)?;
        self.lines.push(line);
        Ok(())
    }
}

/// The lines of such a file; what is none is passed over.
pub fn parse(bytes: &[u8]) -> Vec<Pruned> {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter(|line| !line.is_empty()).filter_map(|line| Pruned::parse(line).ok()).collect()
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
        }
    }
}

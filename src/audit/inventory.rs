//! `sealed.jsonl`: what is known about each sealed segment without reading it, one line of JSON each. Only a saving of
//! time: a line that is missing or unreadable is made again from the segment, and before anything is removed for good
//! the segment itself is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::api::v1alpha1::validate::FLOOR_DAYS;
use crate::audit::event::Event;
use crate::audit::lines::{Line, Lines};
use crate::audit::storage::{Disk, replace};

/// The file of a stream that holds these lines.
pub const SEALED: &str = "sealed.jsonl";

/// So many lines about nothing are left in the file.
const STALE: usize = 64;

/// What is known about a sealed segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The index of its first entry.
    pub first: u64,
    /// The index after its last.
    pub end: u64,
    pub oldest: Timestamp,
    pub newest: Timestamp,
    /// The day before which it may not be removed: the latest of its entries.
    pub retain: Date,
    pub last_event: Event,
    /// Of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in hex.
    pub digest: String,
}

/// What the lines of a segment say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub end: u64,
    pub oldest: Timestamp,
    pub newest: Timestamp,
    pub retain: Date,
    pub last_event: Event,
}

/// Why a segment cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("line {line} is no entry: {reason}")]
    Entry { line: u64, reason: String },
    #[error("it has no entries")]
    Empty,
}

#[derive(Deserialize)]
struct Kept {
    index: u64,
    time: Timestamp,
    event: Event,
    retain: Option<Date>,
}

impl Said {
    /// Reads the lines of the segment that begins with entry `first`, and shows each to `each`.
    pub fn read(first: u64, lines: impl Read, each: &mut dyn FnMut(&[u8])) -> Result<Self, FactsError> {
        let mut lines = Lines::new(lines);
        let mut number = 0;
        let mut said: Option<Self> = None;
        while let Some(line) = lines.next_line()? {
            number += 1;
            let bad = |reason: String| FactsError::Entry { line: number, reason };
            let Line::Whole(line) = line else { return Err(bad("it is torn or too long".to_owned())) };
            let kept: Kept = serde_json::from_slice(line).map_err(|error| bad(error.to_string()))?;
            let expected = said.as_ref().map_or(first, |said| said.end);
            if kept.index != expected {
                return Err(bad(format!("index {} where {expected} belongs", kept.index)));
            }
            each(line);
            let retain = kept.retain.unwrap_or_else(|| floor(kept.time));
            let end = kept.index.saturating_add(1);
            said = Some(match said {
                None => Self { end, oldest: kept.time, newest: kept.time, retain, last_event: kept.event },
                Some(before) => Self {
                    end,
                    oldest: before.oldest.min(kept.time),
                    newest: before.newest.max(kept.time),
                    retain: before.retain.max(retain),
                    last_event: kept.event,
                },
            });
        }
        said.ok_or(FactsError::Empty)
    }

    /// Together with what the file itself is.
    #[must_use]
    pub fn of_file(self, first: u64, bytes: u64, digest: String) -> Facts {
        let Self { end, oldest, newest, retain, last_event } = self;
        Facts { first, end, oldest, newest, retain, last_event, bytes, digest }
    }
}

/// An entry that names no day is kept as long as the law asks of every record; one day more covers every time zone.
fn floor(time: Timestamp) -> Date {
    let day = time.to_zoned(TimeZone::UTC).date();
    day.checked_add((FLOOR_DAYS + 1).days()).unwrap_or(Date::MAX)
}

/// The lines of such a file by the first entry of their segments; those that cannot be understood are passed over.
pub fn read(file: impl Read) -> io::Result<BTreeMap<u64, Facts>> {
    let mut known = BTreeMap::new();
    for line in BufReader::new(file).split(b'\n') {
        let facts = serde_json::from_slice::<Facts>(&line?).ok();
        known.extend(facts.filter(|facts| facts.first < facts.end).map(|facts| (facts.first, facts)));
    }
    Ok(known)
}

/// The lines of one stream, by the first entry of their segments.
#[derive(Debug)]
pub struct Inventory {
    path: PathBuf,
    known: BTreeMap<u64, Facts>,
    /// Lines of the file that are about nothing any more.
    stale: usize,
}

impl Inventory {
    /// Reads what is there; lines that cannot be understood are passed over.
    pub fn open(stream: &Path) -> io::Result<Self> {
        let path = stream.join(SEALED);
        let known = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
            Ok(file) => read(file)?,
        };
        Ok(Self { path, known, stale: 0 })
    }

    #[must_use]
    pub fn get(&self, first: u64) -> Option<&Facts> {
        self.known.get(&first)
    }

    /// All that is known, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Facts> {
        self.known.values()
    }

    /// Adds a line. It need not survive a crash.
    pub fn add(&mut self, facts: Facts) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        let mut line = Vec::new();
        // a crash may have torn the line before
        if !self.known.is_empty() || file.metadata()?.len() > 0 {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, &facts)?;
        line.push(b'\n');
        file.write_all(&line)?;
        self.known.insert(facts.first, facts);
        Ok(())
    }

    /// Forgets what is gone. The file is written anew only when much of it is about that.
    pub fn forget(&mut self, gone: &BTreeSet<u64>) -> io::Result<()> {
        self.known.retain(|first, _| !gone.contains(first));
        self.stale += gone.len();
        if self.stale < STALE.max(self.known.len()) {
            return Ok(());
        }
        let mut lines = Vec::new();
        for facts in self.known.values() {
            serde_json::to_writer(&mut lines, facts)?;
            lines.push(b'\n');
        }
        replace(&Disk, &self.path, &lines)?;
        self.stale = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(index: u64, time: &str, rest: &str) -> String {
        format!("{{\"v\":1,\"stream\":\"s\",\"index\":{index},\"time\":\"{time}\",\"event\":\"call\"{rest}}}\n")
    }

    #[test]
    fn the_latest_day_of_any_entry_counts_and_the_floor_where_none_is_named() {
        let text = [
            line(7, "2026-01-02T00:00:00Z", ",\"retain\":\"2029-01-02\""),
            line(8, "2026-01-01T00:00:00Z", ",\"retain\":\"2026-07-05\""),
            line(9, "2026-01-03T00:00:00Z", ""),
        ];
        let mut seen = 0;
        let said = Said::read(7, text.concat().as_bytes(), &mut |_| seen += 1).unwrap();
        assert_eq!((seen, said.end, said.retain.to_string().as_str()), (3, 10, "2029-01-02"));
        assert_eq!(
            (said.oldest.to_string(), said.newest.to_string()),
            ("2026-01-01T00:00:00Z".into(), "2026-01-03T00:00:00Z".into())
        );
        let said = Said::read(9, text[2].as_bytes(), &mut |_| ()).unwrap();
        assert_eq!(said.retain.to_string(), "2026-07-07");
        for bad in ["", "x\n", text[0].trim_end(), text[1].as_str()] {
            assert!(Said::read(7, bad.as_bytes(), &mut |_| ()).is_err(), "{bad}");
        }
    }

    fn facts(first: u64) -> Facts {
        let time = Timestamp::UNIX_EPOCH;
        let retain = jiff::civil::date(2029, 1, 1);
        let said = Said { end: first + 1, oldest: time, newest: time, retain, last_event: Event::Stop };
        said.of_file(first, 9, "ab".to_owned())
    }

    proptest! {
        #[test]
        fn a_torn_line_costs_only_itself(firsts in prop::collection::btree_set(0_u64..1000, 1..20), cut in 1_usize..80) {
            let folder = tempfile::tempdir().unwrap();
            let mut inventory = Inventory::open(folder.path()).unwrap();
            for first in &firsts {
                inventory.add(facts(*first)).unwrap();
            }
            let text = fs::read(folder.path().join(SEALED)).unwrap();
            fs::write(folder.path().join(SEALED), &text[..text.len() - cut]).unwrap();
            let mut torn = Inventory::open(folder.path()).unwrap();
            prop_assert!(torn.iter().count() >= firsts.len() - 1);
            torn.add(facts(2000)).unwrap();
            let again = Inventory::open(folder.path()).unwrap();
            prop_assert_eq!(again.iter().cloned().collect::<Vec<_>>(), torn.iter().cloned().collect::<Vec<_>>());
            prop_assert_eq!(again.get(2000), Some(&facts(2000)));
            let mut many = Inventory::open(folder.path()).unwrap();
            (3000..3100).for_each(|first| many.add(facts(first)).unwrap());
            many.forget(&(3000..3100).collect()).unwrap();
            let last = Inventory::open(folder.path()).unwrap();
            prop_assert_eq!(last.iter().cloned().collect::<Vec<_>>(), again.iter().cloned().collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'{'), any::<u8>()], 0..200)) {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(SEALED), bytes).unwrap();
            prop_assert!(Inventory::open(folder.path()).is_ok());
        }
    }
}

//! Legal holds as this stream knows them. Beginning and end of each are entries of the record. A hold ends only when
//! its policy is there and does not name it any more: a policy that is gone or cannot be read releases nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Hold, Keeping, UpkeepError, io_error, notes};
use crate::audit::inventory::Facts;
use crate::audit::storage::{Disk, replace};
use crate::audit::writer::Log;

/// The file of a stream that holds them.
const HOLDS: &str = "holds.json";

/// The holds of one stream.
#[derive(Debug)]
pub struct Holds {
    path: PathBuf,
    known: BTreeMap<String, Hold>,
}

impl Holds {
    /// As they were written down.
    ///
    /// # Errors
    /// When the file is there and cannot be read: it might hold something.
    pub fn open(stream: &Path) -> io::Result<Self> {
        let path = stream.join(HOLDS);
        let known = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            other => serde_json::from_slice(&other?)
                .map_err(|error| io::Error::other(format!("{}: {error}; mend or remove it", path.display())))?,
        };
        Ok(Self { path, known })
    }

    /// Takes over what the policies say now.
    pub(super) fn follow(&mut self, log: &Log, keeping: &Keeping, now: Timestamp) -> Result<(), UpkeepError> {
        let mut next = self.known.clone();
        let mut news = Vec::new();
        for (name, hold) in &keeping.holds {
            if self.known.get(name) != Some(hold) {
                news.push(("hold-placed", name, hold));
                next.insert(name.clone(), hold.clone());
            }
        }
        for (name, hold) in &self.known {
            let policy = name.rsplit_once('/').map_or(name.as_str(), |(policy, _)| policy);
            if !keeping.holds.contains_key(name) && keeping.policies.contains(policy) {
                news.push(("hold-lifted", name, hold));
                next.remove(name);
            }
        }
        for (code, name, hold) in &news {
            let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
            let (since, until) = (day(hold.since), day(hold.until));
            let all = [
                ("hold", name.as_str()),
                ("reason", &hold.reason),
                ("decidedBy", &hold.decided_by),
                ("since", &since),
                ("until", &until),
            ];
            let named: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            notes::record(log, keeping, now, code, &named)?;
        }
        if !news.is_empty() {
            write(&self.path, &next).map_err(io_error("write", &self.path))?;
            self.known = next;
        }
        Ok(())
    }

    /// Whether a segment has to stay. Also a hold counts that could not be noted yet.
    pub(super) fn keep(&self, facts: &Facts, keeping: &Keeping) -> bool {
        let zone: &TimeZone = &keeping.time_zone;
        let mut all = self.known.values().chain(keeping.holds.values());
        all.any(|hold| hold.covers(facts.oldest, facts.newest, zone))
    }
}

fn write(path: &Path, holds: &BTreeMap<String, Hold>) -> io::Result<()> {
    replace(&Disk, path, &serde_json::to_vec(holds)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_outlive_the_process_and_what_cannot_be_read_stops_it(
            names in prop::collection::btree_set("[a-z]{1,9}/[a-z]{1,9}/[a-z]{1,9}", 0..5),
            reason in "\\PC{1,20}",
            since in prop::option::of(1_i8..=28),
            cut in 1_usize..30,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let since = since.map(|day| jiff::civil::date(2026, 2, day));
            let hold = Hold { reason, decided_by: "d".to_owned(), since, until: None };
            let known: BTreeMap<String, Hold> = names.into_iter().map(|name| (name, hold.clone())).collect();
            let path = folder.path().join(HOLDS);
            write(&path, &known).unwrap();
            prop_assert_eq!(Holds::open(folder.path()).unwrap().known, known.clone());
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len().saturating_sub(cut)]).unwrap();
            prop_assert!(Holds::open(folder.path()).is_err());
        }
    }
}

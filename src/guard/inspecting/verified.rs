//! The record held against itself and against whoever else keeps its checkpoints, as an auditor does it:
//! the memory of this process, the guard's Lease, and the archives bear witness.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;

use super::InspectError;
use crate::audit::archive::{Archive, Site};
use crate::audit::checkpoint::{CHECKPOINT, Signed};
use crate::audit::query::QueryError;
use crate::audit::upkeep::{Keeping, Wanted};
use crate::audit::verify::{self, Finding, Folder, Known, Piece, Place, Witness};
use crate::audit::{Log, stream_names};
use crate::clock::Stopwatch;

/// All archives together have so long to answer: an inspection waits for nobody.
const PATIENCE: Duration = Duration::from_secs(20);

/// Checkpoints that somebody else keeps; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Witnesses(Arc<Mutex<Vec<Witness>>>);

impl Witnesses {
    /// One more, from here on.
    pub fn add(&self, from: &str, signed: Signed) {
        self.0.lock().push(Witness { from: from.to_owned(), signed });
    }

    /// All there are now: these, what this process has in memory, and what the archives have.
    pub(super) fn all(&self, log: &Log, keeping: Option<&Keeping>) -> Vec<Witness> {
        let mut all = self.0.lock().clone();
        let published = log.published().and_then(|published| published.borrow().clone());
        let signed = published.and_then(|published| Signed::parse(&published.checkpoint).ok());
        all.extend(signed.map(|signed| Witness { from: "the guard's memory".to_owned(), signed }));
        let Some(keeping) = keeping else { return all };
        let ask = |wanted: &Wanted| {
            let (url, name, stream) = (wanted.url.clone(), keeping.site.clone(), log.stream().clone());
            move || of_archive(&Site { archive: Archive::existing(&url).ok()?, name }, &stream)
        };
        // one that does not answer is a trouble of whoever copies there, and no witness now
        all.extend(answers(keeping.archives.iter().map(ask), PATIENCE));
        all
    }
}

/// Asks all of them side by side; what is not answered in time is left alone.
fn answers<T: Send + 'static>(
    asked: impl Iterator<Item = impl FnOnce() -> Option<T> + Send + 'static>,
    patience: Duration,
) -> Vec<T> {
    let (tell, told) = mpsc::channel();
    for (place, ask) in asked.enumerate() {
        let tell = tell.clone();
        // whoever waits for a dead disk waits alone; the other end is gone by then
        std::thread::spawn(move || tell.send((place, ask())));
    }
    drop(tell);
    let since = Stopwatch::start();
    let mut all = BTreeMap::new();
    while let Ok((place, answer)) = told.recv_timeout(patience.saturating_sub(since.elapsed())) {
        all.extend(answer.map(|answer| (place, answer)));
    }
    all.into_values().collect()
}

fn of_archive(site: &Site, stream: &str) -> Option<Witness> {
    let note = site.read(stream, CHECKPOINT).ok()??;
    let signed = Signed::parse(std::str::from_utf8(&note).ok()?).ok()?;
    Some(Witness { from: site.name(), signed })
}

/// What verification finds in the streams of a log, by stream.
///
/// # Errors
/// When the record cannot be read, or `stopping` says so.
pub fn faults(
    folder: &Path,
    witnesses: &[Witness],
    now: Timestamp,
    stopping: &(dyn Fn() -> bool + Sync),
) -> Result<BTreeMap<String, Vec<Finding>>, InspectError> {
    let failed = |source| InspectError::Read(QueryError::Read { path: folder.into(), source });
    let place = Watched { folder: Folder(folder.to_owned()), stopping };
    let known = Known { keys: None, first_keys: &[], witnesses, seen: None, now };
    let mut all = BTreeMap::new();
    for stream in stream_names(folder).map_err(failed)? {
        match verify::verify(&place, &stream, &known, &|_| {}) {
            Ok(verdict) if verdict.findings.is_empty() => {}
            Ok(verdict) => {
                all.insert(stream, verdict.findings);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(InspectError::Stopping),
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(all)
}

/// A log folder that is read no further once it is time to stop.
struct Watched<'a> {
    folder: Folder,
    stopping: &'a (dyn Fn() -> bool + Sync),
}

impl Place for Watched<'_> {
    fn name(&self) -> String {
        self.folder.name()
    }

    fn streams(&self) -> io::Result<Vec<String>> {
        self.folder.streams()
    }

    fn open(&self, stream: &str, file: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        if (self.stopping)() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.folder.open(stream, file)
    }

    fn pieces(&self, stream: &str) -> io::Result<Vec<Piece>> {
        self.folder.pieces(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_waited_for_so_long_and_the_others_are_heard() {
        let (_open, never) = mpsc::channel::<()>();
        let never = Mutex::new(Some(never));
        let ask = |number: u32| {
            let never = never.lock().take_if(|_| number == 1);
            move || match never {
                Some(never) => never.recv().ok().map(|()| number),
                None => Some(number).filter(|number| *number != 2),
            }
        };
        assert_eq!(answers((0..5).map(ask), Duration::from_millis(300)), [0, 3, 4]);
    }
}

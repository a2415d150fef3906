//! Keeping the record over the years: closed segments are sealed, sealed ones copied to the archives, and what has been
//! kept for its time is removed, leaving the hashes that the rest is proved with. A round does what is due at its
//! time; it runs on a thread of its own, is in no writer's way, and whatever breaks it off, the next one goes on.

mod belief;
mod copying;
mod holds;
mod keeping;
mod leaving;
mod notes;
mod removing;
mod report;
mod running;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use self::belief::Belief;
pub use self::holds::Holds;
pub use self::keeping::{Hold, Keeping, Wanted};
pub use self::report::{Report, Standing, Trouble, last_kept};
pub use self::running::Running;

use self::copying::Copied;
use crate::audit::archive::{Archive, ArchiveError, Place};
use crate::audit::inventory::{Facts, Inventory};
use crate::audit::notice::Leaving;
use crate::audit::removed::Removed;
use crate::audit::seal::{self, SealError, Step, Steps};
use crate::audit::segment::{self, ENTRIES, Segment};
use crate::audit::writer::{Log, RecordUnavailable};
use crate::clock::Clock;
use crate::judge::status::Kept;

/// What a round asks before anything else: how the record is to be kept now. `None` while that is not known.
pub type Ask = Box<dyn Fn() -> Option<Keeping> + Send>;

/// How an archive is reached.
pub type Reach = Box<dyn Fn(&Wanted) -> Result<Archive, ArchiveError> + Send>;

/// How hard segments are compressed (zstd): usually; and while another waits behind it. None of the levels between makes
/// entries much smaller than the fastest does: half of what is left of them is hashes, in which the search for matches is
/// in vain.
const LEVEL: i32 = 19;
const HASTY_LEVEL: i32 = 1;

/// Below that many bytes free, copies that the archive has are removed; so much above the reserve that calls go on.
const SHORT_OF_SPACE: u64 = 2 << 30;

/// Why a part of a round was broken off; the next round tries again.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{place} holds other bytes than were put there (sha256 {found}, not {expected}); the local copy is kept")]
    Lies { place: String, found: String, expected: String },
    #[error("{place} is not there any more; the local copy is kept")]
    Lost { place: String },
    #[error("{} is not what was sealed (sha256 {found}, not {expected}); nothing is copied or removed", path.display())]
    Damaged { path: PathBuf, found: String, expected: String },
    #[error("{place}: {reason}; it is left alone")]
    Unfit { place: String, reason: String },
    #[error("the record takes no entry about itself: {0}")]
    Record(#[from] RecordUnavailable),
    #[error(
        "the clock is {ahead} h off from what it should be: nothing is removed until it has gone on like this for a day"
    )]
    Clock { ahead: i64 },
    #[error("broken off: {0}")]
    Step(#[source] io::Error),
}

/// One stream's upkeep.
pub struct Upkeep {
    log: Log,
    clock: Clock,
    stream: PathBuf,
    ask: Ask,
    reach: Reach,
    steps: Arc<dyn Steps>,
    standing: Standing,
    stop: CancellationToken,
    inventory: Inventory,
    removed: Removed,
    holds: Holds,
    belief: Belief,
    copied: Vec<Copied>,
    /// Archives that no policy names any more, as far as this process copied to them: others may lack what they have.
    former: Vec<Copied>,
    /// Segments of which notice was given, by their first entries: the entry that gives it.
    noticed: BTreeMap<(u64, Leaving), u64>,
    /// Sealed segments on this disk.
    here: BTreeSet<u64>,
    /// What was last written for other processes.
    written: Option<Kept>,
}

impl Upkeep {
    /// For the stream that `log` writes below `folder`.
    pub fn open(folder: &Path, log: Log, clock: Clock, ask: Ask) -> io::Result<Self> {
        let stop = CancellationToken::new();
        Self::open_with(folder, log, clock, ask, Arc::new(Unhindered(stop.clone())), stop)
    }

    /// [`Upkeep::open`] with somebody in the way of its steps.
    pub fn open_with(
        folder: &Path,
        log: Log,
        clock: Clock,
        ask: Ask,
        steps: Arc<dyn Steps>,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let stream = folder.join(&**log.stream());
        Ok(Self {
            inventory: Inventory::open(&stream)?,
            removed: Removed::open(&stream)?,
            holds: Holds::open(&stream)?,
            belief: Belief::open(&stream, clock.now(), clock.steady())?,
            copied: Vec::new(),
            former: Vec::new(),
            noticed: BTreeMap::new(),
            here: BTreeSet::new(),
            written: None,
            standing: Standing::default(),
            log,
            clock,
            stream,
            ask,
            reach: Box::new(|wanted| Archive::open(&wanted.url, wanted.lock)),
            steps,
            stop,
        })
    }

    /// Reaches archives in another way than by this process' environment.
    #[must_use]
    pub fn reach_by(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// How the record stands, from now on.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Does everything that is due. What fails is in the report, and hinders nothing else.
    pub fn round(&mut self) {
        let now = self.clock.now();
        let keeping = (self.ask)();
        if let Some(keeping) = &keeping {
            self.log.close_segments_at(keeping.segment_bytes, keeping.segment_age);
        }
        self.log.look();
        let sealed = self.seal_closed();
        self.note("seal", now, sealed);
        if let Some(keeping) = &keeping {
            let held = self.holds.follow(&self.log, keeping, now);
            self.note("hold", now, held);
            self.copy_all(keeping, now);
        }
        // copies may have taken long: what is held by now stays
        let current = (self.ask)().filter(|keeping| self.follows(keeping));
        if let Some(keeping) = &current {
            let removed = self.remove_due(keeping, now);
            // whatever hinders the one, the other goes on
            let made = self.make_room(keeping, now);
            self.note("retention", now, removed.and(made));
        }
        self.report(keeping.as_ref(), now);
    }

    fn seal_closed(&mut self) -> Result<(), UpkeepError> {
        let segments = self.segments()?;
        if seal::waiting(&segments, u64::MAX).next().is_some() {
            self.log.settle();
        }
        // what is sealed is signed to its end: without that it would look as if checkpoints had been taken away
        let waiting: Vec<&Segment> = seal::waiting(&segments, self.log.signed()).collect();
        let mut trouble = None;
        for (place, plain) in waiting.iter().enumerate() {
            let is_last = place + 1 == waiting.len();
            let level = if is_last { LEVEL } else { HASTY_LEVEL };
            match seal::seal(plain, level, &*self.steps) {
                Ok(facts) => {
                    self.here.insert(facts.first);
                    self.know(facts)?;
                    self.standing.change(|report| report.sealed += 1);
                }
                // what one segment holds is no reason to leave the others
                Err(error @ (SealError::Entries { .. } | SealError::Differs { .. })) => {
                    trouble.get_or_insert(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        // sealed by a process that could not note it
        for segment in segments.iter().filter(|segment| segment.form == segment::Form::Sealed) {
            self.here.insert(segment.first);
            if self.inventory.get(segment.first).is_none() {
                match seal::describe(segment.first, &segment.path) {
                    Ok(facts) => self.know(facts)?,
                    Err(error) => {
                        trouble.get_or_insert(error);
                    }
                }
            }
        }
        trouble.map_or(Ok(()), |error| Err(error.into()))
    }

    fn know(&mut self, facts: Facts) -> Result<(), UpkeepError> {
        self.inventory.add(facts).map_err(io_error("write the inventory of", &self.stream))
    }

    fn segments(&self) -> Result<Vec<Segment>, UpkeepError> {
        let folder = self.stream.join(ENTRIES);
        segment::list(&folder).map_err(io_error("list", &folder))
    }

    /// A sealed segment on this disk, if it is there, as its facts say.
    fn local(&self, facts: &Facts) -> Result<Option<bytes::Bytes>, UpkeepError> {
        let path = self.local_path(facts.first);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(io_error("read", &path))?,
        };
        let found = copying::digest(&bytes);
        if found != facts.digest {
            return Err(UpkeepError::Damaged { path, found, expected: facts.digest.clone() });
        }
        Ok(Some(bytes.into()))
    }

    fn local_path(&self, first: u64) -> PathBuf {
        self.stream.join(ENTRIES).join(segment::sealed_name(first))
    }

    fn place<'a>(&'a self, keeping: &'a Keeping) -> Place<'a> {
        Place { site: &keeping.site, stream: self.log.stream() }
    }

    fn step(&self, step: Step) -> Result<(), UpkeepError> {
        self.steps.before(step).map_err(UpkeepError::Step)
    }

    fn note(&self, what: &str, now: Timestamp, result: Result<(), UpkeepError>) {
        // a stop is no trouble
        let trouble = result.err().filter(|_| !self.steps.is_stopping()).map(|error| error.to_string());
        self.standing.trouble(what, now, trouble);
    }

    fn free(&self) -> Option<u64> {
        self.log.storage().free(&self.stream).ok()
    }
}

/// Nobody in the way.
struct Unhindered(CancellationToken);

impl Steps for Unhindered {
    fn is_stopping(&self) -> bool {
        self.0.is_cancelled()
    }
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> UpkeepError {
    let path = path.to_owned();
    move |source| UpkeepError::Io { what, path, source }
}

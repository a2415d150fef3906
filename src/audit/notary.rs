//! The notary of a stream: hashes every entry once it is durable and signs, at least every
//! `checkpointEvery` while entries arrive, at the end of every segment and at every clean stop, how
//! many there are and their root. It has a thread of its own; what it costs the writer is one copy of
//! the bytes. An error from its files ends the log, as an error from the writer's does.

mod book;
mod start;
mod turn;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use crate::audit::checkpoint::{CHECKPOINTS, CheckpointError};
use crate::audit::keys::KeyFileError;
use crate::audit::storage::Storage;
use crate::audit::writer::Failure;
use crate::clock::{Clock, Stopwatch};

pub(super) use start::{Start, signed};

use turn::{Occasion, Turn};

/// Entries are hashed once so many bytes of them wait, or a checkpoint is due.
const PORTION: usize = 1 << 20;
/// With more waiting than this the writer waits for the notary.
const MOST_WAITING: usize = 64 << 20;
/// How often it is looked whether a new key waits, while no entries arrive.
const LOOK: Duration = Duration::from_secs(2);

/// How a stream is notarised.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The folder of the signing keys: the guard's own, never shown or copied.
    pub keys: PathBuf,
    /// `checkpointEvery` of the policy, until [`crate::audit::Log::set_checkpoint_every`] says otherwise.
    pub checkpoint_every: Duration,
}

impl Evidence {
    /// Notarised as a policy that says nothing has it.
    #[must_use]
    pub fn new(keys: &Path) -> Self {
        Self { keys: keys.to_owned(), checkpoint_every: Duration::from_secs(1) }
    }
}

/// Why a stream cannot be notarised any further.
#[derive(Debug, thiserror::Error)]
pub enum NotaryError {
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{}:{line}: {source}; put the intact file back", path.display())]
    Checkpoint { path: PathBuf, line: u64, source: CheckpointError },
    #[error("{} has {found} entries where a checkpoint was signed for {signed}: entries are missing; put them back, or start with an empty log folder", stream.display())]
    Missing { stream: PathBuf, signed: u64, found: u64 },
    #[error("the entries of {} are not those that checkpoint {number} was signed for: run 'datashare audit verify', and put the intact files back", stream.display())]
    Changed { stream: PathBuf, number: u64 },
    #[error("{}:{line}: not the entry that belongs here; run 'datashare audit verify'", path.display())]
    Entry { path: PathBuf, line: u64 },
    #[error("the key that signs for {origin} is not in {}: put it back, or move the stream's folder away for a new stream to begin", keys.display())]
    NoKey { origin: String, keys: PathBuf },
}

impl NotaryError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// What of a record is for others to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The newest checkpoint, as a note.
    pub checkpoint: String,
    /// The stream's public keys, oldest first, a line each.
    pub keys: String,
}

/// What the writer, the notary's thread and the log's owner share.
pub(super) struct Notary {
    inner: Mutex<Inner>,
    /// There is something to do.
    work: Condvar,
    /// Something was done.
    done: Condvar,
    published: watch::Sender<Option<Arc<Published>>>,
    every: Mutex<Duration>,
    /// Since when there are entries that no checkpoint covers.
    unsigned: Mutex<Option<Stopwatch>>,
}

#[derive(Default)]
struct Inner {
    /// Durable entries that are not hashed yet.
    bytes: Vec<u8>,
    /// Where in them a segment ended.
    ends: Vec<usize>,
    site: Option<String>,
    /// So many ask for a checkpoint, not only that all be hashed.
    signs: u32,
    asked: u64,
    answered: u64,
    closing: bool,
    /// The log has failed: nothing more is signed.
    abandoned: bool,
    ended: bool,
}

/// What the thread woke up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Call {
    sign: Option<Occasion>,
    abandoned: bool,
    close: bool,
    asked: u64,
}

/// What the notary may ask of the log.
pub(super) trait Desk: Send {
    /// Ends the log.
    fn fail(&self, failure: Failure);
    /// Whether it has ended: the disk is asked for nothing more.
    fn has_failed(&self) -> bool;
    /// Returns once all that was handed over is in its segment for good: what is signed must be found there.
    fn settle(&self) -> Result<(), Failure>;
    /// Records that this key takes over; the index of that entry, or nothing while none is taken.
    fn record_key(&self, vkey: &str) -> Option<u64>;
}

impl Notary {
    /// Starts the thread.
    pub fn begin(
        start: Start,
        evidence: &Evidence,
        storage: Arc<dyn Storage>,
        clock: Clock,
        desk: impl Desk + 'static,
    ) -> std::io::Result<(Arc<Self>, JoinHandle<()>)> {
        let published = start.published().map(Arc::new);
        let notary = Arc::new(Self {
            inner: Mutex::new(Inner::default()),
            work: Condvar::new(),
            done: Condvar::new(),
            published: watch::Sender::new(published),
            every: Mutex::new(evidence.checkpoint_every),
            unsigned: Mutex::default(),
        });
        let ended = Ended { notary: notary.clone(), desk, well: false };
        let thread = std::thread::Builder::new().name("notary".to_owned()).spawn(move || {
            // whole, not field by field
            let mut ended = ended;
            if let Err(failure) = ended.notary.run(Turn::new(start, storage, clock), &ended.desk) {
                ended.desk.fail(failure);
            }
            ended.well = true;
        })?;
        Ok((notary, thread))
    }

    /// Takes over entries that are durable. Waits only if the notary is far behind.
    pub fn take(&self, entries: &[u8]) {
        let mut inner = self.inner.lock();
        while inner.bytes.len() > MOST_WAITING && !inner.ended {
            self.done.wait(&mut inner);
        }
        let before = inner.bytes.len();
        inner.bytes.extend_from_slice(entries);
        self.unsigned.lock().get_or_insert_with(Stopwatch::start);
        // at most two wakes for a portion, however many batches it has
        if before == 0 || (before < PORTION && inner.bytes.len() >= PORTION) {
            self.work.notify_one();
        }
    }

    /// The segment ends with the last entry that was taken over.
    pub fn end_segment(&self) {
        let mut inner = self.inner.lock();
        let end = inner.bytes.len();
        inner.ends.push(end);
        self.work.notify_one();
    }

    /// Says whose log it is; only a stream without a checkpoint needs to know.
    pub fn set_site(&self, site: &str) {
        self.inner.lock().site = Some(site.to_owned());
        self.work.notify_one();
    }

    /// Changes how often a checkpoint is due.
    pub fn set_every(&self, every: Duration) {
        if std::mem::replace(&mut *self.every.lock(), every) != every {
            self.work.notify_one();
        }
    }

    /// What is for others to keep, now and whenever there is a newer checkpoint.
    pub fn published(&self) -> watch::Receiver<Option<Arc<Published>>> {
        self.published.subscribe()
    }

    /// How long entries have waited for a checkpoint; nothing while all are covered.
    pub fn unsigned_for(&self) -> Option<Duration> {
        self.unsigned.lock().map(|since| since.elapsed())
    }

    /// Makes a checkpoint of all entries taken over so far, and returns when it is on disk, or cannot be had.
    pub fn checkpoint_now(&self) {
        self.ask(true);
    }

    /// Returns when all that was taken over is hashed, and what is due at the end of a segment is signed.
    pub fn settle(&self) {
        self.ask(false);
    }

    fn ask(&self, sign: bool) {
        let mut inner = self.inner.lock();
        inner.signs = inner.signs.saturating_add(sign.into());
        inner.asked += 1;
        let mine = inner.asked;
        self.work.notify_one();
        while inner.answered < mine && !inner.ended {
            self.done.wait(&mut inner);
        }
    }

    /// Lets the thread end without asking the disk for anything more.
    pub fn abandon(&self) {
        let mut inner = self.inner.lock();
        (inner.closing, inner.abandoned) = (true, true);
        self.work.notify_one();
    }

    /// Lets the thread make its last checkpoint and end.
    pub fn close(&self) {
        self.inner.lock().closing = true;
        self.work.notify_one();
    }

    fn run(&self, mut turn: Turn, desk: &dyn Desk) -> Result<(), Failure> {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        let mut since: Option<Stopwatch> = None;
        loop {
            let call = self.wait(&mut bytes, &mut ends, &mut since);
            let mut hashed = 0;
            for end in ends.drain(..) {
                turn.hash(bytes.get(hashed..end).unwrap_or_default());
                hashed = end;
                if !call.abandoned && !desk.has_failed() {
                    self.sign(&mut turn, desk, Occasion::SegmentEnd)?;
                }
            }
            turn.hash(bytes.get(hashed..).unwrap_or_default());
            bytes.clear();
            if call.sign.is_some() {
                since = None;
            }
            if let Some(occasion) = call.sign.filter(|_| !desk.has_failed()) {
                self.sign(&mut turn, desk, occasion)?;
                if !turn.is_nameless() {
                    let inner = self.inner.lock();
                    *self.unsigned.lock() = (!inner.bytes.is_empty()).then(Stopwatch::start);
                }
            }
            let mut inner = self.inner.lock();
            inner.answered = inner.answered.max(call.asked);
            drop(inner);
            self.done.notify_all();
            if call.close {
                return Ok(());
            }
        }
    }

    fn sign(&self, turn: &mut Turn, desk: &dyn Desk, occasion: Occasion) -> Result<(), Failure> {
        if turn.is_nameless() {
            let site = self.inner.lock().site.clone();
            turn.name(site.as_deref())?;
        }
        if let Some(published) = turn.sign(desk, occasion)? {
            self.published.send_replace(Some(Arc::new(published)));
        }
        Ok(())
    }

    /// Waits for something to do; `bytes` gets what is to be hashed, in exchange for its memory, and `ends` where in it
    /// segments ended.
    fn wait(&self, bytes: &mut Vec<u8>, ends: &mut Vec<usize>, since: &mut Option<Stopwatch>) -> Call {
        let mut inner = self.inner.lock();
        let mut is_time = false;
        loop {
            let asked = inner.asked > inner.answered;
            let every = *self.every.lock();
            if since.is_none() && !inner.bytes.is_empty() {
                *since = Some(Stopwatch::start());
            }
            let left = since.map(|since| every.saturating_sub(since.elapsed()));
            let due = left.is_some_and(|left| left.is_zero());
            let abandoned = inner.abandoned;
            if inner.closing || asked || due || !inner.ends.is_empty() || inner.bytes.len() >= PORTION {
                std::mem::swap(bytes, &mut inner.bytes);
                std::mem::swap(ends, &mut inner.ends);
                let occasion = match (inner.closing, std::mem::take(&mut inner.signs) > 0) {
                    (true, _) => Some(Occasion::Stop),
                    (false, true) => Some(Occasion::Asked),
                    (false, false) => due.then_some(Occasion::Due),
                };
                let sign = occasion.filter(|_| !abandoned);
                return Call { sign, abandoned, close: inner.closing, asked: inner.asked };
            }
            if is_time && left.is_none() {
                return Call { sign: Some(Occasion::Due), abandoned, close: false, asked: inner.asked };
            }
            // somebody may have come at that instant: all of the above is looked at once more
            is_time = self.work.wait_for(&mut inner, left.unwrap_or(LOOK)).timed_out();
        }
    }
}

/// Nobody may wait for a thread that is gone, and nobody may record what it does not sign.
struct Ended<D: Desk> {
    notary: Arc<Notary>,
    desk: D,
    well: bool,
}

impl<D: Desk> Drop for Ended<D> {
    fn drop(&mut self) {
        if !self.well {
            self.desk.fail(Failure::new("go on signing", Path::new(CHECKPOINTS), "the notary ended"));
        }
        self.notary.inner.lock().ended = true;
        self.notary.done.notify_all();
    }
}

impl std::fmt::Debug for Notary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notary").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_at_the_instant_at_which_a_wait_ends_is_heard() {
        let notary = Arc::new(Notary {
            inner: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
            published: watch::Sender::new(None),
            every: Mutex::new(LOOK * 10),
            unsigned: Mutex::default(),
        });
        let waits = notary.clone();
        let waiting = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let call = waits.wait(&mut bytes, &mut Vec::new(), &mut None);
            (bytes, call)
        });
        std::thread::sleep(LOOK / 2);
        let mut inner = notary.inner.lock();
        // the wait ends, and its thread comes for the lock
        std::thread::sleep(LOOK);
        inner.bytes.extend_from_slice(b"an entry\n");
        (inner.asked, inner.signs) = (1, 1);
        drop(inner);
        let (bytes, call) = waiting.join().unwrap();
        assert_eq!((bytes.as_slice(), call.asked), (&b"an entry\n"[..], 1));
        assert_eq!(call.sign, Some(Occasion::Asked));
    }
}

//! The one writer of a stream. Callers hand in entries and wait; a thread of its own takes all that
//! wait, writes them with one call and syncs once, and only then gives each caller its [`Receipt`].
//! Any error from the disk ends the log for good: nobody after it gets a receipt, and the disk is
//! not asked again.

mod committer;
mod crew;
mod current;
mod error;
mod gather;
mod pending;
mod queue;
mod relay;

use std::cell::Cell;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::task::Waker;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::SignedDuration;
use parking_lot::Mutex;
use tokio::sync::watch;

pub use self::error::{Failure, LogError, RecordUnavailable};
pub use self::pending::{Pending, Receipt, own_waker};
pub use self::relay::Relay;

use self::committer::Committer;
use self::crew::Crew;
use self::queue::{Kind, Shared};
use crate::audit::checkpoint::Signed;
use crate::audit::entry::Entry;
use crate::audit::event::Event;
use crate::audit::journal::{JOURNAL, Journal};
use crate::audit::notary::{self, Desk, Evidence, Notary, Published, Start};
use crate::audit::recovery::{self, Newest, Recovery};
use crate::audit::segment;
use crate::audit::storage::{Disk, Storage};
use crate::audit::stream::Stream;
use crate::clock::Clock;

/// How a log is kept; the defaults are those of an `AuditPolicy` that says nothing.
#[derive(Clone, Debug)]
pub struct Options {
    /// The stream's name; without one the stream that is there, or a new one.
    pub stream: Option<String>,
    /// Whose stream it is, if none is named: a new one has this name and a random end, so that it never has the name of
    /// one that a lost disk had.
    pub owner: Option<String>,
    /// `seal.maxBytes`: a segment that would grow beyond it is followed by a new one.
    pub max_segment_bytes: u64,
    /// `seal.maxAge`: a segment whose first entry is older is followed by a new one.
    pub max_segment_age: SignedDuration,
    /// Entries that may wait for the disk; one more is refused at once.
    pub max_queued_entries: usize,
    /// Bytes that may wait for the disk.
    pub max_queued_bytes: usize,
    /// With less free space than this, calls are refused before the disk is full.
    pub reserve_bytes: u64,
    /// Signs what was recorded; without it the stream proves nothing.
    pub evidence: Option<Evidence>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            stream: None,
            owner: None,
            max_segment_bytes: 64 << 20,
            max_segment_age: SignedDuration::from_hours(1),
            max_queued_entries: 65_536,
            max_queued_bytes: 16 << 20,
            reserve_bytes: 256 << 20,
            evidence: None,
        }
    }
}

/// An open stream. Clones write the same one; the last clone that goes without [`Log::close`] leaves
/// a stream that says so at its next start.
#[derive(Clone, Debug)]
pub struct Log(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    notary: Option<Arc<Notary>>,
}

impl Log {
    /// Opens the stream below `log`, mends what a crash left, and records the start.
    pub fn open(log: &Path, options: &Options, clock: Clock) -> Result<(Self, Recovery), LogError> {
        Self::open_on(Arc::new(Disk), log, options, clock)
    }

    /// [`Log::open`] on another kind of disk.
    pub fn open_on(
        storage: Arc<dyn Storage>,
        log: &Path,
        options: &Options,
        clock: Clock,
    ) -> Result<(Self, Recovery), LogError> {
        let stream = Stream::take(log, options.stream.as_deref(), options.owner.as_deref())?;
        let folder = stream.entries.parent().unwrap_or(log);
        // before anything is cut
        let signed = if options.evidence.is_some() { notary::signed(folder)? } else { 0 };
        let (recovery, newest) = recovery::recover(&stream.name, &stream.entries, signed)?;
        let start =
            options.evidence.as_ref().map(|evidence| Start::read(evidence, &stream.name, folder)).transpose()?;
        let is_there = newest.is_some();
        let newest = newest.unwrap_or(Newest { first: recovery.entries, bytes: 0, since: None });
        let path = stream.entries.join(segment::file_name(newest.first));
        let file = if is_there { storage.resume(&path) } else { storage.create(&path) };
        let file = file.map_err(LogError::io("open", &path))?;
        let journal = folder.join(JOURNAL);
        let journal = Journal::open(&*storage, &journal).map_err(LogError::io("open", &journal))?;

        let shared = Arc::new(Shared::new(&stream, recovery.entries, options, clock.clone(), storage.clone()));
        let notary = start
            .zip(options.evidence.as_ref())
            .map(|(start, evidence)| Notary::begin(start, evidence, storage, clock, Counter(shared.clone())));
        let office = notary.transpose().map_err(LogError::io("start a thread for", log))?;
        let notary = office.as_ref().map(|(notary, _)| notary.clone());
        shared.current.set(file.clone(), &path);
        let committer = Committer::new(shared.clone(), stream, file, path, &newest, journal, office);
        let thread = std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || committer.run())
            .map_err(LogError::io("start a thread for", log))?;
        let log = Self(Arc::new(Handle { shared, thread: Mutex::new(Some(thread)), notary }));

        let mut start = Entry::<&str>::new(Event::Start);
        start.code = Some(recovery.restart.as_str());
        start.bytes = recovery.cut.as_ref().map(|cut| cut.bytes);
        match log.push(&start, Kind::Own, None).wait() {
            Ok(_) => Ok((log, recovery)),
            Err(reason) => {
                // its thread lets the stream go before anybody tries again
                let _ = log.close();
                Err(LogError::Start { reason, failure: log.failure() })
            }
        }
    }

    /// Records an entry. It is queued when this returns; the future gives the receipt once it is
    /// durable. Dropping the future only gives up the receipt. Works on any runtime, and on none.
    pub fn append<S: AsRef<str>>(&self, entry: &Entry<'_, S>) -> Pending {
        self.push(entry, Kind::Call, None)
    }

    /// [`Log::append`] for a task that waits for the entry at once: asking for it and waiting for it take one look at the
    /// queue instead of two, the second of which met the writer waking up. [`own_waker`] is the task's. Another task may still be the one that waits.
    pub fn append_for<S: AsRef<str>>(&self, entry: &Entry<'_, S>, waker: &Waker) -> Pending {
        self.push(entry, Kind::Call, Some(waker))
    }

    /// Records an entry and waits for it on this thread.
    pub fn append_blocking<S: AsRef<str>>(&self, entry: &Entry<'_, S>) -> Result<Receipt, RecordUnavailable> {
        self.push(entry, Kind::Call, None).wait()
    }

    /// Has the one thread of a runtime, from which callers come, say when it works and when it rests, as long as there is
    /// that runtime: while such a thread is at work a batch waits for company, and when all of them rest, for want of
    /// anything to do, nobody comes soon. A writer that sleeps hears of entries for tasks of this thread
    /// ([`Log::append_for`]) when it rests, or the next entry comes 0.4 ms after the first.
    pub fn watch_thread(&self, runtime: &mut tokio::runtime::Builder) {
        let crew = Arc::new(Crew::new(self.0.shared.clone()));
        let rests = crew.clone();
        runtime.on_thread_park(move || rests.rests()).on_thread_unpark(move || crew.works());
    }

    /// Says whose log it is. A stream without a checkpoint has none before this is known.
    pub fn set_site(&self, site: &str) {
        if let Some(notary) = &self.0.notary {
            notary.set_site(site);
        }
    }

    /// Changes how often a checkpoint is made while entries arrive.
    pub fn set_checkpoint_every(&self, every: Duration) {
        if let Some(notary) = &self.0.notary {
            notary.set_every(every);
        }
    }

    /// The newest checkpoint with the public keys, now and whenever there is a newer one; none without evidence.
    #[must_use]
    pub fn published(&self) -> Option<watch::Receiver<Option<Arc<Published>>>> {
        self.0.notary.as_ref().map(|notary| notary.published())
    }

    /// How many entries the newest checkpoint covers: all that are called durable, where nothing is signed at all.
    #[must_use]
    pub fn signed(&self) -> u64 {
        let Some(published) = self.published() else { return u64::MAX };
        let newest = published.borrow().clone();
        newest.and_then(|newest| Signed::parse(&newest.checkpoint).ok()).map_or(0, |signed| signed.checkpoint.size)
    }

    /// How long entries have waited for a checkpoint; nothing while all are covered, or without evidence.
    #[must_use]
    pub fn unsigned_for(&self) -> Option<std::time::Duration> {
        self.0.notary.as_ref()?.unsigned_for()
    }

    /// With less free space than this, calls are refused.
    #[must_use]
    pub fn reserve_bytes(&self) -> u64 {
        self.0.shared.reserve
    }

    /// Makes a checkpoint of everything recorded so far; returns when it is on disk, or the log has failed.
    pub fn checkpoint_now(&self) {
        if let Some(notary) = &self.0.notary {
            notary.checkpoint_now();
        }
    }

    /// Returns when the end of every closed segment has its checkpoint, as far as it can be had.
    pub fn settle(&self) {
        if let Some(notary) = &self.0.notary {
            notary.settle();
        }
    }

    /// Records the stop as the last entry of all, and returns when everything is durable and the
    /// writer has ended. Entries that come later are refused.
    pub fn close(&self) -> Result<Receipt, RecordUnavailable> {
        let receipt = self.push(&Entry::<&str>::new(Event::Stop), Kind::Last, None).wait();
        if receipt.is_err() {
            // it was not the writer that failed, and nobody else tells it to end
            self.0.shared.abandon();
        }
        if let Some(thread) = self.0.thread.lock().take() {
            // a panic of the writer has already failed the log
            let _ = thread.join();
        }
        receipt
    }

    /// A task that makes waking cheap: spawn it once on the runtime whose tasks append.
    pub fn relay(&self) -> Relay {
        Relay::new(&self.0.shared)
    }

    /// Records an entry about the record itself, for which the disk's reserve is kept, and waits for it.
    pub fn append_own<S: AsRef<str>>(&self, entry: &Entry<'_, S>) -> Result<Receipt, RecordUnavailable> {
        self.push(entry, Kind::Own, None).wait()
    }

    /// From now on segments are closed at this size and age.
    pub fn close_segments_at(&self, bytes: u64, age: SignedDuration) {
        self.0.shared.current.end_at(bytes, age);
    }

    /// Has the writer close its segment, unless that is empty.
    pub fn close_segment(&self) {
        self.0.shared.current.end_now();
        self.0.shared.look();
    }

    /// Has the writer close its segment if that is old enough, also when nothing is written.
    pub fn look(&self) {
        self.0.shared.look();
    }

    /// The disk that the stream lies on.
    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.0.shared.storage
    }

    /// The stream's name.
    #[must_use]
    pub fn stream(&self) -> &Arc<str> {
        &self.0.shared.stream
    }

    /// Why the log failed, if it has.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.0.shared.failure.borrow().clone()
    }

    /// Whether the log has failed: one look, for whoever asks per call.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.0.shared.has_failed()
    }

    /// Resolves when the log has failed: the process then has to end with an error.
    pub fn failed(&self) -> impl Future<Output = Failure> + Send + use<> {
        let mut failure = self.0.shared.failure.subscribe();
        async move {
            let failure = failure.wait_for(Option::is_some).await.ok().and_then(|failure| failure.clone());
            match failure {
                Some(failure) => failure,
                // the log went away in good order, and will not fail any more
                None => std::future::pending().await,
            }
        }
    }

    fn push<S: AsRef<str>>(&self, entry: &Entry<'_, S>, kind: Kind, waker: Option<&Waker>) -> Pending {
        thread_local! {
            static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
        }
        let mut scratch = SCRATCH.take();
        scratch.clear();
        entry.encode(&mut scratch);
        let shared = &self.0.shared;
        let pending = Pending::new(shared, shared.push(&scratch, kind, waker), waker);
        // one huge entry must not hold its memory for ever
        if scratch.capacity() <= 64 << 10 {
            SCRATCH.set(scratch);
        }
        pending
    }
}

/// Where the notary turns to the log it is a part of.
struct Counter(Arc<Shared>);

impl Desk for Counter {
    fn fail(&self, failure: Failure) {
        self.0.fail(failure);
    }

    fn has_failed(&self) -> bool {
        self.0.has_failed()
    }

    fn settle(&self) -> Result<(), Failure> {
        self.0.settle()
    }

    fn record_key(&self, vkey: &str) -> Option<u64> {
        let mut tail = Vec::new();
        Entry::<&str> { code: Some(vkey), ..Entry::new(Event::Key) }.encode(&mut tail);
        self.0.push(&tail, Kind::Own, None).ok()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

//! What callers and the writer share: the entries that wait, who waits for them, and how far the
//! disk has come. One short lock per entry and two per batch; memory is reused from batch to batch.

use std::fmt;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::watch;

use crate::audit::FORMAT;
use crate::audit::encode::{self, Stamp};
use crate::audit::segment::MAX_LINE;
use crate::audit::storage::Storage;
use crate::audit::stream::Stream;
use crate::audit::writer::Options;
use crate::audit::writer::crew;
use crate::audit::writer::current::Current;
use crate::audit::writer::error::{Failure, RecordUnavailable};
use crate::audit::writer::gather::PATIENT;
use crate::audit::writer::relay::Hatch;
use crate::clock::{Clock, apart};

/// How long a disk found nearly full is left before it is asked again.
pub(super) const SPACE_INTERVAL: SignedDuration = SignedDuration::from_secs(1);

/// Room for what the writer adds to an entry, stream name and numbers at their longest.
const HEAD_ROOM: usize = 192;

/// How long upkeep waits for the writer to look; a disk that takes longer has other troubles.
const LOOK: Duration = Duration::from_secs(2);

/// Whose entry it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A call's: refused when the disk or the queue is full.
    Call,
    /// The writer's own: what the reserve is kept for.
    Own,
    /// The writer's own, and nothing after it.
    Last,
}

/// Entries handed to the writer together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub bytes: Vec<u8>,
    pub first: u64,
    pub entries: usize,
    /// The time of its first entry.
    pub time: Timestamp,
}

pub(super) struct Shared {
    pub stream: Arc<str>,
    pub clock: Clock,
    pub storage: Arc<dyn Storage>,
    pub failure: watch::Sender<Option<Failure>>,
    pub hatch: Hatch,
    pub current: Current,
    entries: PathBuf,
    prefix: Vec<u8>,
    max_entries: usize,
    max_bytes: usize,
    pub reserve: u64,
    /// Entries below this index are on disk.
    durable: AtomicU64,
    /// Nothing more will be on disk. Set while the queue is locked; read without.
    failed: AtomicBool,
    /// Threads that callers come from, and how many of them are at work now.
    crews: AtomicUsize,
    busy: AtomicUsize,
    queue: Mutex<Queue>,
    work: Condvar,
    /// A batch is on disk or was looked at, or none will be: for those who wait on a thread of their own.
    settled: Condvar,
}

#[derive(Debug)]
struct Queue {
    stamp: Stamp,
    filling: Batch,
    waiting: Waiters,
    syncing: Waiters,
    next: u64,
    /// The writer sleeps until this many entries wait.
    wake_at: Option<usize>,
    /// It sleeps and knows of none.
    idle: bool,
    disk_low: bool,
    disk_checked: Timestamp,
    closing: bool,
    /// How often the writer was asked to see whether its segment is old enough, has heard it, and has seen.
    looks: u64,
    heard: u64,
    seen: u64,
}

/// Who waits for the entries from `first` on.
#[derive(Debug, Default)]
struct Waiters {
    first: u64,
    wakers: Vec<Option<Waker>>,
}

impl Shared {
    pub fn new(stream: &Stream, next: u64, options: &Options, clock: Clock, storage: Arc<dyn Storage>) -> Self {
        let now = clock.now();
        let waiters = || Waiters { first: next, wakers: Vec::new() };
        let free = storage.free(&stream.entries).unwrap_or(0);
        Self {
            prefix: format!("{{\"v\":{FORMAT},\"stream\":\"{}\",\"index\":", stream.name).into_bytes(),
            stream: stream.name.clone(),
            storage,
            failure: watch::Sender::new(None),
            hatch: Hatch::default(),
            current: Current::new(options),
            entries: stream.entries.clone(),
            max_entries: options.max_queued_entries,
            max_bytes: options.max_queued_bytes,
            reserve: options.reserve_bytes,
            durable: AtomicU64::new(next),
            failed: AtomicBool::new(false),
            crews: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            queue: Mutex::new(Queue {
                stamp: Stamp::default(),
                filling: Batch { first: next, ..Batch::default() },
                waiting: waiters(),
                syncing: waiters(),
                next,
                wake_at: None,
                idle: false,
                disk_low: free < options.reserve_bytes,
                disk_checked: now,
                closing: false,
                looks: 0,
                heard: 0,
                seen: 0,
            }),
            work: Condvar::new(),
            settled: Condvar::new(),
            clock,
        }
    }

    /// Queues the part of an entry that its caller wrote; gives its index. `waker`, if there is one, is woken when it is
    /// decided whether the entry is on disk.
    pub fn push(&self, tail: &[u8], kind: Kind, waker: Option<&Waker>) -> Result<u64, RecordUnavailable> {
        if tail.len() + HEAD_ROOM > MAX_LINE {
            return Err(RecordUnavailable::TooLong);
        }
        let mut queue = self.queue.lock();
        // the time is taken in the order of the indexes
        let now = self.clock.now();
        if kind == Kind::Call && queue.disk_low && apart(now, queue.disk_checked) >= SPACE_INTERVAL {
            queue.disk_checked = now;
            let low = MutexGuard::unlocked(&mut queue, || self.disk_is_low());
            queue.disk_low = low;
        }
        if self.has_failed() {
            return Err(RecordUnavailable::Failed);
        }
        queue.admits(kind)?;
        let bytes = queue.filling.bytes.len() + tail.len() + HEAD_ROOM;
        if kind == Kind::Call && (queue.filling.entries >= self.max_entries || bytes > self.max_bytes) {
            return Err(RecordUnavailable::Busy);
        }
        let index = queue.add(&self.prefix, tail, now);
        if let Some(waker) = waker {
            queue.waiting.register(index, waker);
        }
        queue.closing = kind == Kind::Last;
        let enough = queue.wake_at.is_some_and(|entries| queue.filling.entries >= entries);
        let is_time = queue.closing || enough || (queue.idle && !self.is_left_asleep(&queue, now, waker));
        self.wake_writer(queue, is_time);
        Ok(index)
    }

    /// Whether the writer is left asleep for now: a task that waits lets its thread go on, which says when it has nothing
    /// more to do, and others may have come by then. Not for long.
    fn is_left_asleep(&self, queue: &Queue, now: Timestamp, waker: Option<&Waker>) -> bool {
        waker.is_some() && crew::will_tell(self) && apart(now, queue.filling.time).unsigned_abs() < PATIENT
    }

    /// Whether entry `index` is on disk.
    pub fn is_durable(&self, index: u64) -> bool {
        index < self.durable.load(Ordering::Acquire)
    }

    /// Whether entry `index` is on disk; wakes `waker` when that is decided.
    pub fn poll_durable(&self, index: u64, waker: &Waker) -> Poll<Result<(), RecordUnavailable>> {
        if self.is_durable(index) {
            return Poll::Ready(Ok(()));
        }
        let mut queue = self.queue.lock();
        if self.is_durable(index) {
            return Poll::Ready(Ok(()));
        }
        if self.has_failed() {
            return Poll::Ready(Err(RecordUnavailable::Failed));
        }
        let here = index >= queue.waiting.first;
        let waiters = if here { &mut queue.waiting } else { &mut queue.syncing };
        waiters.register(index, waker);
        Poll::Pending
    }

    /// Waits on this thread until that is decided. Not by a waker: that may be left to a [relay](super::relay), whose
    /// runtime is perhaps the one that this thread would drive.
    pub fn wait_durable(&self, index: u64) -> Result<(), RecordUnavailable> {
        let mut queue = self.queue.lock();
        while !self.is_durable(index) {
            if self.has_failed() {
                return Err(RecordUnavailable::Failed);
            }
            self.settled.wait(&mut queue);
        }
        Ok(())
    }

    /// Waits for entries and puts them into `batch`, in exchange for its memory. `false` when there will be none. A batch
    /// without entries asks to look at the segment's age.
    ///
    /// Once there is one it waits, not for long, until there are as many as are expected; or half of them, when all threads
    /// that callers come from rest.
    pub fn take(&self, batch: &mut Batch, (expected, longest): (usize, Duration)) -> bool {
        let crews = self.has_crews();
        let mut queue = self.queue.lock();
        while queue.filling.entries == 0 && !queue.closing && queue.looks == queue.heard {
            (queue.wake_at, queue.idle) = (Some(expected.max(1)), true);
            self.work.wait(&mut queue);
        }
        queue.idle = false;
        let rest = crews && self.busy.load(Ordering::SeqCst) == 0;
        if !longest.is_zero() && !is_enough(queue.filling.entries, expected, rest) && !queue.closing {
            queue.wake_at = Some(expected);
            self.work.wait_for(&mut queue, longest);
        }
        queue.wake_at = None;
        batch.clear();
        mem::swap(batch, &mut queue.filling);
        queue.filling.first = queue.next;
        let queue = &mut *queue;
        mem::swap(&mut queue.waiting, &mut queue.syncing);
        queue.waiting.first = queue.next;
        let asked = queue.looks != queue.heard;
        queue.heard = queue.looks;
        batch.entries > 0 || asked
    }

    /// Whether those that callers come from say when they rest.
    pub fn has_crews(&self) -> bool {
        self.crews.load(Ordering::SeqCst) > 0
    }

    /// There is one more thread that callers come from, at work.
    pub fn crew_comes(&self) {
        self.crews.fetch_add(1, Ordering::SeqCst);
        self.crew_works();
    }

    /// There is one less.
    pub fn crew_goes(&self) {
        self.crew_rests();
        self.crews.fetch_sub(1, Ordering::SeqCst);
    }

    /// One of these threads goes to work.
    pub fn crew_works(&self) {
        self.busy.fetch_add(1, Ordering::SeqCst);
    }

    /// One of them rests, for want of anything to do.
    pub fn crew_rests(&self) {
        let all_rest = self.busy.fetch_sub(1, Ordering::SeqCst) <= 1;
        let queue = self.queue.lock();
        let entries = queue.filling.entries;
        let enough = queue.wake_at.is_some_and(|expected| is_enough(entries, expected, all_rest));
        let is_time = entries > 0 && (queue.idle || enough);
        self.wake_writer(queue, is_time);
    }

    /// Lets the queue go and, if it is time, wakes the writer. In this order: a thread that is woken while the lock is
    /// held is at times handed the lock, and the caller's next entry waits until that thread runs.
    fn wake_writer(&self, mut queue: MutexGuard<'_, Queue>, is_time: bool) {
        if is_time {
            (queue.wake_at, queue.idle) = (None, false);
            drop(queue);
            self.work.notify_one();
        }
    }

    /// Has the writer look at its segment's age, and returns when it has, or will not in good time.
    pub fn look(&self) {
        let mut queue = self.queue.lock();
        queue.looks += 1;
        let mine = queue.looks;
        self.work.notify_one();
        while queue.seen < mine && !queue.closing && !self.has_failed() {
            if self.settled.wait_for(&mut queue, LOOK).timed_out() {
                break;
            }
        }
    }

    /// Declares the batch last taken durable, and wakes its callers. `wakers` is memory to work in.
    pub fn done(&self, batch: &Batch, wakers: &mut Vec<Option<Waker>>) {
        let mut queue = self.queue.lock();
        self.durable.store(batch.first + batch.entries as u64, Ordering::Release);
        mem::swap(&mut queue.syncing.wakers, wakers);
        queue.seen = queue.heard;
        drop(queue);
        self.settled.notify_all();
        self.hatch.wake(wakers);
    }

    /// Ends the log: whoever waits, and whoever comes, is refused. Only the first failure counts.
    pub fn fail(&self, failure: Failure) {
        let mut queue = self.queue.lock();
        self.failed.store(true, Ordering::Release);
        let mut wakers = mem::take(&mut queue.syncing.wakers);
        wakers.append(&mut queue.waiting.wakers);
        queue.filling.clear();
        drop(queue);
        self.settled.notify_all();
        self.failure.send_if_modified(|known| {
            let first = known.is_none();
            known.get_or_insert(failure);
            first
        });
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Whether the log has failed.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Returns once everything acknowledged so far is in its segment for good, not only in the journal; or why nothing
    /// more is.
    pub fn settle(&self) -> Result<(), Failure> {
        self.current.sync()?;
        // a disk that failed the writer meanwhile is asked for nothing more
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    /// Lets the writer end once it has written what waits.
    pub fn abandon(&self) {
        self.queue.lock().closing = true;
        self.work.notify_one();
    }

    /// Asks the disk for its free space, and refuses or admits calls accordingly.
    pub fn check_space(&self, now: Timestamp) {
        let low = self.disk_is_low();
        let mut queue = self.queue.lock();
        queue.disk_low = low;
        queue.disk_checked = now;
    }

    fn disk_is_low(&self) -> bool {
        // a disk that does not say is treated as full
        self.storage.free(&self.entries).map_or(true, |free| free < self.reserve)
    }
}

/// Whether a batch is taken with so many entries where so many were expected.
fn is_enough(entries: usize, expected: usize, all_rest: bool) -> bool {
    entries >= if all_rest { expected.div_ceil(2) } else { expected }
}

impl Queue {
    fn admits(&self, kind: Kind) -> Result<(), RecordUnavailable> {
        if self.closing {
            Err(RecordUnavailable::Closed)
        } else if self.disk_low && kind == Kind::Call {
            Err(RecordUnavailable::DiskLow)
        } else {
            Ok(())
        }
    }

    fn add(&mut self, prefix: &[u8], tail: &[u8], now: Timestamp) -> u64 {
        let index = self.next;
        self.next += 1;
        if self.filling.entries == 0 {
            self.filling.time = now;
        }
        self.filling.entries += 1;
        let out = &mut self.filling.bytes;
        out.extend_from_slice(prefix);
        encode::number(out, index);
        out.extend_from_slice(b",\"time\":\"");
        self.stamp.write(out, now);
        out.push(b'"');
        out.extend_from_slice(tail);
        out.push(b'\n');
        index
    }
}

impl Waiters {
    fn register(&mut self, index: u64, waker: &Waker) {
        let place = usize::try_from(index.saturating_sub(self.first)).unwrap_or(usize::MAX);
        if self.wakers.len() <= place {
            self.wakers.resize_with(place + 1, || None);
        }
        match self.wakers.get_mut(place) {
            Some(Some(known)) => known.clone_from(waker),
            Some(none) => *none = Some(waker.clone()),
            None => {}
        }
    }
}

impl Batch {
    fn clear(&mut self) {
        self.bytes.clear();
        self.entries = 0;
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("stream", &self.stream).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_is_left_asleep_only_by_a_thread_that_will_tell() {
        let folder = tempfile::tempdir().unwrap();
        let stream = Stream::take(folder.path(), None, None).unwrap();
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let storage = Arc::new(crate::audit::storage::Disk);
        let shared = Arc::new(Shared::new(&stream, 0, &Options::default(), clock.clone(), storage));
        let falls_asleep = || (shared.queue.lock().idle, shared.queue.lock().wake_at) = (true, Some(5));
        let is_asleep = || shared.queue.lock().idle;
        let push = |waker| assert!(shared.push(b"}", Kind::Call, waker).is_ok());
        let waits = Some(Waker::noop());

        falls_asleep();
        push(waits);
        assert!(!is_asleep(), "this thread tells nothing");

        let crew = crew::Crew::new(shared.clone());
        crew.rests();
        crew.works();
        let cases: [(&str, &dyn Fn()); 5] = [
            ("the thread rests", &|| {
                crew.rests();
                crew.works();
            }),
            ("another rests", &|| {
                let shared = shared.clone();
                std::thread::spawn(|| drop(crew::Crew::new(shared))).join().unwrap();
            }),
            ("they waited for long", &|| {
                clock.advance(SignedDuration::from_micros(400));
                push(waits);
            }),
            ("this thread will wait", &|| push(None)),
            ("as many as are expected", &|| (0..4).for_each(|_| push(waits))),
        ];
        for (case, wakes) in cases {
            shared.take(&mut Batch::default(), (0, Duration::ZERO));
            falls_asleep();
            push(waits);
            assert!(is_asleep(), "{case}");
            wakes();
            assert!(!is_asleep(), "{case}");
        }

        shared.take(&mut Batch::default(), (0, Duration::ZERO));
        drop(crew);
        falls_asleep();
        push(waits);
        assert!(!is_asleep(), "this thread tells nothing any more");
    }

    #[test]
    fn half_of_those_expected_are_enough_when_all_rest() {
        let enough = |entries, rest| is_enough(entries, 9, rest);
        assert_eq!([4, 5, 8, 9].map(|entries| enough(entries, false)), [false, false, false, true]);
        assert_eq!([4, 5, 8, 9].map(|entries| enough(entries, true)), [false, true, true, true]);
        assert!(is_enough(1, 1, true) && is_enough(1, 2, true) && !is_enough(0, 1, true));
    }
}

//! The writer's thread: takes a batch, begins a new segment where one is due, writes, syncs, declares
//! the batch durable. The first error is the last thing it does.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Waker;
use std::thread::JoinHandle;

use jiff::Timestamp;

use crate::audit::journal::Journal;
use crate::audit::notary::Notary;
use crate::audit::recovery::Newest;
use crate::audit::segment;
use crate::audit::storage::{self, SegmentFile};
use crate::audit::stream::Stream;
use crate::audit::writer::error::Failure;
use crate::audit::writer::gather::Gather;
use crate::audit::writer::queue::{Batch, SPACE_INTERVAL, Shared};
use crate::clock::apart;

/// Bytes after which the disk is asked for its free space, however little time has passed.
const SPACE_BYTES: u64 = 1 << 20;

pub(super) struct Committer {
    shared: Arc<Shared>,
    entries: PathBuf,
    file: Arc<dyn SegmentFile>,
    path: PathBuf,
    /// The index of the segment's first entry, and its length.
    first: u64,
    bytes: u64,
    journal: Journal,
    /// The time of the segment's first entry; none while it is empty.
    since: Option<Timestamp>,
    unchecked_bytes: u64,
    checked: Timestamp,
    ended_well: bool,
    /// The notary and its thread, which end before the stream is let go.
    office: Option<(Arc<Notary>, JoinHandle<()>)>,
    _lock: File,
}

impl Committer {
    pub fn new(
        shared: Arc<Shared>,
        stream: Stream,
        file: Arc<dyn SegmentFile>,
        path: PathBuf,
        newest: &Newest,
        journal: Journal,
        office: Option<(Arc<Notary>, JoinHandle<()>)>,
    ) -> Self {
        Self {
            checked: shared.clock.now(),
            shared,
            entries: stream.entries,
            file,
            path,
            first: newest.first,
            journal,
            bytes: newest.bytes,
            since: newest.since,
            unchecked_bytes: 0,
            ended_well: false,
            office,
            _lock: stream.lock,
        }
    }

    pub fn run(mut self) {
        let mut batch = Batch::default();
        let mut wakers: Vec<Option<Waker>> = Vec::new();
        let mut gather = Gather::default();
        while self.shared.take(&mut batch, gather.wait()) {
            let begun = self.shared.clock.now();
            if let Err(failure) = self.commit(&batch) {
                self.shared.fail(failure);
                return;
            }
            if let Some((notary, _)) = &self.office {
                // before anybody has a receipt, so that a checkpoint asked for then covers it
                notary.take(&batch.bytes);
            }
            self.shared.done(&batch, &mut wakers);
            let now = self.shared.clock.now();
            let took = now.duration_since(begun).try_into().unwrap_or_default();
            gather.learn(batch.entries, took, self.shared.has_crews());
            self.watch_space(now, batch.bytes.len() as u64);
        }
        if !self.shared.has_failed()
            && let Err(failure) = self.settle()
        {
            self.shared.fail(failure);
        }
        if let Some((notary, thread)) = self.office.take() {
            if self.shared.has_failed() {
                notary.abandon();
            } else {
                notary.close();
            }
            // a panic of the notary is told by what it did not do
            let _ = thread.join();
        }
        self.ended_well = true;
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Failure> {
        let now = if batch.entries > 0 { batch.time } else { self.shared.clock.now() };
        if self.is_due(batch, now) {
            let path = self.entries.join(segment::file_name(batch.first));
            // what is closed is on disk whole, whatever the journal is used for next
            self.file.sync().map_err(|error| failure("sync", &self.path, &error))?;
            self.file = self.shared.storage.create(&path).map_err(|error| failure("create", &path, &error))?;
            self.journal.begin(batch.first).map_err(|error| failure("write", self.journal.path(), &error))?;
            self.shared.current.set(self.file.clone(), &path);
            (self.path, self.first, self.bytes, self.since) = (path, batch.first, 0, None);
            if let Some((notary, _)) = &self.office {
                notary.end_segment();
            }
        }
        if batch.entries == 0 {
            return Ok(());
        }
        let wrote = self.file.write(&batch.bytes).and_then(|wrote| storage::whole(wrote, &batch.bytes));
        wrote.map_err(|error| failure("write", &self.path, &error))?;
        let kept = self.journal.keep(self.first, self.bytes, &batch.bytes);
        if !kept.map_err(|error| failure("write", self.journal.path(), &error))? {
            self.file.sync().map_err(|error| failure("sync", &self.path, &error))?;
            let noted = self.journal.note(self.first, self.bytes + batch.bytes.len() as u64);
            noted.map_err(|error| failure("write", self.journal.path(), &error))?;
        }
        self.bytes += batch.bytes.len() as u64;
        self.since = self.since.or(Some(batch.time));
        Ok(())
    }

    /// Makes the segment durable on its own, without the journal.
    fn settle(&mut self) -> Result<(), Failure> {
        self.file.sync().map_err(|error| failure("sync", &self.path, &error))?;
        self.journal.clear().map_err(|error| failure("clear", self.journal.path(), &error))
    }

    fn is_due(&self, batch: &Batch, now: Timestamp) -> bool {
        // an empty segment already has the name that the batch needs
        self.since.is_some_and(|since| self.shared.current.is_due(self.bytes, since, batch.bytes.len() as u64, now))
    }

    fn watch_space(&mut self, now: Timestamp, wrote: u64) {
        self.unchecked_bytes += wrote;
        if self.unchecked_bytes >= SPACE_BYTES || apart(now, self.checked) >= SPACE_INTERVAL {
            self.shared.check_space(now);
            (self.unchecked_bytes, self.checked) = (0, now);
        }
    }
}

fn failure(what: &'static str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(what, path, &error.to_string())
}

impl Drop for Committer {
    fn drop(&mut self) {
        if !self.ended_well {
            // also when the thread panicked: nobody may wait for a writer that is gone
            self.shared.fail(Failure::new("go on writing", &self.path, "the writer ended"));
        }
        if let Some((notary, thread)) = self.office.take() {
            notary.abandon();
            let _ = thread.join();
        }
    }
}

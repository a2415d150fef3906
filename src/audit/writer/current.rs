//! The segment that is being written: where it is, and when it ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use crate::audit::storage::SegmentFile;
use crate::audit::writer::Options;
use crate::audit::writer::error::Failure;
use crate::clock::apart;

pub(super) struct Current {
    file: Mutex<Option<(Arc<dyn SegmentFile>, PathBuf)>>,
    /// `seal.maxBytes`, and `seal.maxAge` in microseconds.
    max_bytes: AtomicU64,
    max_age: AtomicI64,
    /// Whatever its size and age, it ends before the next entry.
    ends_now: AtomicBool,
}

impl Current {
    pub fn new(options: &Options) -> Self {
        Self {
            file: Mutex::default(),
            max_bytes: AtomicU64::new(options.max_segment_bytes),
            max_age: AtomicI64::new(micros(options.max_segment_age)),
            ends_now: AtomicBool::default(),
        }
    }

    /// This one is being written from now on; the one before is durable.
    pub fn set(&self, file: Arc<dyn SegmentFile>, path: &Path) {
        *self.file.lock() = Some((file, path.to_owned()));
        self.ends_now.store(false, Ordering::Relaxed);
    }

    /// Returns once everything written to it so far is durable there.
    pub fn sync(&self) -> Result<(), Failure> {
        let Some((file, path)) = self.file.lock().clone() else { return Ok(()) };
        file.sync().map_err(|error| Failure::new("sync", &path, &error.to_string()))
    }

    /// From now on segments end at this size and age.
    pub fn end_at(&self, bytes: u64, age: SignedDuration) {
        self.max_bytes.store(bytes, Ordering::Relaxed);
        self.max_age.store(micros(age), Ordering::Relaxed);
    }

    /// The one that is being written ends, unless it is empty.
    pub fn end_now(&self) {
        self.ends_now.store(true, Ordering::Relaxed);
    }

    /// Whether a segment of that size, begun then, is to be closed before so much more is written.
    pub fn is_due(&self, bytes: u64, since: Timestamp, more: u64, now: Timestamp) -> bool {
        let age = SignedDuration::from_micros(self.max_age.load(Ordering::Relaxed));
        let is_full = bytes + more > self.max_bytes.load(Ordering::Relaxed);
        is_full || apart(now, since) >= age || self.ends_now.load(Ordering::Relaxed)
    }
}

fn micros(age: SignedDuration) -> i64 {
    i64::try_from(age.as_micros()).unwrap_or(i64::MAX)
}

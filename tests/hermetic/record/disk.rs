//! A disk that fails, fills up or stalls on command.

use std::io;
use std::path::Path;
use std::sync::Arc;

use datashare::audit::{Disk, JournalFile, SegmentFile, Storage};
use parking_lot::{Condvar, Mutex};

/// What the disk does from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Well,
    FailWrite,
    /// No space left.
    Full,
    /// Has become read-only, as ext4 makes itself after an error.
    ReadOnly,
    /// Takes all but one byte.
    ShortWrite,
    FailSync,
    FailCreate,
    /// Panics in sync, as a bug would.
    Panic,
    /// Neither syncs nor fails until told.
    StallSync,
}

#[derive(Debug)]
struct Inner {
    mood: Mood,
    free: u64,
    syncs: u64,
    writes: u64,
    stalled: bool,
}

#[derive(Clone, Debug)]
pub struct Moody(Arc<(Mutex<Inner>, Condvar)>);

impl Moody {
    pub fn new() -> Self {
        let inner = Inner { mood: Mood::Well, free: u64::MAX, syncs: 0, writes: 0, stalled: false };
        Self(Arc::new((Mutex::new(inner), Condvar::new())))
    }

    pub fn set(&self, mood: Mood) {
        self.0.0.lock().mood = mood;
        self.0.1.notify_all();
    }

    pub fn set_free(&self, free: u64) {
        self.0.0.lock().free = free;
    }

    pub fn syncs(&self) -> u64 {
        self.0.0.lock().syncs
    }

    pub fn writes(&self) -> u64 {
        self.0.0.lock().writes
    }

    /// Returns once the writer hangs in a sync.
    pub fn wait_until_stalled(&self) {
        let mut inner = self.0.0.lock();
        self.0.1.wait_while(&mut inner, |inner| !inner.stalled);
    }
}

impl Storage for Moody {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        match self.0.0.lock().mood {
            Mood::FailCreate => return Err(io::Error::other("create")),
            Mood::ReadOnly => return Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            _ => {}
        }
        Ok(Arc::new(File { disk: self.clone(), real: Disk.create(path)? }))
    }

    fn resume(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        Ok(Arc::new(File { disk: self.clone(), real: Disk.resume(path)? }))
    }

    fn journal(&self, path: &Path, length: u64) -> io::Result<Box<dyn JournalFile>> {
        Ok(Box::new(File { disk: self.clone(), real: Disk.journal(path, length)? }))
    }

    fn free(&self, _: &Path) -> io::Result<u64> {
        Ok(self.0.0.lock().free)
    }
}

struct File<F> {
    disk: Moody,
    real: F,
}

impl Moody {
    fn write(&self, bytes: &[u8], write: impl FnOnce(&[u8]) -> io::Result<usize>) -> io::Result<usize> {
        let mut inner = self.0.0.lock();
        inner.writes += 1;
        match inner.mood {
            Mood::FailWrite => Err(io::Error::from_raw_os_error(5)),
            Mood::Full => Err(io::ErrorKind::StorageFull.into()),
            Mood::ReadOnly => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            Mood::ShortWrite => write(&bytes[..bytes.len() - 1]),
            _ => write(bytes),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut inner = self.0.0.lock();
        inner.syncs += 1;
        inner.stalled = true;
        self.0.1.notify_all();
        self.0.1.wait_while(&mut inner, |inner| inner.mood == Mood::StallSync);
        inner.stalled = false;
        match inner.mood {
            Mood::FailSync => Err(io::Error::from_raw_os_error(5)),
            Mood::Panic => panic!("the disk driver has a bug"),
            _ => Ok(()),
        }
    }
}

impl SegmentFile for File<Arc<dyn SegmentFile>> {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.write(bytes, |bytes| self.real.write(bytes))
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync()
    }
}

impl JournalFile for File<Box<dyn JournalFile>> {
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.disk.clone().write(bytes, |bytes| self.real.write_at(bytes, at))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.sync()
    }
}

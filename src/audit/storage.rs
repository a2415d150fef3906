//! The seam between the writer and the disk: exactly what the writer asks of it, so that tests can
//! put a failing, full or stalling disk in its place.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

/// Where segments live.
pub trait Storage: Send + Sync + 'static {
    /// A new, empty segment whose name survives a crash.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>>;

    /// An existing segment, to be continued at its end.
    fn resume(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>>;

    /// The journal of a stream: a file of this length, made if need be, whose name survives a crash.
    fn journal(&self, path: &Path, length: u64) -> io::Result<Box<dyn JournalFile>>;

    /// Bytes that may still be written below `path`.
    fn free(&self, path: &Path) -> io::Result<u64>;

    /// A small file of these bytes, in the place of one that may be there; not durable in its name.
    fn write_small(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_data()
    }

    /// Puts a file in the place of another, for good when this returns.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)?;
        sync_folder_of(to)
    }

    /// Cuts a file to its first bytes, for good when this returns.
    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()
    }
}

/// Makes these bytes the file, whole or not at all, and for good when this returns.
pub(super) fn replace(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    storage.write_small(draft, bytes)?;
    storage.rename(draft, path)
}

/// An error unless all bytes were taken.
pub(super) fn whole(wrote: usize, bytes: &[u8]) -> io::Result<()> {
    if wrote == bytes.len() {
        return Ok(());
    }
    Err(io::Error::other(format!("only {wrote} of {} bytes were taken", bytes.len())))
}

/// A segment being written.
pub trait SegmentFile: Send + Sync {
    /// Appends bytes with one call and says how many were taken.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Returns once everything written before is durable.
    fn sync(&self) -> io::Result<()>;
}

/// A file that is written in place and never grows.
pub trait JournalFile: Send {
    /// Writes bytes with one call and says how many were taken.
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<usize>;

    /// Returns once everything written is durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// The real disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Storage for Disk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        file.sync_all()?;
        sync_folder_of(path)?;
        Ok(Arc::new(OnDisk::new(file)))
    }

    fn resume(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        Ok(Arc::new(OnDisk::new(OpenOptions::new().append(true).open(path)?)))
    }

    fn journal(&self, path: &Path, length: u64) -> io::Result<Box<dyn JournalFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        let file = if fs::metadata(path).is_ok_and(|file| file.len() == length) {
            options.open(path)?
        } else {
            // whole before its first use, so that it never grows
            let mut file = options.create(true).truncate(true).open(path)?;
            io::copy(&mut io::repeat(0).take(length), &mut file)?;
            file.sync_all()?;
            file
        };
        sync_folder_of(path)?;
        Ok(Box::new(OnDisk::new(file)))
    }

    fn free(&self, path: &Path) -> io::Result<u64> {
        let space = rustix::fs::statvfs(path)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}

/// An open file, which several may sync. The kernel tells only the first one who asks that something written was lost.
struct OnDisk {
    file: File,
    lost: Mutex<bool>,
}

impl OnDisk {
    fn new(file: File) -> Self {
        Self { file, lost: Mutex::new(false) }
    }

    fn sync(&self) -> io::Result<()> {
        // held until it is known: who asks meanwhile is told the same
        let mut lost = self.lost.lock();
        if *lost {
            return Err(io::Error::other("it could not be synced before"));
        }
        let synced = self.file.sync_data();
        *lost = synced.is_err();
        synced
    }
}

impl SegmentFile for OnDisk {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.file).write(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        OnDisk::sync(self)
    }
}

impl JournalFile for OnDisk {
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.file.write_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        OnDisk::sync(self)
    }
}

/// Makes a folder private to its owner, and its name durable; an existing one is fine.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other.and_then(|()| sync_folder_of(path)),
    }
}

/// Makes durable which names the folder that holds `path` has.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_syncs_after_an_error_hears_of_it() {
        // it takes bytes, and cannot be synced
        let file = OnDisk::new(File::options().write(true).open("/dev/null").unwrap());
        let said = [(); 2].map(|()| SegmentFile::sync(&file).unwrap_err().to_string());
        assert!(!said[0].contains("before") && said[1].contains("before"), "{said:?}");
    }
}

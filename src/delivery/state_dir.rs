//! The state directory: private to its owner, used by one process at a time, and it remembers which
//! directory of objects it belongs to, so that a second terminal needs no more than its path.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::secrets::Secrets;

/// Where the state lies unless a flag says otherwise, below the working directory.
pub const DEFAULT: &str = ".datashare";
/// The keys that sign the record, beside the log they sign: not to be copied with it.
pub const NOTARY: &str = "notary";
const LOCK: &str = "lock";
const SOURCE: &str = "source";

/// The state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("{path}: {cause}; check that it is a directory of yours with space left")]
    Io { path: String, cause: io::Error },
    #[error("{path} is in use by another process{by}; stop that one, or choose another --state")]
    InUse { path: String, by: String },
    #[error("{path}: there is no state here; start `datashare up` first, or name its directory with --state")]
    Absent { path: String },
}

/// A state directory. Held with its lock by the process that serves; read without it by others.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    /// Held as long as this value lives; the system drops it with the process, however it ends.
    lock: Option<File>,
}

impl StateDir {
    /// Opens or creates a state directory for the one process that writes to it.
    ///
    /// # Errors
    /// When another process has it, or it cannot be written.
    pub fn hold(path: &Path, source: &Path) -> Result<Self, StateError> {
        let fault = |cause| StateError::Io { path: path.display().to_string(), cause };
        private_dir(path).map_err(fault)?;
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(fault)?;
        let mut options = OpenOptions::new();
        let mut lock = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // only for the message: unreadable is as good as empty
                let _ = Read::take(&mut lock, 32).read_to_string(&mut holder);
                let by = if holder.trim().is_empty() { String::new() } else { format!(" (process {})", holder.trim()) };
                return Err(StateError::InUse { path: path.display().to_string(), by });
            }
            Err(TryLockError::Error(cause)) => return Err(fault(cause)),
        }
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(fault)?;
        let state = Self { path: std::path::absolute(path).map_err(fault)?, lock: Some(lock) };
        state.remember(source)?;
        for part in [state.log(), state.credentials(), state.tombstones(), state.secrets_path()] {
            private_dir(&part).map_err(fault)?;
        }
        Ok(state)
    }

    /// Opens a state directory for reading, whether or not a process holds it.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(path: &Path) -> Result<Self, StateError> {
        let state = Self { path: path.to_owned(), lock: None };
        if state.path.join(SOURCE).is_file() {
            return Ok(state);
        }
        Err(StateError::Absent { path: path.display().to_string() })
    }

    /// Whether this value holds the directory against other processes.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.lock.is_some()
    }

    /// Whether a process serves from this state now. Looks at who holds the lock; where nobody does,
    /// it is free again before this returns.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub fn is_served(&self) -> Result<bool, StateError> {
        let path = self.path.join(LOCK);
        let fault = |cause| StateError::Io { path: path.display().to_string(), cause };
        let lock = match File::open(&path) {
            Ok(lock) => lock,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(cause) => return Err(fault(cause)),
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(cause)) => Err(fault(cause)),
        }
    }

    /// The directory of objects this state belongs to.
    ///
    /// # Errors
    /// When it was never said, or cannot be read.
    pub fn source(&self) -> Result<PathBuf, StateError> {
        let path = self.path.join(SOURCE);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(PathBuf::from(text.trim_end_matches('\n'))),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                Err(StateError::Absent { path: self.path.display().to_string() })
            }
            Err(cause) => Err(StateError::Io { path: path.display().to_string(), cause }),
        }
    }

    /// Says which source this state serves from now on. What it knows of another one stays: a
    /// tombstone too many refuses, one too few would open.
    fn remember(&self, source: &Path) -> Result<(), StateError> {
        let path = self.path.join(SOURCE);
        let fault = |cause| StateError::Io { path: path.display().to_string(), cause };
        let wanted = std::path::absolute(source).map_err(fault)?;
        let new = self.path.join("source.new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(fault)?;
        let written = writeln!(file, "{}", wanted.display()).and_then(|()| file.sync_all());
        written.and_then(|()| fs::rename(&new, &path)).and_then(|()| File::open(&self.path)?.sync_all()).map_err(fault)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Segments of the record.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The keys that sign the record.
    #[must_use]
    pub fn notary(&self) -> PathBuf {
        self.path.join(NOTARY)
    }

    #[must_use]
    pub fn credentials(&self) -> PathBuf {
        self.path.join("credentials")
    }

    #[must_use]
    pub fn tombstones(&self) -> PathBuf {
        self.path.join("tombstones")
    }

    /// What a `secretRef` means here.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        Secrets::below(self.secrets_path())
    }

    fn secrets_path(&self) -> PathBuf {
        self.path.join("secrets")
    }
}

/// Creates a directory, and those above it, for its owner only; one that exists stays as it is.
pub(super) fn private_dir(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_and_readers_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, source) = (dir.path().join("a/state"), dir.path().join("objects"));
        assert!(matches!(StateDir::read(&path), Err(StateError::Absent { .. })));
        let held = StateDir::hold(&path, &source).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let second = StateDir::hold(&path, &source).unwrap_err().to_string();
        assert!(second.contains(&format!("in use by another process (process {})", std::process::id())), "{second}");
        let reader = StateDir::read(&path).unwrap();
        assert_eq!(reader.source().unwrap(), source);
        assert!(held.is_held() && !reader.is_held() && reader.is_served().unwrap());
        drop(held);
        assert!(!reader.is_served().unwrap());
        let moved = StateDir::hold(&path, dir.path()).unwrap();
        assert_eq!(moved.source().unwrap(), dir.path());
    }

    #[test]
    fn closes_a_directory_that_others_could_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        StateDir::hold(&path, dir.path()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

//! What can go wrong with the log, in words for the one who has to mend it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::notary::NotaryError;
use crate::random;

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is held: another process writes this stream; stop it first", path.display())]
    Locked { path: PathBuf },
    #[error("{} holds several streams ({found}): leave one, or name the one to write", log.display())]
    SeveralStreams { log: PathBuf, found: String },
    #[error("`{name}` cannot name a stream: 1 to 63 of a-z, 0-9 and -, not beginning with -")]
    StreamName { name: String },
    #[error("{}:{line}: {reason}; nothing was changed: keep a copy, find out who edited it, and start with an empty log folder or the intact file", path.display())]
    BadEntry { path: PathBuf, line: u64, reason: String },
    #[error("{} begins with entry {found} where {expected} belongs: entries are missing; put the missing segments back", path.display())]
    Gap { path: PathBuf, expected: u64, found: u64 },
    #[error("{} knows of entries that {} does not have, and cannot have lost in a crash; nothing was changed: put the intact segment back, or, if it is gone for good, move the journal away", journal.display(), path.display())]
    Journal { journal: PathBuf, path: PathBuf },
    #[error("the start could not be recorded: {reason}{}", failure.as_ref().map_or_else(String::new, |failure| format!(": {failure}")))]
    Start { reason: RecordUnavailable, failure: Option<Failure> },
    #[error(transparent)]
    Random(#[from] random::RandomError),
    #[error(transparent)]
    Notary(#[from] NotaryError),
}

impl LogError {
    /// For `map_err`: what was tried on which file.
    pub(in crate::audit) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// Why an entry was not recorded, or not known to be: the call it describes must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordUnavailable {
    #[error("the record has failed and takes no more entries")]
    Failed,
    #[error("too many entries wait for the disk")]
    Busy,
    #[error("the disk of the record is nearly full")]
    DiskLow,
    #[error("the entry is longer than the record takes")]
    TooLong,
    #[error("the record is closed")]
    Closed,
}

/// The error that ended a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot {what} {path}: {reason}; the record takes nothing more until the disk is mended and the guard is started again"
)]
pub struct Failure {
    what: &'static str,
    path: Arc<str>,
    reason: Arc<str>,
}

impl Failure {
    pub(in crate::audit) fn new(what: &'static str, path: &Path, reason: &str) -> Self {
        Self { what, path: path.to_string_lossy().into(), reason: reason.into() }
    }
}

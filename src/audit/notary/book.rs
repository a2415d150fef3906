//! The files a notary writes: `checkpoints.jsonl`, which only grows, by what stays; `checkpoint` and
//! `keys`, which are put in place whole. A torn last line of the first was never shown to anybody and is cut.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::NotaryError;
use crate::audit::checkpoint::{CHECKPOINT, CHECKPOINTS, NEXT_CHECKPOINT, Signed};
use crate::audit::keys::{self, KEYS};
use crate::audit::note::{Standing, VerifyingKey};
use crate::audit::storage::{self, SegmentFile, Storage};
use crate::audit::writer::Failure;

/// How much of the end of `checkpoints.jsonl` is read at a start.
const TAIL: u64 = 256 << 10;

/// What the end of `checkpoints.jsonl` says.
#[derive(Debug, Default)]
pub struct Tail {
    /// The newest ones, oldest first.
    pub checkpoints: Vec<Signed>,
    /// Where the last whole line ends.
    pub good: u64,
    /// Whether something follows it.
    pub torn: bool,
}

/// Reads the end of a stream's `checkpoints.jsonl`.
pub fn tail(folder: &Path) -> Result<Tail, NotaryError> {
    let path = folder.join(CHECKPOINTS);
    let mut file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tail::default()),
        other => other.map_err(NotaryError::io("open", &path))?,
    };
    let length = file.metadata().map_err(NotaryError::io("measure", &path))?.len();
    let from = length.saturating_sub(TAIL);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from)).map_err(NotaryError::io("read", &path))?;
    file.read_to_end(&mut bytes).map_err(NotaryError::io("read", &path))?;
    // unless it is read from its beginning, the first line is a part of one
    let skip = if from == 0 { 0 } else { memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1) };
    let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    let mut checkpoints = Vec::new();
    for line in bytes.get(skip..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match Signed::parse_line(line) {
            Ok(signed) => checkpoints.push(signed),
            Err(source) => {
                let line = checkpoints.last().map_or(1, |last| last.checkpoint.number + 1);
                return Err(NotaryError::Checkpoint { path, line, source });
            }
        }
    }
    let good = from + whole as u64;
    Ok(Tail { checkpoints, good, torn: length > good })
}

/// The newest checkpoint of a stream, given the end of its list: the last one of that, or an interim one that one of
/// these keys has signed since.
pub fn newest(folder: &Path, tail: &Tail, keys: &[VerifyingKey]) -> Option<Signed> {
    let last = tail.checkpoints.last()?;
    let interim = std::fs::read_to_string(folder.join(CHECKPOINT)).ok().and_then(|text| Signed::parse(&text).ok());
    let follows = |signed: &Signed| {
        let (new, old) = (&signed.checkpoint, &last.checkpoint);
        // a key that takes over may be published, and have signed nothing yet
        let signed = keys.iter().rev().take(2).any(|key| signed.note.standing(key) == Standing::Signed);
        signed && new.interim && new.origin == old.origin && new.number == old.number + 1 && new.size > old.size
    };
    Some(interim.filter(follows).unwrap_or_else(|| last.clone()))
}

/// A notary's files, open for writing.
pub struct Book {
    storage: Arc<dyn Storage>,
    folder: PathBuf,
    file: Option<Arc<dyn SegmentFile>>,
}

impl Book {
    pub fn new(storage: Arc<dyn Storage>, folder: PathBuf) -> Self {
        Self { storage, folder, file: None }
    }

    /// Mends what a crash left: a torn line, or a `checkpoint` that is not the newest one.
    pub fn mend(&self, tail: &Tail, newest: Option<&Signed>) -> Result<(), NotaryError> {
        if tail.torn {
            let path = self.folder.join(CHECKPOINTS);
            self.storage.cut(&path, tail.good).map_err(NotaryError::io("cut the torn end of", &path))?;
        }
        let Some(newest) = newest else { return Ok(()) };
        let path = self.folder.join(CHECKPOINT);
        let note = newest.note.to_string();
        if std::fs::read(&path).is_ok_and(|there| there == note.as_bytes()) {
            return Ok(());
        }
        storage::replace(&*self.storage, &path, note.as_bytes()).map_err(NotaryError::io("write", &path))
    }

    /// Puts the public keys in place.
    pub fn write_keys(&self, public: &[VerifyingKey]) -> Result<(), Failure> {
        let path = self.folder.join(KEYS);
        let text = keys::text(public);
        storage::replace(&*self.storage, &path, text.as_bytes()).map_err(|error| failure("write", &path, &error))
    }

    /// Has an interim checkpoint be the newest one; durable when this returns.
    pub fn put(&self, signed: &Signed) -> Result<(), Failure> {
        let path = self.folder.join(CHECKPOINT);
        let note = signed.note.to_string();
        storage::replace(&*self.storage, &path, note.as_bytes()).map_err(|error| failure("write", &path, &error))
    }

    /// Adds a checkpoint that stays; durable when this returns.
    pub fn add(&mut self, signed: &Signed) -> Result<(), Failure> {
        let path = self.folder.join(CHECKPOINTS);
        let file = match &mut self.file {
            Some(file) => file,
            slot => {
                let opened = if path.exists() { self.storage.resume(&path) } else { self.storage.create(&path) };
                slot.insert(opened.map_err(|error| failure("open", &path, &error))?)
            }
        };
        let (draft, newest) = (self.folder.join(NEXT_CHECKPOINT), self.folder.join(CHECKPOINT));
        let note = signed.note.to_string();
        // it lies ready first: between the two files a crash leaves what no hand would
        self.storage.write_small(&draft, note.as_bytes()).map_err(|error| failure("write", &draft, &error))?;
        let mut line = signed.line();
        line.push(b'\n');
        let wrote = file.write(&line).and_then(|wrote| storage::whole(wrote, &line));
        wrote.map_err(|error| failure("write", &path, &error))?;
        file.sync().map_err(|error| failure("sync", &path, &error))?;
        self.storage.rename(&draft, &newest).map_err(|error| failure("put in place", &newest, &error))
    }
}

pub fn failure(what: &'static str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(what, path, &error.to_string())
}

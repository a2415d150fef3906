//! An append-only file of JSON lines for state that must survive: what was appended is on disk when
//! the call returns. A line torn by a crash at the very end was never promised to anyone and is cut;
//! any other damage is an error that names the line, because guessing could revive what was ended.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::state_dir::private_dir;

/// Longest line; a record is a few hundred bytes.
const MAX_LINE: u64 = 1024 * 1024;

/// A journal that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{path}: {cause}; check permissions and free space")]
    Io { path: String, cause: io::Error },
    #[error("{path}:{line}: damaged: {cause}; restore the file from a backup, it must not be guessed")]
    Damaged { path: String, line: u64, cause: String },
    #[error("{path}: an earlier write failed, so nothing more is written; restart once the disk is sound")]
    Poisoned { path: String },
    #[error("{path}: a record is larger than {MAX_LINE} bytes")]
    TooLarge { path: String },
}

/// An open journal of records `T`.
#[derive(Debug)]
pub struct Journal<T> {
    path: PathBuf,
    file: File,
    poisoned: bool,
    records: PhantomData<fn(T)>,
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
    /// Opens or creates a journal and reads all of it. A torn last line is cut off.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged anywhere but in a torn last line.
    pub fn open(path: &Path) -> Result<(Self, Vec<T>), JournalError> {
        let fault = |cause| io_fault(path, cause);
        if let Some(parent) = path.parent() {
            private_dir(parent).map_err(fault)?;
        }
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).mode(0o600).open(path).map_err(fault)?;
        if is_new {
            sync_parent(path).map_err(fault)?;
        }
        let mut records = Vec::new();
        let good = read_all(path, &file, |record| records.push(record))?;
        if file.seek(SeekFrom::End(0)).map_err(fault)? > good {
            file.set_len(good).and_then(|()| file.sync_all()).map_err(fault)?;
        }
        Ok((Self { path: path.to_owned(), file, poisoned: false, records: PhantomData }, records))
    }

    /// The records of a journal that another process may be writing; a torn last line is passed over.
    ///
    /// # Errors
    /// As [`Journal::open`]; a journal that does not exist is empty.
    pub fn read(path: &Path) -> Result<Vec<T>, JournalError> {
        let mut records = Vec::new();
        Self::each(path, |record| records.push(record))?;
        Ok(records)
    }

    /// [`Journal::read`] for whoever keeps few of them: one after the other.
    ///
    /// # Errors
    /// As [`Journal::read`].
    pub fn each(path: &Path, take: impl FnMut(T)) -> Result<(), JournalError> {
        match File::open(path) {
            Ok(file) => read_all(path, &file, take).map(|_| ()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_fault(path, error)),
        }
    }

    /// Appends records with one write and one sync; they are on disk when this returns. After a
    /// failure nobody knows what is on disk, so every later call fails too.
    ///
    /// # Errors
    /// When they could not be written.
    pub fn append(&mut self, records: &[T]) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        if self.poisoned {
            return Err(JournalError::Poisoned { path: self.path.display().to_string() });
        }
        let mut lines = Vec::new();
        for record in records {
            line(&self.path, record, &mut lines)?;
        }
        let written = self.file.write_all(&lines).and_then(|()| self.file.sync_data());
        written.map_err(|cause| {
            self.poisoned = true;
            io_fault(&self.path, cause)
        })
    }

    /// Replaces the whole journal by these records; a crash leaves the old or the new one.
    ///
    /// # Errors
    /// When they could not be written. Before the new file stands in its place nothing is lost.
    pub fn compact<'r>(&mut self, records: impl IntoIterator<Item = &'r T>) -> Result<(), JournalError>
    where
        T: 'r,
    {
        if self.poisoned {
            return Err(JournalError::Poisoned { path: self.path.display().to_string() });
        }
        let new = self.path.with_extension("new");
        let fault = |cause| io_fault(&new, cause);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(fault)?;
        let mut out = BufWriter::with_capacity(1024 * 1024, file);
        let mut bytes = Vec::new();
        for record in records {
            bytes.clear();
            line(&self.path, record, &mut bytes)?;
            out.write_all(&bytes).map_err(fault)?;
        }
        let file = out.into_inner().map_err(|error| fault(error.into_error()))?;
        file.sync_all().map_err(fault)?;
        let swapped = fs::rename(&new, &self.path)
            .and_then(|()| sync_parent(&self.path))
            .and_then(|()| OpenOptions::new().read(true).append(true).open(&self.path));
        match swapped {
            Ok(file) => {
                self.file = file;
                Ok(())
            }
            Err(cause) => {
                // which of the two files stands there is not known
                self.poisoned = true;
                Err(io_fault(&self.path, cause))
            }
        }
    }
}

fn io_fault(path: &Path, cause: io::Error) -> JournalError {
    JournalError::Io { path: path.display().to_string(), cause }
}

fn line<T: Serialize>(path: &Path, record: &T, out: &mut Vec<u8>) -> Result<(), JournalError> {
    let before = out.len();
    serde_json::to_writer(&mut *out, record).map_err(|error| io_fault(path, error.into()))?;
    out.push(b'\n');
    if (out.len() - before) as u64 > MAX_LINE {
        return Err(JournalError::TooLarge { path: path.display().to_string() });
    }
    Ok(())
}

/// All whole lines, and the length of the file that they take.
/// Gives where the last whole line ends.
fn read_all<T: DeserializeOwned>(path: &Path, file: &File, mut take: impl FnMut(T)) -> Result<u64, JournalError> {
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let mut good = 0;
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let length = io::Read::take(&mut reader, MAX_LINE + 1)
            .read_until(b'\n', &mut bytes)
            .map_err(|cause| io_fault(path, cause))?;
        let damaged = |cause: String| JournalError::Damaged { path: path.display().to_string(), line: number, cause };
        if length as u64 > MAX_LINE {
            return Err(damaged(format!("the line is longer than {MAX_LINE} bytes")));
        }
        // without its newline the last append did not end: nobody was told that it had
        let Some(text) = bytes.strip_suffix(b"\n") else { break };
        take(serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?);
        good += length as u64;
    }
    Ok(good)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests;

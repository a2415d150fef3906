//! Sealing: a closed segment becomes one compressed file beside it, is read back and compared byte for byte, takes its
//! name, and only then the plain one goes. A crash between any two steps leaves every entry in at least one whole
//! file, and the next attempt ends what was begun.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::audit::inventory::{Facts, FactsError, Said};
use crate::audit::segment::{self, Form, Segment};
use crate::audit::storage::sync_folder_of;

/// A match may lie that far back (2^25 bytes): values of the same person or unit come again after many entries.
const WINDOW_LOG: u32 = 25;

/// Bytes between two looks whether to stop.
const CHUNK: usize = 1 << 20;

/// Why a segment was not sealed. The plain one is there as before.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Entries { path: PathBuf, source: FactsError },
    #[error("{} does not read back as it was written; the plain segment is kept", path.display())]
    Differs { path: PathBuf },
    #[error("it was asked to stop")]
    Stopped,
}

/// A step of keeping the record after which a crash may come; [`Steps`] hears of each before it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    SealWrite,
    SealSync,
    SealCompare,
    SealName,
    SealRemovePlain,
    Put,
    ReadBack,
    PutFile,
    NotePruned,
    PutPruned,
    RemoveArchived,
    RemoveLocal,
}

/// Whoever wants to be in the way of a step, and whether it is time to stop.
pub trait Steps: Send + Sync {
    /// An error breaks off right there, as a crash would.
    fn before(&self, _step: Step) -> io::Result<()> {
        Ok(())
    }

    /// Long work ends soon when this is true.
    fn is_stopping(&self) -> bool {
        false
    }
}

/// Seals a closed segment, or ends what a crash broke off.
pub fn seal(plain: &Segment, level: i32, steps: &dyn Steps) -> Result<Facts, SealError> {
    let path = &plain.path;
    let sealed = path.with_file_name(segment::sealed_name(plain.first));
    let new = sealed.with_extension("zst.new");
    if !sealed.exists() || !same(path, &sealed, steps)? {
        step(steps, Step::SealWrite, &new)?;
        compress(path, &new, level, steps)?;
        step(steps, Step::SealCompare, &new)?;
        if !same(path, &new, steps)? {
            return Err(SealError::Differs { path: new });
        }
        step(steps, Step::SealName, &sealed)?;
        fs::rename(&new, &sealed).map_err(io_error("name", &sealed))?;
    }
    // also after a crash: the name may not have been durable
    sync_folder_of(&sealed).map_err(io_error("sync the folder of", &sealed))?;
    let facts = describe(plain.first, &sealed)?;
    step(steps, Step::SealRemovePlain, path)?;
    fs::remove_file(path).map_err(io_error("remove", path))?;
    sync_folder_of(path).map_err(io_error("sync the folder of", path))?;
    Ok(facts)
}

/// What is to be known about a sealed segment, from the file itself.
pub fn describe(first: u64, sealed: &Path) -> Result<Facts, SealError> {
    let failed = io_error("read", sealed);
    let bytes = fs::read(sealed).map_err(failed)?;
    let digest = format!("{:x}", Sha256::digest(&bytes));
    let length = bytes.len() as u64;
    let entries = |source| SealError::Entries { path: sealed.into(), source };
    let lines = segment::decompressed(io::Cursor::new(bytes)).map_err(|error| entries(error.into()))?;
    let said = Said::read(first, lines, &mut |_| ()).map_err(entries)?;
    Ok(said.of_file(first, length, digest))
}

fn compress(from: &Path, to: &Path, level: i32, steps: &dyn Steps) -> Result<(), SealError> {
    let mut plain = File::open(from).map_err(io_error("open", from))?;
    let length = plain.metadata().map_err(io_error("measure", from))?.len();
    let failed = |error| io_error("write", to)(error);
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to).map_err(failed)?;
    let mut encoder = zstd::Encoder::new(file, level).map_err(failed)?;
    encoder.include_checksum(true).map_err(failed)?;
    encoder.include_contentsize(true).map_err(failed)?;
    encoder.set_pledged_src_size(Some(length)).map_err(failed)?;
    if length > 1 << WINDOW_LOG {
        encoder.window_log(WINDOW_LOG).map_err(failed)?;
        encoder.long_distance_matching(true).map_err(failed)?;
    }
    let mut chunk = vec![0; CHUNK];
    loop {
        if steps.is_stopping() {
            return Err(SealError::Stopped);
        }
        let got = plain.read(&mut chunk).map_err(io_error("read", from))?;
        if got == 0 {
            break;
        }
        encoder.write_all(chunk.get(..got).unwrap_or_default()).map_err(failed)?;
    }
    let file = encoder.finish().map_err(failed)?;
    step(steps, Step::SealSync, to)?;
    file.sync_all().map_err(io_error("sync", to))
}

/// Whether `sealed` holds exactly the bytes of `plain`. What cannot be decompressed does not.
fn same(plain: &Path, sealed: &Path, steps: &dyn Steps) -> Result<bool, SealError> {
    let mut left = BufReader::with_capacity(CHUNK, File::open(plain).map_err(io_error("open", plain))?);
    let file = File::open(sealed).map_err(io_error("open", sealed))?;
    let Ok(mut right) = segment::decompressed(file) else { return Ok(false) };
    let (mut a, mut b) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        if steps.is_stopping() {
            return Err(SealError::Stopped);
        }
        let got = fill(&mut left, &mut a).map_err(io_error("read", plain))?;
        let Ok(back) = fill(&mut right, &mut b) else { return Ok(false) };
        if a.get(..got) != b.get(..back) {
            return Ok(false);
        }
        if got == 0 {
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or the end is reached.
fn fill(from: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = into.get_mut(filled..).filter(|room| !room.is_empty()) {
        match from.read(room) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Closed segments that are not sealed yet, oldest first: all plain ones but the newest of all, which is being written,
/// as far as so many entries reach.
pub fn waiting(segments: &[Segment], through: u64) -> impl Iterator<Item = &Segment> {
    let ends = segments.iter().skip(1).map(|next| next.first);
    let closed = segments.iter().zip(ends).filter(move |(_, end)| *end <= through).map(|(segment, _)| segment);
    closed.filter(|segment| segment.form == Form::Plain)
}

fn step(steps: &dyn Steps, step: Step, path: &Path) -> Result<(), SealError> {
    steps.before(step).map_err(io_error("go on with", path))
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SealError {
    let path = path.to_owned();
    move |source| SealError::Io { what, path, source }
}

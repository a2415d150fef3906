//! What makes an entry durable cheaply: a small file beside the segments, written over and over in place. A file that
//! does not grow is synced with one write, where a growing one costs another for its length, and more in the file
//! system's own journal. Each batch goes into the segment unsynced and into this file synced; the segment is synced
//! when this file is full, before anything is signed, and at its end. After a crash the open segment gets from here
//! what the disk had not got yet.
//!
//! The file holds frames one behind the other: `magic`, a number that all frames since the last sync of the segment
//! share, the segment, the place in it, the length, a CRC-64 (NVME) of all that and of the bytes, and the bytes. The first
//! frame that is not whole, has another number, or does not go on where the one before ended, ends what counts.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crc_fast::{CrcAlgorithm, Digest};

use crate::audit::storage::{self, JournalFile, Storage};
use crate::random;

/// The file, beside the folder of the segments.
pub(super) const JOURNAL: &str = "journal";

/// Its length, always. So much of a segment is synced at once: the longer, the rarer and the slower.
const LENGTH: usize = 1 << 20;

/// More bytes at once are cheaper to sync where they belong than to write twice.
const MOST: usize = 32 << 10;

const MAGIC: &[u8; 8] = b"dsjrnl2\n";
/// Magic and four numbers of eight bytes, little end first, before the checksum. It tells what a power cut tore; who
/// changes what stands here is found out by what is signed.
const NUMBERS: usize = 40;
const HEADER: usize = NUMBERS + 8;

/// The journal of a stream that is being written.
pub(super) struct Journal {
    path: PathBuf,
    file: Box<dyn JournalFile>,
    /// What this run of frames has in common.
    run: [u8; 8],
    end: usize,
    frame: Vec<u8>,
}

impl Journal {
    /// Opens the file, or makes it, and leaves nothing in it that counts.
    pub fn open(storage: &dyn Storage, path: &Path) -> io::Result<Self> {
        let file = storage.journal(path, LENGTH as u64)?;
        let mut journal = Self { path: path.to_owned(), file, run: [0; 8], end: 0, frame: Vec::new() };
        journal.clear()?;
        Ok(journal)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps bytes that belong at this place of a segment; they are durable when this returns. `false` when they are too
    /// many, or there is no room: then the segment has to be synced.
    pub fn keep(&mut self, segment: u64, place: u64, bytes: &[u8]) -> io::Result<bool> {
        if bytes.len() > MOST || self.end + HEADER + bytes.len() > LENGTH {
            return Ok(false);
        }
        self.frame.clear();
        encode(&mut self.frame, self.run, segment, place, bytes);
        storage::whole(self.file.write_at(&self.frame, self.end as u64)?, &self.frame)?;
        self.file.sync()?;
        self.end += self.frame.len();
        Ok(true)
    }

    /// The segment is synced: the next frame begins anew. Until it is there, the old ones only repeat what the segment
    /// has.
    pub fn begin_anew(&mut self) -> io::Result<()> {
        self.run = random::bytes().map_err(io::Error::other)?;
        self.end = 0;
        Ok(())
    }

    /// A segment begins, and the one before is synced. Said at once, for that one may be sealed and gone before the
    /// first frame.
    pub fn begin(&mut self, segment: u64) -> io::Result<()> {
        self.begin_anew()?;
        self.keep(segment, 0, &[]).map(|_| ())
    }

    /// All segments are synced.
    pub fn clear(&mut self) -> io::Result<()> {
        self.begin_anew()?;
        let nothing = [0; HEADER];
        storage::whole(self.file.write_at(&nothing, 0)?, &nothing)?;
        self.file.sync()
    }
}

fn encode(out: &mut Vec<u8>, run: [u8; 8], segment: u64, place: u64, bytes: &[u8]) {
    let begin = out.len();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&run);
    for number in [segment, place, bytes.len() as u64] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    let sum = checksum(out.get(begin..).unwrap_or_default(), bytes);
    out.extend_from_slice(&sum);
    out.extend_from_slice(bytes);
}

fn checksum(numbers: &[u8], bytes: &[u8]) -> [u8; 8] {
    let mut sum = Digest::new(CrcAlgorithm::Crc64Nvme);
    sum.update(numbers);
    sum.update(bytes);
    sum.finalize().to_le_bytes()
}

/// What a journal knows of the open segment.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    segment: u64,
    /// The segment's length when it was last synced.
    place: u64,
    /// What was acknowledged since.
    bytes: Vec<u8>,
}

struct Frame<'a> {
    run: [u8; 8],
    segment: u64,
    place: u64,
    bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame that a text begins with, and what is behind it.
    fn decode(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (numbers, rest) = text.split_at_checked(NUMBERS)?;
        let (sum, rest) = rest.split_at_checked(HEADER - NUMBERS)?;
        let mut fields = numbers.strip_prefix(MAGIC)?.chunks_exact(8).filter_map(|field| field.try_into().ok());
        let run = fields.next()?;
        let mut fields = fields.map(u64::from_le_bytes);
        let (segment, place, length) = (fields.next()?, fields.next()?, fields.next()?);
        let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        (checksum(numbers, bytes) == sum).then_some((Self { run, segment, place, bytes }, rest))
    }
}

impl Kept {
    /// What the file at `path` has; nothing if there is no file, or nothing in it counts.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut text = Vec::new();
        match File::open(path) {
            Ok(file) => file.take(LENGTH as u64).read_to_end(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Self::decode(&text))
    }

    /// The same, of the file's bytes.
    #[must_use]
    pub fn decode(text: &[u8]) -> Option<Self> {
        let (first, mut rest) = Frame::decode(text)?;
        let mut kept = Self { segment: first.segment, place: first.place, bytes: first.bytes.to_vec() };
        while let Some((frame, behind)) = Frame::decode(rest) {
            let follows = kept.end() == Some(frame.place);
            if !follows || frame.run != first.run || frame.segment != first.segment {
                break;
            }
            kept.bytes.extend_from_slice(frame.bytes);
            rest = behind;
        }
        kept.end().is_some().then_some(kept)
    }

    fn end(&self) -> Option<u64> {
        self.place.checked_add(self.bytes.len() as u64)
    }

    /// The segment it speaks of.
    pub(super) fn segment(&self) -> u64 {
        self.segment
    }

    /// Puts what was acknowledged where it belongs in the open segment, for good. Gives where that ends: what is behind
    /// it was synced there, or never acknowledged. Or nothing, if the segment is not there, or is shorter than it ever
    /// was: then it is left alone.
    pub(super) fn restore(&self, path: &Path) -> io::Result<Option<u64>> {
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let length = file.metadata()?.len();
        let Some(end) = self.end().filter(|_| length >= self.place) else { return Ok(None) };
        let mut there = Vec::new();
        file.seek(SeekFrom::Start(self.place))?;
        Read::by_ref(&mut file).take(self.bytes.len() as u64).read_to_end(&mut there)?;
        if there != self.bytes {
            tracing::warn!(path = %path.display(), from = self.place, "the open segment gets from the journal what a crash took");
            file.write_all_at(&self.bytes, self.place)?;
            file.sync_all()?;
        }
        Ok(Some(end))
    }
}

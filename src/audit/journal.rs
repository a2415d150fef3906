//! What makes an entry durable cheaply: a small file beside the segments, written over and over in place. A file that
//! does not grow is synced with one write, where a growing one costs another for its length, and more in the file
//! system's own journal. Each batch goes into the segment unsynced and into this file synced; the segment is synced
//! when this file is full, before anything is signed, and at its end. After a crash the open segment gets from here
//! what the disk had not got yet.
//!
//! The file has two halves, written in turn: one goes on until it is full, then the segment is synced and the other
//! begins. So what is being written never stands where the newest whole half does, and a power cut that tears the first
//! frame of one leaves the other, which says what the segment has had since.
//!
//! A half holds frames one behind the other: `magic`, the number of its run, the segment, the place in it, the length, a
//! CRC-64 (NVME) of all that and of the bytes, and the bytes. Each run has the next number. The first frame that is not
//! whole, is of another run, or does not go on where the one before ended, ends what counts; of the two halves the one of
//! the later run counts.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crc_fast::{CrcAlgorithm, Digest};

use crate::audit::storage::{self, JournalFile, Storage};
use crate::random;

/// The file, beside the folder of the segments.
pub(super) const JOURNAL: &str = "journal";

/// The length of each half, always. So much of a segment is synced at once: the longer, the rarer and the slower.
const HALF: usize = 1 << 20;

/// More bytes at once are cheaper to sync where they belong than to write twice.
const MOST: usize = 32 << 10;

const MAGIC: &[u8; 8] = b"dsjrnl3\n";
/// Magic and four numbers of eight bytes, little end first, before the checksum. It tells what a power cut tore; who
/// changes what stands here is found out by what is signed.
const NUMBERS: usize = 40;
const HEADER: usize = NUMBERS + 8;

/// The journal of a stream that is being written.
pub(super) struct Journal {
    path: PathBuf,
    file: Box<dyn JournalFile>,
    /// Which half is written, the number of its run, and where its frames end.
    half: usize,
    run: u64,
    end: usize,
    frame: Vec<u8>,
}

impl Journal {
    /// Opens the file, or makes it, and leaves nothing in it that counts.
    pub fn open(storage: &dyn Storage, path: &Path) -> io::Result<Self> {
        let file = storage.journal(path, 2 * HALF as u64)?;
        // frames of before lie behind those that are written now: theirs must be other numbers
        let first = u64::from_le_bytes(random::bytes().map_err(io::Error::other)?) >> 1;
        let mut journal = Self { path: path.to_owned(), file, half: 0, run: first, end: 0, frame: Vec::new() };
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
        if bytes.len() > MOST || self.end + HEADER + bytes.len() > HALF {
            return Ok(false);
        }
        self.write(segment, place, bytes)?;
        self.file.sync()?;
        Ok(true)
    }

    fn write(&mut self, segment: u64, place: u64, bytes: &[u8]) -> io::Result<()> {
        self.frame.clear();
        encode(&mut self.frame, self.run, segment, place, bytes);
        let at = self.half * HALF + self.end;
        storage::whole(self.file.write_at(&self.frame, at as u64)?, &self.frame)?;
        self.end += self.frame.len();
        Ok(())
    }

    /// The next frame begins the other half.
    fn begin_anew(&mut self) {
        // where nothing was written, the other half is still the one that counts
        if self.end > 0 {
            (self.half, self.run, self.end) = (1 - self.half, self.run + 1, 0);
        }
    }

    /// A segment begins, and the one before is synced. Said at once and for good, for that one may be sealed and gone
    /// before the first frame.
    pub fn begin(&mut self, segment: u64) -> io::Result<()> {
        self.note(segment, 0)?;
        self.file.sync()
    }

    /// The segment is synced up to this place on its own. Said so that what was acknowledged does not look like what a
    /// crash left over. It is not worth a sync: without this frame a power cut leaves less known, and nothing wrong.
    pub fn note(&mut self, segment: u64, place: u64) -> io::Result<()> {
        self.begin_anew();
        self.write(segment, place, &[])
    }

    /// All segments are synced.
    pub fn clear(&mut self) -> io::Result<()> {
        self.begin_anew();
        let nothing = [0; HEADER];
        for half in [0, HALF] {
            storage::whole(self.file.write_at(&nothing, half as u64)?, &nothing)?;
        }
        self.file.sync()
    }
}

fn encode(out: &mut Vec<u8>, run: u64, segment: u64, place: u64, bytes: &[u8]) {
    let begin = out.len();
    out.extend_from_slice(MAGIC);
    for number in [run, segment, place, bytes.len() as u64] {
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
    run: u64,
    segment: u64,
    /// The segment's length when it was last synced.
    place: u64,
    /// What was acknowledged since.
    bytes: Vec<u8>,
}

struct Frame<'a> {
    run: u64,
    segment: u64,
    place: u64,
    bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame that a text begins with, and what is behind it.
    fn decode(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (numbers, rest) = text.split_at_checked(NUMBERS)?;
        let (sum, rest) = rest.split_at_checked(HEADER - NUMBERS)?;
        let fields = numbers.strip_prefix(MAGIC)?.chunks_exact(8).filter_map(|field| field.try_into().ok());
        let mut fields = fields.map(u64::from_le_bytes);
        let (run, segment, place, length) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        (checksum(numbers, bytes) == sum).then_some((Self { run, segment, place, bytes }, rest))
    }
}

impl Kept {
    /// What the file at `path` has; nothing if there is no file, or nothing in it counts.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut text = Vec::new();
        match File::open(path) {
            Ok(file) => file.take(2 * HALF as u64).read_to_end(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let (one, other) = text.split_at(text.len().min(HALF));
        Ok(Self::decode([one, other]))
    }

    /// The same, of the bytes of the halves.
    #[must_use]
    pub fn decode(halves: [&[u8]; 2]) -> Option<Self> {
        halves.into_iter().filter_map(Self::of_half).max_by_key(|kept| kept.run)
    }

    fn of_half(text: &[u8]) -> Option<Self> {
        let (Frame { run, segment, place, bytes }, mut rest) = Frame::decode(text)?;
        let mut kept = Self { run, segment, place, bytes: bytes.to_vec() };
        while let Some((frame, behind)) = Frame::decode(rest) {
            let follows = kept.end() == Some(frame.place);
            if !follows || frame.run != run || frame.segment != segment {
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
    /// it was never acknowledged. Or nothing, if the segment is not there, or is shorter than it ever
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

//! Where a record lies: a log folder of this machine, or whatever else has the same layout.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::audit::segment::ENTRIES;
use crate::audit::stream;

/// Told how many bytes were read since it was told last.
pub type Step<'a> = dyn Fn(u64) + Sync + 'a;

/// A place that has streams in the published layout.
pub trait Place: Sync {
    /// How it is called in messages.
    fn name(&self) -> String;

    /// Whether its files were copied here one after the other, so that one may be behind another.
    fn is_copied(&self) -> bool {
        false
    }

    /// Whether it is the last place to have the entries: what is not there is nowhere.
    fn is_archive(&self) -> bool {
        false
    }

    /// Its streams, sorted.
    fn streams(&self) -> io::Result<Vec<String>>;

    /// A file of a stream; `None` if it is not there.
    fn read(&self, stream: &str, file: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(mut source) = self.open(stream, file)? else { return Ok(None) };
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// The same, to be read piece by piece.
    fn open(&self, stream: &str, file: &str) -> io::Result<Option<Box<dyn Read + Send>>>;

    /// The segments of a stream, oldest first.
    fn pieces(&self, stream: &str) -> io::Result<Vec<Piece>>;
}

/// A segment of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The index of its first entry, as its name says.
    pub first: u64,
    pub sealed: bool,
    /// As it is stored.
    pub bytes: u64,
}

impl Piece {
    /// The segment of this name; `None` if it names none.
    #[must_use]
    pub fn of_name(name: &str, bytes: u64) -> Option<Self> {
        let (digits, sealed) = match name.strip_suffix(".jsonl.zst") {
            Some(digits) => (digits, true),
            None => (name.strip_suffix(".jsonl")?, false),
        };
        let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let first = plain.then(|| digits.parse().ok()).flatten()?;
        Some(Self { first, sealed, bytes })
    }

    /// Below the folder of its stream.
    #[must_use]
    pub fn file(&self) -> String {
        let form = if self.sealed { ".jsonl.zst" } else { ".jsonl" };
        format!("{ENTRIES}/{:020}{form}", self.first)
    }

    /// As it was listed, and as it is called if it was sealed since then.
    #[must_use]
    pub fn forms(&self) -> [Self; 2] {
        [self.clone(), Self { sealed: !self.sealed, ..self.clone() }]
    }

    /// Its lines; also if it was sealed since it was listed.
    pub fn open<'a>(&self, place: &dyn Place, stream: &str, step: &'a Step<'a>) -> io::Result<Box<dyn Read + 'a>> {
        for piece in self.forms() {
            if let Some(source) = place.open(stream, &piece.file())? {
                let counted = Counted { source, step };
                return Ok(if piece.sealed { Box::new(zstd::Decoder::new(counted)?) } else { Box::new(counted) });
            }
        }
        Err(io::Error::new(io::ErrorKind::NotFound, format!("{stream}/{} is gone", self.file())))
    }
}

struct Counted<'a> {
    source: Box<dyn Read + Send>,
    step: &'a Step<'a>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.source.read(buffer)?;
        (self.step)(got as u64);
        Ok(got)
    }
}

/// A log folder, or an archive in a folder.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl Place for Folder {
    fn name(&self) -> String {
        self.0.display().to_string()
    }

    fn streams(&self) -> io::Result<Vec<String>> {
        stream::names(&self.0)
    }

    fn open(&self, stream: &str, file: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        match File::open(self.0.join(stream).join(file)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => Ok(Some(Box::new(other?))),
        }
    }

    fn pieces(&self, stream: &str) -> io::Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        let folder = self.0.join(stream).join(ENTRIES);
        let items = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(pieces),
            other => other?,
        };
        for item in items {
            let path = item?.path();
            let bytes = fs::metadata(&path).map_or(0, |file| file.len());
            pieces.extend(name(&path).and_then(|name| Piece::of_name(name, bytes)));
        }
        // where a crash left a segment in both forms, the plain one counts
        pieces.sort_unstable_by_key(|piece| (piece.first, piece.sealed));
        pieces.dedup_by_key(|piece| piece.first);
        Ok(pieces)
    }
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

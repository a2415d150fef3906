//! The files of a stream: `entries/<index of the first entry, 20 digits>.jsonl` while it may grow or waits to be
//! sealed, `.jsonl.zst` once it is. Whoever reads a segment asks [`Segment::open`] and sees the same lines, whichever
//! form it has by then and wherever it lies.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::archive::Shelf;

/// The longest line that can be an entry, newline not counted. The writer takes none longer.
pub const MAX_LINE: usize = 1 << 20;

const OPEN: &str = ".jsonl";
const SEALED: &str = ".jsonl.zst";
const DIGITS: usize = 20;

/// The folder of a stream that holds its segments.
pub const ENTRIES: &str = "entries";

/// How a segment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Lines as they are.
    Plain,
    /// Compressed with zstd.
    Sealed,
}

/// One segment by its name.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The index of its first entry.
    pub first: u64,
    /// Where it lies; in an archive the address, for people.
    pub path: PathBuf,
    pub form: Form,
    /// As it is stored, where the list says it.
    bytes: Option<u64>,
    /// The archive that has it; none for this machine's own.
    pub shelf: Option<Arc<Shelf>>,
}

impl Segment {
    /// One of an archive.
    pub fn on_shelf(shelf: Arc<Shelf>, first: u64, bytes: u64, folder: &Path) -> Self {
        let path = folder.join(sealed_name(first));
        Self { first, path, form: Form::Sealed, bytes: Some(bytes), shelf: Some(shelf) }
    }

    /// Its size as it is stored.
    pub fn bytes(&self) -> u64 {
        self.bytes.unwrap_or_else(|| fs::metadata(&self.path).map_or(0, |file| file.len()))
    }

    /// Its first lines; from an archive no more than these.
    pub fn open_start(&self) -> io::Result<Box<dyn Read + Send>> {
        match &self.shelf {
            Some(archived) => decompressed(io::Cursor::new(archived.read_start(self.first)?)),
            None => self.open(),
        }
    }

    /// Its lines, decompressed. An own segment that was sealed since it was listed is found in its new form.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        if let Some(archived) = &self.shelf {
            return decompressed(io::Cursor::new(archived.read(self.first)?));
        }
        match open_local(&self.path, self.form) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (form, name) = match self.form {
                    Form::Plain => (Form::Sealed, sealed_name(self.first)),
                    Form::Sealed => (Form::Plain, file_name(self.first)),
                };
                open_local(&self.path.with_file_name(name), form).map_err(|_| error)
            }
            other => other,
        }
    }
}

fn open_local(path: &Path, form: Form) -> io::Result<Box<dyn Read + Send>> {
    let file = File::open(path)?;
    match form {
        Form::Plain => Ok(Box::new(file)),
        Form::Sealed => decompressed(file),
    }
}

/// What a sealed segment holds.
pub fn decompressed(sealed: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(zstd::Decoder::new(sealed)?))
}

/// The name of the segment that begins with entry `first`.
pub fn file_name(first: u64) -> String {
    format!("{first:0DIGITS$}{OPEN}")
}

/// Its name once it is sealed.
pub fn sealed_name(first: u64) -> String {
    format!("{first:0DIGITS$}{SEALED}")
}

/// The segments of an `entries` folder, oldest first. Other files are none of ours and are passed over; where a crash
/// left a segment in both forms, the plain one counts.
pub fn list(entries: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for item in fs::read_dir(entries)? {
        let path = item?.path();
        let Some((first, form)) = path.file_name().and_then(|name| name.to_str()).and_then(read_name) else { continue };
        segments.push(Segment { first, path, form, bytes: None, shelf: None });
    }
    segments.sort_unstable_by_key(|segment| (segment.first, segment.form));
    segments.dedup_by_key(|segment| segment.first);
    Ok(segments)
}

/// First entry and form of the segment that is called so.
pub(super) fn read_name(name: &str) -> Option<(u64, Form)> {
    let (digits, form) = match (name.strip_suffix(SEALED), name.strip_suffix(OPEN)) {
        (Some(digits), _) => (digits, Form::Sealed),
        (None, Some(digits)) => (digits, Form::Plain),
        (None, None) => return None,
    };
    let plain = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten().map(|first| (first, form))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_exact_names_count() {
        for first in [42, u64::MAX] {
            assert_eq!(read_name(&file_name(first)), Some((first, Form::Plain)));
            assert_eq!(read_name(&sealed_name(first)), Some((first, Form::Sealed)));
        }
        for name in [
            "42.jsonl",
            "00000000000000000042.json",
            "+0000000000000000042.jsonl",
            "99999999999999999999.jsonl",
            "00000000000000000042.zst",
            "00000000000000000042.jsonl.zst.new",
        ] {
            assert_eq!(read_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_segment_in_both_forms_counts_once_and_is_found_in_either() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        write(&file_name(0), b"a\n");
        write(&sealed_name(0), &zstd::encode_all(&b"a\n"[..], 1).unwrap());
        write(&sealed_name(1), &zstd::encode_all(&b"b\n"[..], 1).unwrap());
        write(&file_name(2), b"c\n");
        let segments = list(folder.path()).unwrap();
        let forms: Vec<_> = segments.iter().map(|segment| (segment.first, segment.form)).collect();
        assert_eq!(forms, [(0, Form::Plain), (1, Form::Sealed), (2, Form::Plain)]);
        // sealed after it was listed
        fs::remove_file(folder.path().join(file_name(0))).unwrap();
        let read = |segment: &Segment| io::read_to_string(segment.open().unwrap()).unwrap();
        assert_eq!(segments.iter().map(read).collect::<String>(), "a\nb\nc\n");
        fs::remove_file(folder.path().join(sealed_name(0))).unwrap();
        assert_eq!(segments[0].open().err().map(|error| error.kind()), Some(io::ErrorKind::NotFound));
    }

    proptest! {
        #[test]
        fn a_file_is_found_by_the_name_it_was_given(first in any::<u64>(), other in any::<u64>(), text in "[0-9+.a-z]{0,30}") {
            prop_assert_eq!(read_name(&file_name(first)), Some((first, Form::Plain)));
            prop_assert_eq!(file_name(first).cmp(&file_name(other)), first.cmp(&other));
            prop_assert!(read_name(&text).is_none_or(|(index, _)| file_name(index) == text || sealed_name(index) == text));
        }
    }
}

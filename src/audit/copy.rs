//! A copy of a log as it is now, while its guard goes on writing: every file that a verifier reads, in the order in
//! which it reads them, so that what is written meanwhile is no fault of the copy.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::audit::checkpoint::{CHECKPOINT, CHECKPOINTS, NEXT_CHECKPOINT};
use crate::audit::keys::KEYS;
use crate::audit::pruned::PRUNED;
use crate::audit::segment::ENTRIES;
use crate::audit::storage::make_folder;
use crate::audit::stream;
use crate::audit::verify::{Folder, Piece, Place};

/// Bytes that are given together.
pub const TOGETHER: usize = 64 * 1024;

/// Read before the entries: what is signed must be there.
const BEFORE: [&str; 4] = [CHECKPOINT, CHECKPOINTS, KEYS, NEXT_CHECKPOINT];

/// Told the stream's name, the file's below it, and the bytes of it that come next.
pub type Give<'a> = dyn FnMut(&str, &str, &[u8]) -> io::Result<()> + 'a;

/// Gives every file of every stream, piece by piece. A file that is empty is given once, with no bytes.
///
/// # Errors
/// When the log cannot be read, or `give` fails.
pub fn give(log: &Path, give: &mut Give<'_>) -> io::Result<()> {
    let place = Folder(log.to_owned());
    for stream in stream::names(log)? {
        for file in BEFORE {
            if let Some(source) = place.open(&stream, file)? {
                pass(source, &mut |bytes| give(&stream, file, bytes))?;
            }
        }
        for piece in place.pieces(&stream)? {
            // in neither form if it was removed since: then it is among the pruned
            for piece in piece.forms() {
                if let Some(source) = place.open(&stream, &piece.file())? {
                    pass(source, &mut |bytes| give(&stream, &piece.file(), bytes))?;
                    break;
                }
            }
        }
        if let Some(source) = place.open(&stream, PRUNED)? {
            pass(source, &mut |bytes| give(&stream, PRUNED, bytes))?;
        }
    }
    Ok(())
}

fn pass(mut source: impl Read, give: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; TOGETHER];
    let mut first = true;
    loop {
        let got = source.read(&mut buffer)?;
        if got == 0 && !first {
            return Ok(());
        }
        first = false;
        give(buffer.get(..got).unwrap_or_default())?;
        if got == 0 {
            return Ok(());
        }
    }
}

/// Somebody gave a file that no log has.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    #[error("a log has no file {0}")]
    NoSuchFile(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A folder in which a copy arises.
#[derive(Debug)]
pub struct Copy {
    log: PathBuf,
}

impl Copy {
    /// An empty one, or one to which more streams come.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(log: &Path) -> io::Result<Self> {
        make_folder(log)?;
        Ok(Self { log: log.to_owned() })
    }

    /// Adds bytes to the end of a file. Names come from elsewhere: only those that a log has lead to a file.
    ///
    /// # Errors
    /// When it is no file of a log, or cannot be written.
    pub fn take(&self, name: &str, file: &str, bytes: &[u8]) -> Result<(), TakeError> {
        if !stream::is_name(name) || !is_file(file) {
            return Err(TakeError::NoSuchFile(format!("{name}/{file}")));
        }
        let folder = self.log.join(name);
        let path = folder.join(file);
        if !path.exists() {
            fs::create_dir_all(folder.join(ENTRIES))?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).open(path)?.write_all(bytes)?;
        Ok(())
    }
}

/// Whether a copy has files of this name.
fn is_file(name: &str) -> bool {
    let entries = name.strip_prefix(ENTRIES).and_then(|rest| rest.strip_prefix('/'));
    BEFORE.contains(&name) || name == PRUNED || entries.is_some_and(|name| Piece::of_name(name, 0).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(first: u64, form: &str) -> String {
        format!("{ENTRIES}/{first:020}{form}")
    }

    #[test]
    fn a_copy_has_what_a_verifier_reads_and_nothing_else() {
        let from = tempfile::tempdir().unwrap();
        let long = vec![7; 3 * TOGETHER + 5];
        let (plain, sealed) = (segment(9, ".jsonl"), segment(0, ".jsonl.zst"));
        let files: [(&str, &[u8]); 6] = [
            (KEYS, b"key\n"),
            (CHECKPOINT, b""),
            (CHECKPOINTS, &long),
            (&sealed, &long),
            (&plain, b"line\n"),
            (PRUNED, b"{}\n"),
        ];
        for stream in ["guard-0", "guard-1"] {
            fs::create_dir_all(from.path().join(stream).join(ENTRIES)).unwrap();
            for (file, bytes) in files {
                fs::write(from.path().join(stream).join(file), bytes).unwrap();
            }
            // the lock and what only saves time are no part of it
            fs::write(from.path().join(stream).join("lock"), b"").unwrap();
            fs::write(from.path().join(stream).join("sealed.jsonl"), b"{}").unwrap();
        }
        let to = tempfile::tempdir().unwrap();
        let copy = Copy::new(&to.path().join("log")).unwrap();
        give(from.path(), &mut |stream, file, bytes| copy.take(stream, file, bytes).map_err(io::Error::other)).unwrap();
        for stream in ["guard-0", "guard-1"] {
            let folder = to.path().join("log").join(stream);
            for (file, bytes) in files {
                assert!(fs::read(folder.join(file)).unwrap() == bytes, "{stream}/{file}");
            }
            assert!(!folder.join("lock").exists() && !folder.join("sealed.jsonl").exists());
        }
    }

    #[test]
    fn no_name_leads_out_of_it() {
        let to = tempfile::tempdir().unwrap();
        let copy = Copy::new(to.path()).unwrap();
        for (stream, file) in [
            ("..", KEYS),
            ("a/b", KEYS),
            ("", KEYS),
            ("guard-0", "../keys"),
            ("guard-0", "/etc/passwd"),
            ("guard-0", "lock"),
            ("guard-0", "entries/../keys"),
            ("guard-0", "entries/1.jsonl"),
            ("guard-0", "entriesx00000000000000000000.jsonl"),
            ("guard-0", ""),
        ] {
            assert!(matches!(copy.take(stream, file, b"x"), Err(TakeError::NoSuchFile(_))), "{stream} {file}");
        }
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 0);
    }

    proptest! {
        #[test]
        fn whatever_the_name_nothing_is_written_elsewhere(stream in "[a-z./-]{0,6}", file in "[a-z./0-9-]{0,12}") {
            let outer = tempfile::tempdir().unwrap();
            let copy = Copy::new(&outer.path().join("log")).unwrap();
            let _ = copy.take(&stream, &file, b"x");
            let names: Vec<_> = fs::read_dir(outer.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
            prop_assert_eq!(names, ["log"]);
        }
    }
}

//! A new file, there whole or not at all, and never in the place of another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::RevokeError;
use crate::random;

/// Writes `text` to a file that must not exist yet. Whoever follows the directory sees it complete.
pub(super) fn new_file(path: &Path, text: &str) -> Result<(), RevokeError> {
    let fault = |cause| RevokeError::Io { path: path.to_owned(), cause };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(fault)?;
    if path.symlink_metadata().is_ok() {
        return Err(RevokeError::Exists(path.to_owned()));
    }
    let unique = random::bytes::<8>().map_err(|error| fault(io::Error::other(error)))?;
    let unique = u64::from_be_bytes(unique);
    // hidden files are no objects
    let draft = parent.join(format!(".revocation-{unique:016x}.new"));
    let written = write(&draft, text).and_then(|()| settle(&draft, path));
    if written.is_err() {
        // the draft counts for nothing; it may stay when the disk is that broken
        let _ = fs::remove_file(&draft);
    }
    match written {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Err(RevokeError::Exists(path.to_owned())),
        other => other.and_then(|()| File::open(parent)?.sync_all()).map_err(fault),
    }
}

fn write(draft: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(target_os = "linux")]
fn settle(draft: &Path, path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, draft, CWD, path, RenameFlags::NOREPLACE) {
        // some network file systems cannot promise it
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => link(draft, path),
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
fn settle(draft: &Path, path: &Path) -> io::Result<()> {
    link(draft, path)
}

/// A second name fails where the name is taken.
fn link(draft: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(draft, path)?;
    fs::remove_file(draft)
}

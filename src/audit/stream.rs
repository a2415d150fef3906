//! Which stream a guard writes: the one that is there, or a new one under a name nobody else has: a guard
//! whose disk was replaced begins another stream, and the lost one stays what it was wherever else it
//! lies. Whoever holds the stream's lock is its only writer.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::encode;
use crate::audit::segment::ENTRIES;
use crate::audit::storage::make_folder;
use crate::audit::writer::LogError;
use crate::random;

/// A stream that this process alone may write.
#[derive(Debug)]
pub struct Stream {
    pub name: Arc<str>,
    pub entries: PathBuf,
    /// Held for as long as something may still be written.
    pub lock: File,
}

impl Stream {
    /// Takes the stream called `wanted`; without a name the only one there is of this owner, or of all, or a new one.
    pub fn take(log: &Path, wanted: Option<&str>, owner: Option<&str>) -> Result<Self, LogError> {
        fs::create_dir_all(log.parent().unwrap_or(log)).map_err(LogError::io("create", log))?;
        make_folder(log).map_err(LogError::io("create", log))?;
        let name = match wanted {
            Some(name) if is_name(name) => name.to_owned(),
            Some(name) => return Err(LogError::StreamName { name: name.to_owned() }),
            None => choose(log, owner)?,
        };
        let folder = log.join(&name);
        make_folder(&folder).map_err(LogError::io("create", &folder))?;
        let lock = lock(&folder.join("lock"))?;
        let entries = folder.join(ENTRIES);
        make_folder(&entries).map_err(LogError::io("create", &entries))?;
        Ok(Self { name: name.into(), entries, lock })
    }
}

/// Whether a text can name a stream: it becomes a folder, and part of every receipt.
pub fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    letters && (1..=63).contains(&name.len()) && !name.starts_with('-')
}

/// The names of all streams of a log, sorted.
pub fn names(log: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for item in fs::read_dir(log)? {
        let item = item?;
        let Some(name) = item.file_name().into_string().ok().filter(|name| is_name(name)) else { continue };
        match fs::metadata(item.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // one that cannot be looked at may be a stream: without it the record would look whole, and is not
            other => names.extend(other?.is_dir().then_some(name)),
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// A new name is its owner's, and so many random bytes.
const RANDOM: usize = 4;
/// As much of the owner's name as leaves room for them.
const OWNER: usize = 63 - 1 - 2 * RANDOM;

fn choose(log: &Path, owner: Option<&str>) -> Result<String, LogError> {
    let mut found = names(log).map_err(LogError::io("list", log))?;
    let begin = owner.map(|owner| owner.get(..OWNER).unwrap_or(owner));
    if let Some(begin) = begin {
        // one without a random end was named by hand, or by an earlier version
        found.retain(|name| name.strip_prefix(begin).is_some_and(|end| end.is_empty() || is_random(end)));
    }
    match (found.pop(), found.is_empty()) {
        (Some(name), true) => Ok(name),
        (Some(name), false) => {
            found.push(name);
            Err(LogError::SeveralStreams { log: log.into(), found: found.join(", ") })
        }
        (None, _) => {
            let mut digits = Vec::new();
            encode::hex(&mut digits, &random::bytes::<RANDOM>()?);
            let name = format!("{}-{}", begin.unwrap_or("guard"), String::from_utf8_lossy(&digits));
            if is_name(&name) { Ok(name) } else { Err(LogError::StreamName { name }) }
        }
    }
}

fn is_random(end: &str) -> bool {
    end.strip_prefix('-').is_some_and(|digits| {
        digits.len() == 2 * RANDOM && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn lock(path: &Path) -> Result<File, LogError> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(LogError::io("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogError::Locked { path: path.into() }),
        Err(TryLockError::Error(source)) => Err(LogError::io("lock", path)(source)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_stream_that_is_there_is_taken_up_and_two_are_a_question() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("state/log");
        let first = Stream::take(&log, None, None).unwrap();
        assert!(first.name.starts_with("guard-") && first.name.len() == 14, "{}", first.name);
        assert!(matches!(Stream::take(&log, None, None), Err(LogError::Locked { .. })));
        let name = first.name.clone();
        drop(first);
        assert_eq!(Stream::take(&log, None, None).unwrap().name, name);

        assert_eq!(&*Stream::take(&log, Some("another"), None).unwrap().name, "another");
        let said = Stream::take(&log, None, None).unwrap_err().to_string();
        assert!(said.contains("another") && said.contains(&*name), "{said}");
        for bad in ["", "..", "a/b", "-x", "Guard", "a b"] {
            assert!(matches!(Stream::take(&log, Some(bad), None), Err(LogError::StreamName { .. })), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_looked_at_is_not_passed_over_as_no_stream() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("guard-1")).unwrap();
        fs::write(folder.path().join("note"), "").unwrap();
        symlink("nowhere", folder.path().join("gone")).unwrap();
        assert_eq!(names(folder.path()).unwrap(), ["guard-1"]);
        // a link to itself fails for everybody, also for root, whom no permissions stop
        symlink("loop", folder.path().join("loop")).unwrap();
        assert!(names(folder.path()).is_err());
    }

    #[test]
    fn an_owner_goes_on_with_its_own_and_on_an_empty_disk_begins_one_that_never_was() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let of = |owner: &str| Stream::take(&log, None, Some(owner)).map(|stream| stream.name.to_string());
        let first = of("guard-1").unwrap();
        assert!(first.strip_prefix("guard-1").is_some_and(is_random), "{first}");
        // others' are none of its own, even if they begin alike
        let other = of("guard").unwrap();
        assert!(other.starts_with("guard-") && other != first, "{other}");
        assert_eq!((of("guard-1").unwrap(), of("guard").unwrap()), (first.clone(), other));
        // an earlier version named it after the guard alone
        fs::create_dir(log.join("guard-2")).unwrap();
        assert_eq!(of("guard-2").unwrap(), "guard-2");
        fs::remove_dir_all(&log).unwrap();
        assert_ne!(of("guard-1").unwrap(), first);
        let owner = "x".repeat(63);
        let name = of(&owner).unwrap();
        assert_eq!((name.len(), of(&owner).unwrap()), (63, name));
    }
}

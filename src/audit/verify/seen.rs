//! What an auditor has seen, kept as `known_hosts` keeps keys: per stream the key it began with, the
//! newest checkpoint that held, and where. A log that is an earlier state of itself, or another log
//! under the same name, cannot agree with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::audit::checkpoint::{CheckpointError, Signed};
use crate::audit::note::{KeyError, VerifyingKey};
use crate::audit::storage::{Disk, replace};

/// The folder of what was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    folder: PathBuf,
}

/// What was seen of one stream.
#[derive(Clone, Debug)]
pub struct SeenStream {
    pub key: VerifyingKey,
    /// The place where it lay.
    pub place: String,
    pub signed: Signed,
    /// The file that says so.
    pub path: PathBuf,
}

/// What was seen cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum SeenError {
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{}:1: {source}", path.display())]
    Key { path: PathBuf, source: KeyError },
    #[error("{}:2: no line `at PLACE`", .0.display())]
    Place(PathBuf),
    #[error("{}: {source}", path.display())]
    Checkpoint { path: PathBuf, source: CheckpointError },
}

impl Seen {
    /// What is kept in this folder, which need not be there.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// What was seen of a stream; `origin` is what its own keys say, and without any its name has to do.
    pub fn of_stream(&self, stream: &str, origin: Option<&str>) -> Result<Option<SeenStream>, SeenError> {
        if let Some(origin) = origin {
            return Self::read(&self.path(origin));
        }
        let mut all = self.all()?.into_iter();
        Ok(all.find(|seen| seen.key.name().rsplit_once('/').is_some_and(|(_, name)| name == stream)))
    }

    /// All that was seen.
    pub fn all(&self) -> Result<Vec<SeenStream>, SeenError> {
        let failed = |source| SeenError::Io { what: "list", path: self.folder.clone(), source };
        let items = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed)?,
        };
        let mut all = Vec::new();
        for item in items {
            let path = item.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "seen") {
                all.extend(Self::read(&path)?);
            }
        }
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(all)
    }

    /// Remembers a stream that held.
    pub fn remember(&self, key: &VerifyingKey, place: &str, signed: &Signed) -> Result<(), SeenError> {
        let path = self.path(key.name());
        fs::create_dir_all(&self.folder).map_err(|source| SeenError::Io {
            what: "create",
            path: self.folder.clone(),
            source,
        })?;
        let place = place.replace(['\n', '\r'], " ");
        let text = format!("{key}\nat {place}\n{}", signed.note);
        replace(&Disk, &path, text.as_bytes()).map_err(|source| SeenError::Io { what: "write", path, source })
    }

    fn path(&self, origin: &str) -> PathBuf {
        // no name of a key has a plus sign
        self.folder.join(format!("{}.seen", origin.replace('/', "+")))
    }

    fn read(path: &Path) -> Result<Option<SeenStream>, SeenError> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|source| SeenError::Io { what: "read", path: path.to_owned(), source })?,
        };
        SeenStream::parse(&text, path).map(Some)
    }
}

impl SeenStream {
    /// Reads the text of such a file.
    pub fn parse(text: &str, path: &Path) -> Result<Self, SeenError> {
        let path = path.to_owned();
        let (key, rest) = text.split_once('\n').unwrap_or((text, ""));
        let key = match key.parse() {
            Err(source) => return Err(SeenError::Key { path, source }),
            Ok(key) => key,
        };
        let Some((place, note)) = rest.strip_prefix("at ").and_then(|rest| rest.split_once('\n')) else {
            return Err(SeenError::Place(path));
        };
        match Signed::parse(note) {
            Err(source) => Err(SeenError::Checkpoint { path, source }),
            Ok(signed) => Ok(Self { key, place: place.to_owned(), signed, path }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::checkpoint::Checkpoint;
    use crate::audit::note::SigningKey;

    fn signed(key: &SigningKey, size: u64) -> Signed {
        let origin = key.public().name().to_owned();
        Checkpoint {
            origin,
            size,
            root: [1; 32],
            number: size,
            interim: false,
            time: "2026-11-27T00:00:00Z".parse().unwrap(),
        }
        .sign(&[key])
    }

    #[test]
    fn what_is_remembered_is_found_by_origin_and_by_stream() {
        let folder = tempfile::tempdir().unwrap();
        let seen = Seen::new(folder.path().join("a/seen"));
        assert!(seen.all().unwrap().is_empty());
        let key = SigningKey::generate("济南/guard-1").unwrap();
        for size in [1, 2] {
            seen.remember(key.public(), "/some/where", &signed(&key, size)).unwrap();
        }
        for origin in [Some("济南/guard-1"), None] {
            let found = seen.of_stream("guard-1", origin).unwrap().unwrap();
            assert_eq!(
                (&found.key, found.signed.checkpoint.size, found.place.as_str()),
                (key.public(), 2, "/some/where")
            );
        }
        assert!(seen.of_stream("guard-2", None).unwrap().is_none());
        assert!(seen.of_stream("guard-1", Some("other/guard-1")).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_read_or_refused(text in "([a-z+0-9=]{0,20}\n)?(at [a-z/]{0,5}\n)?\\PC{0,40}", place in "[a-z/. ]{0,9}") {
            let path = Path::new("x.seen");
            let _ = SeenStream::parse(&text, path);
            let key = SigningKey::generate("a/b").unwrap();
            let signed = signed(&key, 3);
            let read = SeenStream::parse(&format!("{}\nat {place}\n{}", key.public(), signed.note), path).unwrap();
            prop_assert_eq!((read.place, read.signed), (place, signed));
        }
    }
}

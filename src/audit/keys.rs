//! The keys of a stream. `keys` in its folder names the public ones, oldest first, a line each. What
//! signs lies elsewhere, in a folder of the guard's own: `<stream>.key`, readable by its owner only,
//! and `<stream>.next` from the moment a new key is wanted until it has taken over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::audit::note::{KeyError, SigningKey, VerifyingKey};
use crate::audit::storage::{self, Storage, make_folder};
use crate::random::RandomError;

/// The file of a stream that names its public keys.
pub const KEYS: &str = "keys";

/// A key that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{}:{line}: {source}", path.display())]
    Line { path: PathBuf, line: usize, source: KeyError },
    #[error(transparent)]
    Random(#[from] RandomError),
    #[error("{} is there already: the key before it has not taken over yet", .0.display())]
    Pending(PathBuf),
}

impl KeyFileError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// Reads the lines of a `keys` file. Nothing but keys, each with its line end: no byte is without meaning.
pub fn parse(text: &[u8]) -> Result<Vec<VerifyingKey>, (usize, KeyError)> {
    let text = std::str::from_utf8(text).map_err(|_| (1, KeyError::Form))?;
    let key = |(number, line): (usize, &str)| {
        let line = line.strip_suffix('\n').ok_or((number, KeyError::Form))?;
        line.parse().map_err(|error| (number, error))
    };
    (1..).zip(text.split_inclusive('\n')).map(key).collect()
}

/// What [`parse`] reads.
#[must_use]
pub fn text(keys: &[VerifyingKey]) -> String {
    keys.iter().map(|key| format!("{key}\n")).collect()
}

/// Reads a `keys` file; `None` if there is none.
pub fn read(path: &Path) -> Result<Option<Vec<VerifyingKey>>, KeyFileError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyFileError::io("read", path)(source)),
        Ok(text) => {
            let path = path.to_owned();
            parse(&text).map(Some).map_err(|(line, source)| KeyFileError::Line { path, line, source })
        }
    }
}

/// Where the signing keys of a guard's streams lie.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    folder: PathBuf,
}

impl SigningKeys {
    /// Those in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The key in force.
    pub fn current(&self, stream: &str) -> Result<Option<SigningKey>, KeyFileError> {
        load(&self.current_path(stream))
    }

    /// The key that is to take over.
    pub fn next(&self, stream: &str) -> Result<Option<SigningKey>, KeyFileError> {
        load(&self.next_path(stream))
    }

    /// Makes the first key of a stream; durable when this returns.
    pub fn create(&self, storage: &dyn Storage, stream: &str, origin: &str) -> Result<SigningKey, KeyFileError> {
        self.put(storage, &self.current_path(stream), origin)
    }

    /// Makes the key that is to take over; durable when this returns.
    pub fn create_next(&self, storage: &dyn Storage, stream: &str, origin: &str) -> Result<SigningKey, KeyFileError> {
        let path = self.next_path(stream);
        if path.exists() {
            return Err(KeyFileError::Pending(path));
        }
        self.put(storage, &path, origin)
    }

    /// The next key is the current one from now on.
    pub fn promote(&self, storage: &dyn Storage, stream: &str) -> Result<(), KeyFileError> {
        let path = self.next_path(stream);
        storage.rename(&path, &self.current_path(stream)).map_err(KeyFileError::io("move", &path))
    }

    /// Where the guard keeps the tree between two runs, beside its keys.
    pub(super) fn tree_path(&self, stream: &str) -> PathBuf {
        self.folder.join(format!("{stream}.tree"))
    }

    fn current_path(&self, stream: &str) -> PathBuf {
        self.folder.join(format!("{stream}.key"))
    }

    fn next_path(&self, stream: &str) -> PathBuf {
        self.folder.join(format!("{stream}.next"))
    }

    fn put(&self, storage: &dyn Storage, path: &Path, origin: &str) -> Result<SigningKey, KeyFileError> {
        make_folder(&self.folder).map_err(KeyFileError::io("create", &self.folder))?;
        let key = SigningKey::generate(origin)?;
        let line = format!("{}\n", key.line().expose());
        storage::replace(storage, path, line.as_bytes()).map_err(KeyFileError::io("write", path))?;
        Ok(key)
    }
}

fn load(path: &Path) -> Result<Option<SigningKey>, KeyFileError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(KeyFileError::io("read", path))?,
    };
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let bad = |source| KeyFileError::Line { path: path.to_owned(), line: 1, source };
    SigningKey::parse(line).map(Some).map_err(bad)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;
    use crate::audit::storage::Disk;

    #[test]
    fn a_key_is_private_and_the_next_one_takes_over() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SigningKeys::new(&folder.path().join("notary"));
        assert!(keys.current("guard-1").unwrap().is_none());
        let first = keys.create(&Disk, "guard-1", "jinan/guard-1").unwrap();
        let next = keys.create_next(&Disk, "guard-1", "jinan/guard-1").unwrap();
        assert!(matches!(keys.create_next(&Disk, "guard-1", "jinan/guard-1"), Err(KeyFileError::Pending(_))));
        assert_eq!(keys.current("guard-1").unwrap().unwrap().public(), first.public());
        keys.promote(&Disk, "guard-1").unwrap();
        assert_eq!(keys.current("guard-1").unwrap().unwrap().public(), next.public());
        assert!(keys.next("guard-1").unwrap().is_none());
        let file = folder.path().join("notary/guard-1.key");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("notary")).unwrap().count(), 1);
    }

    proptest! {
        #[test]
        fn keys_read_are_the_keys_written(bytes in "([a-z]{1,3}\\+[0-9a-f]{8}\\+[A-Za-z0-9+/]{44}\n){0,2}\\PC{0,9}") {
            if let Ok(keys) = parse(bytes.as_bytes()) {
                prop_assert_eq!(text(&keys), bytes);
            }
        }
    }

    #[test]
    fn every_line_is_read_or_named() {
        let keys: Vec<_> = (0..3).map(|_| SigningKey::generate("a").unwrap().public().clone()).collect();
        let written = text(&keys);
        assert_eq!(parse(written.as_bytes()).unwrap(), keys);
        assert_eq!(parse(written.trim_end().as_bytes()).unwrap_err().0, 3);
        assert_eq!(parse(written.replacen('\n', "\n\n", 1).as_bytes()).unwrap_err().0, 2);
    }
}

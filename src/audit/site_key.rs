//! The site key: sensitive values enter the record only as `hmac-sha256:<hex>` under it. An auditor
//! who holds the key can ask who looked up a person; the record itself names nobody.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::audit::encode;
use crate::random;
use crate::redacted::Redacted;

const PREFIX: &str = "hmac-sha256:";
const LENGTH: usize = PREFIX.len() + 64;

/// 32 secret bytes, ready to hash with.
#[derive(Clone)]
pub struct SiteKey(Redacted<Hmac<Sha256>>);

/// Why there is no site key.
#[derive(Debug, thiserror::Error)]
pub enum SiteKeyError {
    #[error("cannot {what} the site key {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("the site key {} has {found} bytes instead of 32: put the right file back; a new key would hide everybody in the record so far", path.display())]
    Length { path: PathBuf, found: usize },
    #[error(transparent)]
    Random(#[from] random::RandomError),
}

impl SiteKey {
    /// The key made of these bytes.
    #[must_use]
    pub fn new(bytes: &Redacted<[u8; 32]>) -> Self {
        // HMAC pads a key shorter than its block with zeros; doing so here leaves nothing that can fail
        let mut padded = hmac::digest::Key::<Hmac<Sha256>>::default();
        for (slot, byte) in padded.iter_mut().zip(bytes.expose()) {
            *slot = *byte;
        }
        Self(Redacted::new(<Hmac<Sha256> as hmac::digest::KeyInit>::new(&padded)))
    }

    /// Reads the key from its file.
    pub fn load(path: &Path) -> Result<Self, SiteKeyError> {
        let bytes = fs::read(path).map_err(|source| SiteKeyError::Io { what: "read", path: path.into(), source })?;
        let found = bytes.len();
        let key: [u8; 32] = bytes.try_into().map_err(|_| SiteKeyError::Length { path: path.into(), found })?;
        Ok(Self::new(&Redacted::new(key)))
    }

    /// Reads the key from its file, or makes it: readable by its owner only, on disk before it is used.
    pub fn load_or_create(path: &Path) -> Result<Self, SiteKeyError> {
        match Self::load(path) {
            Err(SiteKeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let key = Redacted::new(random::bytes::<32>()?);
        let made = create(path, key.expose());
        match made {
            // another process was faster: its key is the one
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
            Err(source) => Err(SiteKeyError::Io { what: "create", path: path.into(), source }),
            Ok(()) => Ok(Self::new(&key)),
        }
    }

    /// The keyed hash of one value alone.
    #[must_use]
    pub fn hash(&self, value: &str) -> Hashed {
        let mut mac = self.0.expose().clone();
        mac.update(value.as_bytes());
        let mut text = Vec::with_capacity(LENGTH);
        text.extend_from_slice(PREFIX.as_bytes());
        encode::hex(&mut text, &mac.finalize().into_bytes());
        Hashed(text.try_into().unwrap_or([b'?'; LENGTH]))
    }
}

/// Writes beside its place and links it there, so that no reader ever sees half a key.
fn create(path: &Path, key: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(key)?;
        file.sync_all()?;
        fs::hard_link(&draft, path)
    })();
    let removed = fs::remove_file(&draft);
    written.and(removed)?;
    File::open(folder)?.sync_all()
}

impl fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteKey([redacted])")
    }
}

/// A value under the site key, as it stands in the record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hashed([u8; LENGTH]);

impl Hashed {
    /// `hmac-sha256:<hex>`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or(PREFIX)
    }
}

impl fmt::Display for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_hash_is_plain_hmac_of_the_value_alone() {
        // RFC 4231 test case 2 has a four-byte key, which zero padding makes equal to this one
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(b"Jefe");
        let key = SiteKey::new(&Redacted::new(bytes));
        assert_eq!(
            key.hash("what do ya want for nothing?").as_str(),
            "hmac-sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert!(!format!("{key:?}").contains("Jefe"));
    }

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site-key");
        let first = SiteKey::load_or_create(&path).unwrap();
        let second = SiteKey::load_or_create(&path).unwrap();
        assert_eq!(first.hash("张三"), second.hash("张三"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_key_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site-key");
        fs::write(&path, b"short").unwrap();
        let said = SiteKey::load_or_create(&path).unwrap_err().to_string();
        assert!(said.contains("has 5 bytes instead of 32"), "{said}");
        assert_eq!(fs::read(&path).unwrap(), b"short");
    }
}

//! Secrets as files, `<namespace>/<name>/<key>`: what a `secretRef` means without Kubernetes. A
//! reference cannot lead out of its namespace, and what was read prints as `[redacted]`.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::redacted::Redacted;

/// Kubernetes keeps no larger Secret either.
const MAX_BYTES: u64 = 1024 * 1024;

/// A secret that cannot be had. Never holds any of its bytes.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("`{0}` cannot be part of a secret's name; use letters, digits, '-', '_' and '.'")]
    Name(String),
    #[error("{path}: {cause}; write the secret into this file, readable to its owner only")]
    Io { path: String, cause: io::Error },
    #[error("{path}: is larger than {MAX_BYTES} bytes, or not UTF-8")]
    Unfit { path: String },
    #[error("{path}: is empty")]
    Empty { path: String },
}

/// The secrets of a state directory.
#[derive(Debug, Clone)]
pub struct Secrets {
    root: PathBuf,
}

impl Secrets {
    pub(super) fn below(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where the file of a secret must be.
    ///
    /// # Errors
    /// When a part of the name could lead elsewhere.
    pub fn path(&self, namespace: &str, name: &str, key: &str) -> Result<PathBuf, SecretError> {
        let mut path = self.root.clone();
        for part in [namespace, name, key] {
            let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            if !(1..=253).contains(&part.len()) || part.starts_with('.') || !part.bytes().all(fine) {
                return Err(SecretError::Name(part.to_owned()));
            }
            path.push(part);
        }
        Ok(path)
    }

    /// The secret's text, without the newline that editors add.
    ///
    /// # Errors
    /// When there is none, or it is empty or unfit.
    pub fn read(&self, namespace: &str, name: &str, key: &str) -> Result<Redacted<String>, SecretError> {
        let path = self.path(namespace, name, key)?;
        let shown = || path.display().to_string();
        let fault = |cause| SecretError::Io { path: shown(), cause };
        let file = File::open(&path).map_err(fault)?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(fault)?;
        let Some(mut text) = String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= MAX_BYTES) else {
            return Err(SecretError::Unfit { path: shown() });
        };
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
        if text.is_empty() {
            return Err(SecretError::Empty { path: shown() });
        }
        Ok(Redacted::new(text))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_one_key_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("jinan/app")).unwrap();
        fs::write(dir.path().join("jinan/app/token"), "s3cret\n").unwrap();
        fs::write(dir.path().join("jinan/app/empty"), "\n").unwrap();
        fs::write(dir.path().join("jinan/app/large"), vec![b'x'; 1024 * 1024 + 1]).unwrap();
        let secrets = Secrets::below(dir.path().to_owned());
        let token = secrets.read("jinan", "app", "token").unwrap();
        assert_eq!((token.expose().as_str(), format!("{token:?}").as_str()), ("s3cret", "[redacted]"));
        assert!(matches!(secrets.read("jinan", "app", "empty"), Err(SecretError::Empty { .. })));
        assert!(matches!(secrets.read("jinan", "app", "large"), Err(SecretError::Unfit { .. })));
        assert!(matches!(secrets.read("jinan", "app", "none"), Err(SecretError::Io { .. })));
        for bad in ["..", ".", "", "a/b", "a\0", ".hidden"] {
            assert!(matches!(secrets.read(bad, "app", "token"), Err(SecretError::Name(_))), "{bad:?}");
            assert!(matches!(secrets.read("jinan", bad, "token"), Err(SecretError::Name(_))), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_never_leads_elsewhere(parts in prop::collection::vec("[a-z./~\\\\\0-]{0,6}|\\PC{0,6}", 3)) {
            let secrets = Secrets::below(PathBuf::from("/state/secrets"));
            if let Ok(path) = secrets.path(&parts[0], &parts[1], &parts[2]) {
                let below: Vec<_> = path.strip_prefix("/state/secrets").unwrap().components().collect();
                let expected: Vec<_> = parts.iter().map(|part| std::path::Component::Normal(part.as_ref())).collect();
                prop_assert_eq!(below, expected);
            }
        }
    }
}

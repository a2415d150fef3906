//! Where an archive lies: `file:///folder` or `s3://bucket/prefix`.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A place for an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Folder(PathBuf),
    S3 { bucket: String, prefix: String },
}

/// A text that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no archive: write file:///folder or s3://bucket/prefix")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bad = || AddressError(text.to_owned());
        let clean = !text.chars().any(|letter| letter.is_control() || matches!(letter, '?' | '#' | '@' | '\\'));
        let steps = |path: &str| !path.split('/').any(|part| matches!(part, "." | ".."));
        if let Some(folder) = text.strip_prefix("file://").filter(|_| clean) {
            let whole = folder.len() > 1 && folder.starts_with('/') && steps(folder);
            return if whole { Ok(Self::Folder(folder.into())) } else { Err(bad()) };
        }
        let Some(rest) = text.strip_prefix("s3://").filter(|_| clean) else { return Err(bad()) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(named) || !steps(prefix) {
            return Err(bad());
        }
        Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }
}

/// Makes the folder, private to its owner. Only the last part of its path: a disk that is not mounted is no archive.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_forms_and_no_other() {
        assert_eq!("file:///var/archive".parse(), Ok(Address::Folder("/var/archive".into())));
        let s3 = |bucket: &str, prefix: &str| Ok(Address::S3 { bucket: bucket.into(), prefix: prefix.into() });
        assert_eq!("s3://records/a/b/".parse::<Address>(), s3("records", "a/b"));
        assert_eq!("s3://records".parse::<Address>(), s3("records", ""));
        for bad in [
            "",
            "/var",
            "file://host/var",
            "file:///",
            "file:///a/../b",
            "s3://",
            "s3:///a",
            "s3://UP/a",
            "s3://ab",
            "s3://key:secret@records/a",
            "s3://records/a?x=1",
            "s3://records/../a",
            "https://records/a",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_folder(text in "(file|s3)://[a-z/.@?-]{0,20}|\\PC{0,20}") {
            if let Ok(address) = text.parse::<Address>() {
                let path = match address {
                    Address::Folder(folder) => folder.to_string_lossy().into_owned(),
                    Address::S3 { prefix, .. } => prefix,
                };
                prop_assert!(!path.split('/').any(|part| part == ".."));
            }
        }
    }
}

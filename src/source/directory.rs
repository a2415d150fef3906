//! A directory tree as a source: which of its files count, how one is read without being led outside,
//! blocked or flooded, and what its documents come to. Knows nothing of changes over time.

mod walk;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::finding::{Finding, FindingCode, Severity};
use super::typed::{self, Loaded, Origin};
use super::yaml::{self, YamlError, YamlFault};
pub(super) use walk::{Entry, Walk};

/// Files and folders one directory may hold; above it nobody knows what is missing, so nothing is served.
pub const MAX_FILES: usize = 1_000_000;
/// Name of the settings file at the root.
pub const SETTINGS: &str = "datashare.yaml";
/// Name of the signers' file at the root.
pub const SIGNERS: &str = "allowed_signers";
/// Findings told of one file; a file with more is not a file of objects.
const MAX_FINDINGS: usize = 100;

/// The root cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be read: {cause}; check that the directory exists and may be read")]
pub struct RootError {
    path: String,
    cause: io::Error,
}

/// What a file is for, by its place and name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Objects,
    Settings,
    Signers,
    /// Not ours: hidden, or neither YAML nor one of the two names.
    Other,
}

impl Role {
    /// The role of a path relative to the root, with `/`.
    #[must_use]
    pub fn of(path: &str) -> Self {
        match path {
            SETTINGS => Self::Settings,
            SIGNERS => Self::Signers,
            _ if path.split('/').any(is_hidden) => Self::Other,
            _ if Path::new(path).extension().is_some_and(|end| end == "yaml" || end == "yml") => Self::Objects,
            _ => Self::Other,
        }
    }
}

/// `.git`, `.datashare`, editors' swap files and `..data` of mounted volumes.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// Changes whenever a file's content may have: no content changes without its inode's change time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64);

impl Stamp {
    /// Of a file that could not be read: whoever compares looks again.
    pub(super) const NEVER: Self = Self(0);

    pub(super) fn of(meta: &fs::Metadata) -> Self {
        let mut hash = Sha256::new();
        for part in [meta.ctime(), meta.ctime_nsec()] {
            hash.update(part.to_le_bytes());
        }
        for part in [meta.dev(), meta.ino(), meta.size()] {
            hash.update(part.to_le_bytes());
        }
        Self(first_eight(hash))
    }
}

/// The first bytes of a hash as a number.
pub(super) fn first_eight(hash: Sha256) -> u64 {
    let all: [u8; 32] = hash.finalize().into();
    all.first_chunk().copied().map_or(0, u64::from_le_bytes)
}

/// What a look at one path found.
#[derive(Debug)]
pub enum Seen {
    /// No file that counts.
    Absent,
    /// There, but not readable as text; the finding says why.
    Unreadable(Stamp, Box<Finding>),
    Text(Stamp, String),
}

/// A file's documents, typed, with all that is to be said about them.
#[derive(Debug, Default)]
pub struct FileLoad {
    /// In the order of the file; broken ones without object.
    pub documents: Vec<Loaded>,
    /// Of the file and of its documents.
    pub findings: Vec<Finding>,
}

/// The tree below one root.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
    max_files: usize,
}

impl Directory {
    /// A directory that can be read now.
    ///
    /// # Errors
    /// When it cannot.
    pub fn open(root: &Path) -> Result<Self, RootError> {
        let fault = |cause| RootError { path: root.display().to_string(), cause };
        let directory = Self { root: std::path::absolute(root).map_err(fault)?, max_files: MAX_FILES };
        directory.identity().map_err(fault)?;
        Ok(directory)
    }

    /// The same directory with a lower limit.
    #[must_use]
    pub fn with_max_files(self, max_files: usize) -> Self {
        Self { max_files, ..self }
    }

    /// What to say when there are more files than that.
    pub(super) fn too_many(&self) -> Finding {
        let message = format!("the directory holds more than {} files and folders", self.max_files);
        Finding::of_file(
            FindingCode::TooManyFiles,
            ".",
            1,
            message,
            "move what is over elsewhere; until then nothing is served",
        )
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Which directory stands at the root's path now; an error when none can be read there.
    pub(super) fn identity(&self) -> io::Result<(u64, u64)> {
        let meta = fs::metadata(&self.root)?;
        fs::read_dir(&self.root)?;
        Ok((meta.dev(), meta.ino()))
    }

    pub(super) fn path(&self, relative: &str) -> PathBuf {
        if relative.is_empty() { self.root.clone() } else { self.root.join(relative) }
    }

    /// Reads one file. A link is followed only to a regular file inside the tree; a pipe or device
    /// cannot block or flood the reader.
    #[must_use]
    pub fn read(&self, relative: &str) -> Seen {
        let path = self.path(relative);
        let unreadable = |stamp, code, message: String, fix: &str| {
            Seen::Unreadable(stamp, Box::new(Finding::of_file(code, relative, 1, message, fix)))
        };
        let Ok(meta) = fs::symlink_metadata(&path) else { return Seen::Absent };
        if meta.is_symlink() && !self.holds(&path) || meta.is_dir() {
            return Seen::Absent;
        }
        match read_text(&path) {
            Ok(Some((stamp, Ok(text)))) => Seen::Text(stamp, text),
            Ok(Some((stamp, Err(Unfit::TooLarge)))) => {
                let message = format!("the file is larger than {} MiB", yaml::MAX_BYTES / (1024 * 1024));
                unreadable(stamp, FindingCode::FileTooLarge, message, "split it into several files")
            }
            Ok(Some((stamp, Err(Unfit::NotUtf8)))) => {
                unreadable(stamp, FindingCode::FileUnreadable, "the file is not UTF-8".into(), "save it as UTF-8")
            }
            Ok(None) => Seen::Absent,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Seen::Absent,
            Err(error) => {
                let message = format!("cannot be read: {error}");
                unreadable(Stamp::NEVER, FindingCode::FileUnreadable, message, "check the file's permissions")
            }
        }
    }

    /// Whether a link's target lies in the tree.
    fn holds(&self, link: &Path) -> bool {
        match (fs::canonicalize(link), fs::canonicalize(&self.root)) {
            (Ok(target), Ok(root)) => target.starts_with(root),
            _ => false,
        }
    }
}

enum Unfit {
    TooLarge,
    NotUtf8,
}

/// Text of a regular file and its stamp; `None` for anything else. Reads again when the file changed
/// under the reader's hands, so that no mixture of two versions is taken.
fn read_text(path: &Path) -> io::Result<Option<(Stamp, Result<String, Unfit>)>> {
    const TRIES: usize = 3;
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut last = None;
    for _ in 0..TRIES {
        let mut file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
        let before = file.metadata()?;
        if !before.is_file() {
            return Ok(None);
        }
        let stamp = Stamp::of(&before);
        let content = read_bounded(&mut file, before.len())?;
        let settled = Stamp::of(&file.metadata()?) == stamp;
        last = Some((stamp, content));
        if settled {
            break;
        }
    }
    Ok(last)
}

fn read_bounded(file: &mut File, expected: u64) -> io::Result<Result<String, Unfit>> {
    let limit = yaml::MAX_BYTES as u64;
    if expected > limit {
        return Ok(Err(Unfit::TooLarge));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default().saturating_add(1));
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Ok(Err(Unfit::TooLarge));
    }
    Ok(String::from_utf8(bytes).map_err(|_| Unfit::NotUtf8))
}

/// What the text of an object file comes to. `file` is the path that findings show.
#[must_use]
pub fn load_text(file: &str, text: &str) -> FileLoad {
    let mut load = FileLoad::default();
    for document in yaml::parse(text) {
        match document {
            Ok(document) => {
                let mut loaded = typed::load(document, Origin { file, text });
                load.findings.append(&mut loaded.findings);
                load.documents.push(loaded);
            }
            Err(error) => load.findings.push(yaml_finding(file, error)),
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        let last = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        let message = "the file does not end with a newline: it may have been cut off";
        let mut finding = Finding::of_file(
            FindingCode::FileUnfinished,
            file,
            last,
            message,
            "check its last lines and end it with a newline",
        );
        finding.severity = Severity::Warning;
        load.findings.push(finding);
    }
    load.findings.truncate(MAX_FINDINGS);
    load
}

fn yaml_finding(file: &str, error: YamlError) -> Finding {
    let code = match error.fault {
        YamlFault::Syntax => FindingCode::YamlSyntax,
        YamlFault::DuplicateMember => FindingCode::YamlDuplicateMember,
        YamlFault::Refused => FindingCode::YamlRefused,
        YamlFault::Ambiguous => FindingCode::YamlAmbiguous,
        YamlFault::TooLarge => FindingCode::FileTooLarge,
    };
    let message = format!("{} (column {})", error.message, error.column);
    Finding::of_file(code, file, error.line, message, error.fix)
}

#[cfg(test)]
mod tests;

//! A version of the directory of objects: a directory as it stands, or a git revision, whose files are
//! written into a private place that goes away by itself. The working tree is never touched.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::cli::root;
use crate::source::directory::{MAX_FILES, Role, SETTINGS};
use crate::source::yaml::MAX_BYTES;

/// A version that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    #[error("{0}: is no directory of objects: there is no datashare.yaml in it or above")]
    NoSettings(String),
    #[error("{0}: is neither a directory nor a git revision here: {1}")]
    Unknown(String, String),
    #[error("{0}: holds no datashare.yaml; name the directory with --dir")]
    NoDirectory(String),
    #[error("{0}: holds several directories of objects; name one with --dir: {1}")]
    Several(String, String),
    #[error("{0}: more files than one directory may hold")]
    TooMany(String),
    #[error("git cannot be run: {0}; it must be installed to compare revisions")]
    Git(io::Error),
    #[error("{0}: cannot be read from git: {1}")]
    Read(String, io::Error),
}

/// A readable version.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    /// Holds the files of a revision as long as this value lives.
    _unpacked: Option<TempDir>,
}

impl Tree {
    /// `name` is a directory, or else a revision; `dir` is the directory of objects within a revision.
    pub(super) fn open(name: &str, dir: Option<&Path>) -> Result<Self, RevisionError> {
        if Path::new(name).is_dir() {
            let root = root::at_or_above(Path::new(name)).ok_or_else(|| RevisionError::NoSettings(name.to_owned()))?;
            return Ok(Self { root, _unpacked: None });
        }
        let top = PathBuf::from(line(name, &["rev-parse", "--show-toplevel"])?);
        let commit = format!("{name}^{{commit}}");
        let commit = line(name, &["rev-parse", "--verify", "--end-of-options", &commit])?;
        let files = list(name, &commit)?;
        let prefix = prefix(name, &top, dir, &files)?;
        let wanted = files.iter().filter_map(|(path, id)| {
            let inner = path.strip_prefix(&prefix)?;
            (Role::of(inner) != Role::Other && is_inside(inner)).then_some((inner, id.as_str()))
        });
        let wanted: Vec<_> = wanted.collect();
        if wanted.len() > MAX_FILES {
            return Err(RevisionError::TooMany(name.to_owned()));
        }
        let fault = |cause| RevisionError::Read(name.to_owned(), cause);
        let place = tempfile::tempdir().map_err(fault)?;
        unpack(&wanted, place.path()).map_err(fault)?;
        Ok(Self { root: place.path().to_owned(), _unpacked: Some(place) })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

fn git(words: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(words).stdin(Stdio::null());
    command
}

/// The one line that a git command prints.
fn line(name: &str, words: &[&str]) -> Result<String, RevisionError> {
    let done = git(words).output().map_err(RevisionError::Git)?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let said = said.lines().next().unwrap_or("git gave no reason").to_owned();
        return Err(RevisionError::Unknown(name.to_owned(), said));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim_end_matches('\n').to_owned())
}

/// Path and blob of every regular file of a commit. Links are left out: they could lead anywhere.
fn list(name: &str, commit: &str) -> Result<Vec<(String, String)>, RevisionError> {
    let done = git(&["ls-tree", "-r", "-z", "--full-tree", commit]).output().map_err(RevisionError::Git)?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr).trim_end().to_owned();
        return Err(RevisionError::Unknown(name.to_owned(), said));
    }
    let entries = done.stdout.split(|byte| *byte == 0).filter_map(|entry| {
        let (meta, path) = std::str::from_utf8(entry).ok()?.split_once('\t')?;
        let mut meta = meta.split(' ');
        let regular = matches!(meta.next()?, "100644" | "100755") && meta.next()? == "blob";
        regular.then_some((path.to_owned(), meta.next()?.to_owned()))
    });
    Ok(entries.collect())
}

/// The directory of objects within the revision, with a `/` at its end; empty for the top.
fn prefix(name: &str, top: &Path, dir: Option<&Path>, files: &[(String, String)]) -> Result<String, RevisionError> {
    let holders = files.iter().filter_map(|(path, _)| {
        let holder = path.strip_suffix(SETTINGS)?;
        (holder.is_empty() || holder.ends_with('/')).then(|| holder.to_owned())
    });
    let holders: Vec<String> = holders.collect();
    let wanted = match dir {
        Some(dir) => Some(std::path::absolute(dir).map_err(|cause| RevisionError::Read(name.to_owned(), cause))?),
        None => root::at_or_above(Path::new(".")),
    };
    let top = fs::canonicalize(top).unwrap_or_else(|_| top.to_owned());
    let wanted = wanted.map(|path| fs::canonicalize(&path).unwrap_or(path));
    let below = wanted.as_deref().and_then(|path| path.strip_prefix(&top).ok()).map(|path| {
        let text = path.to_string_lossy();
        if text.is_empty() { String::new() } else { format!("{text}/") }
    });
    if let Some(below) = below
        && (dir.is_some() || holders.contains(&below))
    {
        return if holders.contains(&below) { Ok(below) } else { Err(RevisionError::NoDirectory(name.to_owned())) };
    }
    match holders.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(RevisionError::NoDirectory(name.to_owned())),
        several => {
            let names: Vec<&str> =
                several.iter().map(|h| if h.is_empty() { "." } else { h.trim_end_matches('/') }).collect();
            Err(RevisionError::Several(name.to_owned(), names.join(", ")))
        }
    }
}

/// Whether a path of a revision stays below the place it is written to.
fn is_inside(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

fn unpack(files: &[(&str, &str)], place: &Path) -> io::Result<()> {
    let mut child = git(&["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let broken = || io::Error::other("git cat-file gave something unexpected");
    let mut ask = child.stdin.take().ok_or_else(broken)?;
    let mut answers = BufReader::new(child.stdout.take().ok_or_else(broken)?);
    for (path, id) in files {
        writeln!(ask, "{id}")?;
        ask.flush()?;
        let mut head = String::new();
        answers.read_line(&mut head)?;
        let size: u64 = head.split_whitespace().nth(2).and_then(|size| size.parse().ok()).ok_or_else(broken)?;
        let target = place.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        // one byte more than may be is enough for the reader to say that it is too large
        let kept = size.min(MAX_BYTES as u64 + 1);
        let mut file = fs::File::create(&target)?;
        io::copy(&mut answers.by_ref().take(kept), &mut file)?;
        io::copy(&mut answers.by_ref().take(size - kept + 1), &mut io::sink())?;
    }
    drop(ask);
    if child.wait()?.success() { Ok(()) } else { Err(broken()) }
}

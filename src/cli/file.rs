//! The one file that a command is about, and the directory that it belongs to: the nearest one above
//! it with a `datashare.yaml`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::root;
use super::world::{World, WorldError};
use crate::api::v1alpha1::{Kind, SharedResourceSpec};
use crate::judge::ledger::Ledger;
use crate::source::directory;
use crate::source::finding::{Finding, Severity};
use crate::source::object::{Object, ObjectKey, Spec};
use crate::source::yaml;

/// Why a command cannot begin; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: larger than any file of objects; check the name", .0.display())]
    TooLarge(PathBuf),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Findings(Vec<Finding>),
    #[error("{}: holds {found} of kind {wanted}, and one is needed; name a file with exactly one", path.display())]
    NotOne { path: PathBuf, wanted: &'static str, found: usize },
    #[error("{}: no datashare.yaml beside it or above; name the directory with --dir", .0.display())]
    NoDirectory(PathBuf),
    #[error(transparent)]
    World(#[from] WorldError),
}

/// A file's text and the objects in it. Broken documents are an error: whoever signs or hashes must
/// not look past them.
#[derive(Debug)]
pub struct ObjectFile {
    pub path: PathBuf,
    pub text: String,
    pub objects: Vec<Object>,
}

impl ObjectFile {
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let unreadable = |source| FileError::Unreadable { path: path.into(), source };
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > yaml::MAX_BYTES as u64 {
            return Err(FileError::TooLarge(path.into()));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let load = directory::load_text(&path.display().to_string(), &text);
        let errors: Vec<_> = load.findings.into_iter().filter(|f| f.severity == Severity::Error).collect();
        if !errors.is_empty() {
            return Err(FileError::Findings(errors));
        }
        let objects = load.documents.into_iter().filter_map(|loaded| loaded.object).collect();
        Ok(Self { path: path.into(), text, objects })
    }

    /// The one object of `kinds` in this file.
    pub fn one(&self, kinds: &[Kind], wanted: &'static str) -> Result<&Object, FileError> {
        let fitting: Vec<_> = self.objects.iter().filter(|object| kinds.contains(&object.kind())).collect();
        match fitting.as_slice() {
            [one] => Ok(one),
            all => Err(FileError::NotOne { path: self.path.clone(), wanted, found: all.len() }),
        }
    }

    /// The directory that the file belongs to, judged: `dir` when given, else the nearest above.
    pub fn world(&self, dir: Option<&Path>, now: Timestamp) -> Result<World, FileError> {
        let root = match dir {
            Some(dir) => dir.to_owned(),
            None => root::at_or_above(&self.path).ok_or_else(|| FileError::NoDirectory(self.path.clone()))?,
        };
        Ok(World::load(&root, Ledger::default(), now)?)
    }
}

/// The object of that key, when it is there exactly once.
#[must_use]
pub fn single<'w>(world: &'w World, key: &ObjectKey) -> Option<&'w Object> {
    match world.objects.get(key)?.as_slice() {
        [(object, _)] => Some(object),
        _ => None,
    }
}

/// The resource of that name, when it is there exactly once.
#[must_use]
pub fn resource<'w>(world: &'w World, namespace: &str, name: &str) -> Option<&'w SharedResourceSpec> {
    match &single(world, &ObjectKey::new(Kind::SharedResource, namespace, name))?.spec {
        Spec::SharedResource(spec) => Some(spec),
        _ => None,
    }
}

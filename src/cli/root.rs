//! Which directory of objects a path belongs to: the nearest at or above it that holds a
//! `datashare.yaml`. And how a file in it is called from where the user stands.

use std::path::{Path, PathBuf};

use crate::source::directory::SETTINGS;

/// The nearest directory at or above `path` with settings.
#[must_use]
pub fn at_or_above(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    // `a/..` is only a step back once links are resolved
    let absolute = std::fs::canonicalize(&absolute).unwrap_or(absolute);
    let start = if absolute.is_dir() { Some(absolute.as_path()) } else { absolute.parent() };
    start?.ancestors().find(|directory| directory.join(SETTINGS).is_file()).map(Path::to_path_buf)
}

/// A file of a directory as editors and CI can open it: relative to the working directory where it
/// lies below that, absolute elsewhere.
#[must_use]
pub fn shown(root: &Path, file: &str) -> String {
    let path = root.join(file);
    let here = std::env::current_dir().and_then(std::fs::canonicalize).ok();
    let whole = std::fs::canonicalize(root).map_or_else(|_| path.clone(), |root| root.join(file));
    let below = here.as_deref().and_then(|here| whole.strip_prefix(here).ok());
    below.unwrap_or(&whole).display().to_string()
}

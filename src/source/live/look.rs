//! Reads files on all cores and types what is in them.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::api::v1alpha1::Kind;
use crate::source::change::Place;
use crate::source::directory::{self, Directory, Seen};
use crate::source::object::{Object, ObjectKey};
use crate::source::tree_state::{Content, Observation};

/// A few files are read here, many on all cores.
const FEW: usize = 4;

pub(super) fn all(directory: &Directory, paths: Vec<String>) -> Vec<Observation> {
    let look = |path: String| observe(directory, path);
    if paths.len() <= FEW { paths.into_iter().map(look).collect() } else { paths.into_par_iter().map(look).collect() }
}

fn observe(directory: &Directory, path: String) -> Observation {
    let content = match directory.read(&path) {
        Seen::Absent => None,
        Seen::Unreadable(stamp, finding) => Some(Content { stamp, documents: Vec::new(), findings: vec![*finding] }),
        Seen::Text(stamp, text) => {
            let load = directory::load_text(&path, &text);
            Some(Content { stamp, documents: load.documents, findings: load.findings })
        }
    };
    Observation { path, content }
}

/// The object of a key at a place, read again.
pub(super) fn one(directory: &Directory, key: &ObjectKey, place: &Place) -> Option<Object> {
    let Seen::Text(_, text) = directory.read(&place.file) else { return None };
    let documents = directory::load_text(&place.file, &text).documents;
    let mut same = documents.into_iter().filter_map(|document| document.object).filter(|object| object.key() == *key);
    same.nth(place.nth as usize)
}

/// Those of the files that may hold a Revocation.
pub(super) fn with_revocations(directory: &Directory, paths: &[String]) -> BTreeSet<String> {
    let finder = memchr::memmem::Finder::new(Kind::Revocation.name());
    let holds = |path: &&String| match directory.read(path) {
        Seen::Text(_, text) => finder.find(text.as_bytes()).is_some(),
        Seen::Absent | Seen::Unreadable(..) => false,
    };
    paths.par_iter().filter(holds).cloned().collect()
}

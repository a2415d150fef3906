//! From an object and a member to a line. Files are read again only for objects with findings.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::api::v1alpha1::Kind;
use crate::source::change::Place;
use crate::source::directory::{Directory, Seen};
use crate::source::object::ObjectKey;
use crate::source::yaml::{self, Spot};

/// Files that were looked into, with the places of their documents.
pub(super) struct Places {
    directory: Option<Directory>,
    files: HashMap<Arc<str>, Looked>,
}

struct Looked {
    text: String,
    spots: Vec<(ObjectKey, Spot)>,
}

impl Places {
    pub(super) fn below(root: &Path) -> Self {
        Self { directory: Directory::open(root).ok(), files: HashMap::new() }
    }

    /// The line of a member; that of the file's begin where the file changed meanwhile.
    pub(super) fn line(&mut self, key: &ObjectKey, place: &Place, member: &str) -> u32 {
        if !self.files.contains_key(&place.file) {
            let read = self.directory.as_ref().map(|directory| directory.read(&place.file));
            let text = if let Some(Seen::Text(_, text)) = read { text } else { String::new() };
            let spots = yaml::parse(&text).into_iter().flatten().filter_map(|d| Some((key_of(&d.value)?, d.spot)));
            let spots = spots.collect();
            self.files.insert(place.file.clone(), Looked { text, spots });
        }
        let Some(Looked { text, spots }) = self.files.get(&place.file) else { return 1 };
        let nth = usize::try_from(place.nth).unwrap_or(0);
        let spot = spots.iter().filter(|(other, _)| other == key).nth(nth);
        spot.map_or(1, |(_, spot)| yaml::locate(text, *spot, member).0)
    }
}

fn key_of(document: &Value) -> Option<ObjectKey> {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    let kind = text("/kind")?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
    Some(ObjectKey::new(kind, text("/metadata/namespace")?, text("/metadata/name")?))
}

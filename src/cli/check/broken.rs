//! Objects that are there but count as absent, because something in them is wrong: whoever refers to
//! one is told where, instead of being told that it is missing.

use std::collections::HashMap;
use std::path::Path;

use super::finding::Told;
use crate::api::v1alpha1::Kind;
use crate::cli::root;
use crate::source::finding::Severity;
use crate::source::object::ObjectKey;

/// Where the first mistake of each broken object is.
#[derive(Debug, Default)]
pub(super) struct Broken(HashMap<ObjectKey, String>);

impl Broken {
    /// The broken objects that these findings are about; files are named relative to `root`.
    pub(super) fn of(told: &[Told], root: &Path) -> Self {
        let mut broken = HashMap::new();
        for one in told.iter().filter(|one| one.severity == Severity::Error) {
            let kind = Kind::ALL.into_iter().find(|kind| Some(kind.name()) == one.kind.as_deref());
            if let (Some(kind), Some(namespace), Some(name)) = (kind, &one.namespace, &one.name) {
                let place = || format!("{}:{}", root::shown(root, &one.file), one.line);
                broken.entry(ObjectKey::new(kind, namespace, name)).or_insert_with(place);
            }
        }
        Self(broken)
    }

    /// The finding of an object whose `member` refers to a broken one. The mistake is another's, so
    /// this is a note.
    pub(super) fn told(&self, code: &str, about: &ObjectKey, member: &str, to: &ObjectKey) -> Option<Told> {
        let place = self.0.get(to)?;
        let message = format!("{to} counts as absent: it is wrong at {place}");
        Some(Told::of(Severity::Note, code, about, member, message, format!("mend {place} first")))
    }
}

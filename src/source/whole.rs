//! A directory read once, as `check`, `plan` and the commands beside a running guard need it: every
//! object with its place, and everything that is wrong. The same rules as when it is followed.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::change::Place;
use super::directory::{self, Directory, Entry, Role, SETTINGS, SIGNERS, Seen, Stamp, Walk};
use super::finding::{Finding, FindingCode, Severity};
use super::object::{Object, ObjectKey};
use super::settings_file;
use super::yaml::Spot;
use crate::api::v1alpha1::Kind;
use crate::settings::Settings;

/// An object and where it stands.
#[derive(Debug, Clone)]
pub struct Found {
    pub object: Object,
    pub place: Place,
    /// For `yaml::locate` in the file's text.
    pub spot: Spot,
}

/// All that a directory holds.
#[derive(Debug, Default)]
pub struct Whole {
    /// `None` when there are none that can be read; a finding says why.
    pub settings: Option<Settings>,
    /// Text of `allowed_signers`.
    pub signers: String,
    /// In the order of paths, and of documents within a file. Duplicates are absent, but for
    /// Revocations.
    pub objects: Vec<Found>,
    /// Sorted by file and line.
    pub findings: Vec<Finding>,
}

impl Whole {
    /// Reads a directory.
    #[must_use]
    pub fn read(directory: &Directory) -> Self {
        let mut walk = Walk::below("");
        let mut paths = Vec::new();
        while let Some(entry) = walk.step(directory) {
            match entry {
                Entry::Directory(path) => walk.enter(directory, path),
                Entry::File(path, _) => paths.push(path),
            }
        }
        paths.extend([SETTINGS, SIGNERS].map(str::to_owned));
        let files =
            paths.into_par_iter().map(|path| (directory.read(&path), path)).map(|(seen, path)| (path, seen)).collect();
        let mut whole = Self::of_seen(files);
        if walk.is_cut() {
            whole.findings.insert(0, directory.too_many());
        }
        whole
    }

    /// Reads files that were fetched elsewhere, such as from a git revision: path with `/` and text.
    #[must_use]
    pub fn of_texts(files: Vec<(String, String)>) -> Self {
        let mut seen: BTreeMap<String, Seen> =
            BTreeMap::from([SETTINGS, SIGNERS].map(|path| (path.to_owned(), Seen::Absent)));
        seen.extend(files.into_iter().map(|(path, text)| (path, Seen::Text(Stamp::NEVER, text))));
        Self::of_seen(seen)
    }

    fn of_seen(mut files: BTreeMap<String, Seen>) -> Self {
        let mut whole = Self::default();
        match settings_file::from_seen(files.remove(SETTINGS).unwrap_or(Seen::Absent)).1 {
            Ok(settings) => whole.settings = Some(settings),
            Err(findings) => whole.findings.extend(findings),
        }
        match files.remove(SIGNERS) {
            Some(Seen::Text(_, text)) => whole.signers = text,
            Some(Seen::Unreadable(_, finding)) => whole.findings.push(*finding),
            Some(Seen::Absent) | None => {}
        }
        let load = |(path, seen): (String, Seen)| {
            let load = match seen {
                _ if Role::of(&path) != Role::Objects => directory::FileLoad::default(),
                Seen::Absent => directory::FileLoad::default(),
                Seen::Unreadable(_, finding) => directory::FileLoad { findings: vec![*finding], ..Default::default() },
                Seen::Text(_, text) => directory::load_text(&path, &text),
            };
            (path, load)
        };
        let loads: Vec<_> = files.into_par_iter().map(load).collect();
        for (path, load) in loads {
            whole.findings.extend(load.findings);
            let file = path.as_str().into();
            for document in load.documents {
                let Some(object) = document.object else { continue };
                let place = Place { file: std::sync::Arc::clone(&file), nth: 0 };
                whole.objects.push(Found { object, place, spot: document.spot });
            }
        }
        whole.settle_duplicates();
        whole.findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        whole
    }

    fn settle_duplicates(&mut self) {
        let mut places: BTreeMap<ObjectKey, Vec<(Place, u32)>> = BTreeMap::new();
        for found in &mut self.objects {
            let same = places.entry(found.object.key()).or_default();
            let nth = same.iter().filter(|(place, _)| place.file == found.place.file).count();
            found.place.nth = u32::try_from(nth).unwrap_or(u32::MAX);
            same.push((found.place.clone(), found.spot.line));
        }
        places.retain(|_, same| same.len() > 1);
        self.objects
            .retain(|found| found.object.kind() == Kind::Revocation || !places.contains_key(&found.object.key()));
        let findings = places.iter().flat_map(|(key, same)| {
            let spots: Vec<_> = same.iter().map(|(place, line)| (&*place.file, *line)).collect();
            duplicates(key, &spots)
        });
        self.findings.extend(findings);
    }

    /// Whether anything is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// What to say at each place of objects that share kind, namespace and name.
pub(super) fn duplicates(key: &ObjectKey, spots: &[(&str, u32)]) -> Vec<Finding> {
    let finding = |(index, (file, line)): (usize, &(&str, u32))| {
        let (other, other_line) = spots.get(usize::from(index == 0))?;
        let message = format!("{key} stands at {other}:{other_line} too");
        let fix = if key.kind() == Kind::Revocation {
            "both stay in force; keep one, or give them different names"
        } else {
            "neither counts until one is removed or renamed"
        };
        let mut finding = Finding::of_file(FindingCode::ObjectDuplicate, file, *line, message, fix);
        finding.kind = Some(key.kind().name().to_owned());
        finding.namespace = Some(key.namespace().to_owned());
        finding.name = Some(key.name().to_owned());
        finding.member = Some("metadata.name".to_owned());
        Some(finding)
    };
    spots.iter().enumerate().filter_map(finding).collect()
}

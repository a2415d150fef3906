//! What is known of each file, in few bytes, so that a look at some files yields exactly the changes
//! it means. Two objects of one kind, namespace and name cancel each other, wherever they stand;
//! Revocations do not, because closing is the safe side. Does no IO.

mod duplicates;
mod record;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::change::{Batch, Place, SourceChange};
use super::directory::Stamp;
use super::finding::Finding;
use super::object::{Object, ObjectKey};
use super::typed::Loaded;
use crate::api::v1alpha1::Kind;
use duplicates::duplicates;
use record::{FileRecord, Held, Holders};

/// Lines of `said` in one batch; a storm is told by its size.
const MAX_SAID: usize = 20;

/// What a look at one file of objects found.
#[derive(Debug)]
pub struct Observation {
    pub path: String,
    /// `None`: no such file.
    pub content: Option<Content>,
}

/// A file's stamp, objects and findings.
#[derive(Debug)]
pub struct Content {
    pub stamp: Stamp,
    pub documents: Vec<Loaded>,
    pub findings: Vec<Finding>,
}

/// The files and the objects they hold.
#[derive(Debug, Default)]
pub struct TreeState {
    files: BTreeMap<Arc<str>, FileRecord>,
    holders: HashMap<ObjectKey, Holders>,
    findings: BTreeMap<Arc<str>, Vec<Finding>>,
    duplicates: BTreeSet<ObjectKey>,
    /// Number of the current look, and of the files that it met.
    met: (u32, usize),
}

impl TreeState {
    /// Whether this file is already known as it is now. Marks it as met by look number `look`.
    pub fn is_known(&mut self, path: &str, stamp: impl FnOnce() -> Stamp, look: u32) -> bool {
        self.begin(look);
        let Some(file) = self.files.get_mut(path) else { return false };
        if file.look != look {
            file.look = look;
            self.met.1 += 1;
        }
        file.stamp == stamp()
    }

    fn begin(&mut self, look: u32) {
        if self.met.0 != look {
            // numbers only grow, so no file bears this one yet
            self.met = (look, 0);
        }
    }

    /// Files that look number `look` did not meet.
    #[must_use]
    pub fn not_met(&self, look: u32) -> Vec<String> {
        if self.met == (look, self.files.len()) {
            // nearly always, and then a large tree costs nothing
            return Vec::new();
        }
        self.files.iter().filter(|(_, file)| file.look != look).map(|(path, _)| path.to_string()).collect()
    }

    /// Known files below a directory.
    #[must_use]
    pub fn below(&self, directory: &str) -> Vec<String> {
        if directory.is_empty() {
            return self.files.keys().map(ToString::to_string).collect();
        }
        let prefix = format!("{directory}/");
        let from: Arc<str> = prefix.as_str().into();
        self.files
            .range(from..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .map(|(path, _)| path.to_string())
            .collect()
    }

    /// Number of files known.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Everything that is wrong now, by file.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut all: Vec<_> = self.findings.values().flatten().cloned().collect();
        all.extend(self.duplicates.iter().flat_map(|key| self.duplicate_findings(key)));
        all.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        all
    }

    /// Takes in what was seen. `fetch` reads an object again by key and place: needed where one of
    /// two duplicates went and the other, in a file that was not looked at, counts again.
    pub fn apply(
        &mut self,
        seen: Vec<Observation>,
        look: u32,
        fetch: &dyn Fn(&ObjectKey, &Place) -> Option<Object>,
    ) -> Batch {
        self.begin(look);
        let mut round = Round::default();
        for observation in seen {
            self.take_in(observation, look, &mut round);
        }
        self.settle(round, fetch)
    }

    fn take_in(&mut self, observation: Observation, look: u32, round: &mut Round) {
        let path: Arc<str> = self
            .files
            .get_key_value(observation.path.as_str())
            .map_or_else(|| observation.path.as_str().into(), |(path, _)| Arc::clone(path));
        let known = self.files.remove(&path);
        if known.as_ref().is_some_and(|file| file.look == look) {
            self.met.1 = self.met.1.saturating_sub(1);
        }
        let before = known.map(|file| file.held).unwrap_or_default();
        for (place, held) in places(&path, before.as_slice()) {
            round.before.entry(held.key.clone()).or_default().push((place, held.print));
            round.touch(&held.key, &self.holders);
        }
        for held in before.as_slice() {
            if let Some(holders) = self.holders.get_mut(&held.key)
                && holders.remove(&path)
            {
                self.holders.remove(&held.key);
            }
        }
        let findings_before = self.findings.remove(&path).unwrap_or_default();
        let Some(content) = observation.content else {
            round.say(&path, before.as_slice(), &[]);
            return;
        };
        let mut now = Vec::new();
        for document in content.documents {
            let Some(object) = document.object else { continue };
            let held = Held { key: object.key(), print: document.fingerprint, line: document.spot.line };
            round.touch(&held.key, &self.holders);
            let nth = now.iter().filter(|other: &&Held| other.key == held.key).count();
            let place = Place { file: Arc::clone(&path), nth: u32::try_from(nth).unwrap_or(u32::MAX) };
            round.objects.insert((held.key.clone(), place), (object, held.print));
            Holders::add(&mut self.holders, held.key.clone(), &path);
            now.push(held);
        }
        round.say(&path, before.as_slice(), &now);
        if content.findings != findings_before {
            round.findings.extend(content.findings.iter().cloned());
        }
        if !content.findings.is_empty() {
            self.findings.insert(Arc::clone(&path), content.findings);
        }
        self.met.1 += 1;
        self.files.insert(path, FileRecord { stamp: content.stamp, look, held: now.into() });
    }

    /// From touched keys to changes.
    fn settle(&mut self, round: Round, fetch: &dyn Fn(&ObjectKey, &Place) -> Option<Object>) -> Batch {
        let Round { mut objects, before, counted, said, more, findings } = round;
        let (mut closing, mut gone, mut put) = (Vec::new(), Vec::new(), Vec::new());
        let mut findings = findings;
        for (key, count_before) in counted {
            let was = before.get(&key).map(Vec::as_slice).unwrap_or_default();
            let holders = self.holders.get(&key).map_or(0, Holders::count);
            if key.kind() == Kind::Revocation {
                let mut still = BTreeSet::new();
                for (place, object, print) in taken(&mut objects, &key) {
                    if !was.contains(&(place.clone(), print)) {
                        closing.push(SourceChange::Put(Box::new(object), place.clone()));
                    }
                    still.insert(place);
                }
                let went = was.iter().filter(|(place, _)| !still.contains(place));
                gone.extend(went.map(|(place, _)| SourceChange::Gone(key.clone(), place.clone())));
            } else if holders == 1 {
                let found = match taken(&mut objects, &key).pop() {
                    Some((place, object, print)) => {
                        let same = count_before == 1 && was.contains(&(place.clone(), print));
                        if same { None } else { Some((Some(object), place)) }
                    }
                    None => self.only_place(&key).map(|place| (fetch(&key, &place), place)),
                };
                match found {
                    Some((Some(object), place)) => put.push(SourceChange::Put(Box::new(object), place)),
                    Some((None, place)) => gone.push(SourceChange::Gone(key.clone(), place)),
                    None => {}
                }
            } else if count_before == 1 {
                let place = was.first().map(|(place, _)| place.clone()).or_else(|| self.only_place(&key));
                gone.extend(place.map(|place| SourceChange::Gone(key.clone(), place)));
            }
            if holders > 1 {
                findings.extend(self.duplicate_findings(&key));
                self.duplicates.insert(key);
            } else {
                self.duplicates.remove(&key);
            }
        }
        let mut changes = closing;
        changes.append(&mut gone);
        changes.append(&mut put);
        let mut said = said;
        if more > 0 {
            said.push(format!("and {more} more"));
        }
        Batch { changes, said, findings }
    }

    /// The first place of a key.
    fn only_place(&self, key: &ObjectKey) -> Option<Place> {
        let file = self.holders.get(key)?.files().next()?;
        Some(Place { file: Arc::clone(file), nth: 0 })
    }

    fn duplicate_findings(&self, key: &ObjectKey) -> Vec<Finding> {
        let mut files: Vec<_> = self.holders.get(key).into_iter().flat_map(Holders::files).collect();
        files.dedup();
        let spots = files.iter().flat_map(|file| {
            let held = self.files.get(*file).into_iter().flat_map(|record| record.held.as_slice());
            held.filter(|held| held.key == *key).map(|held| (&***file, held.line))
        });
        let spots: Vec<_> = spots.collect();
        duplicates(key, &spots)
    }
}

/// What is gathered while observations are taken in.
#[derive(Default)]
struct Round {
    /// Objects of looked-at files as they are now, with their fingerprint.
    objects: BTreeMap<(ObjectKey, Place), (Object, u64)>,
    /// Places that looked-at files held before.
    before: BTreeMap<ObjectKey, Vec<(Place, u64)>>,
    /// Touched keys, with the number of places they had before the round.
    counted: BTreeMap<ObjectKey, usize>,
    said: Vec<String>,
    more: usize,
    findings: Vec<Finding>,
}

impl Round {
    fn touch(&mut self, key: &ObjectKey, holders: &HashMap<ObjectKey, Holders>) {
        if !self.counted.contains_key(key) {
            self.counted.insert(key.clone(), holders.get(key).map_or(0, Holders::count));
        }
    }

    fn say(&mut self, path: &str, before: &[Held], now: &[Held]) {
        let mut line = |key: &ObjectKey, what: &str| {
            if self.said.len() < MAX_SAID {
                self.said.push(format!("{path}: {key} {what}"));
            } else {
                self.more += 1;
            }
        };
        for held in before {
            match now.iter().find(|other| other.key == held.key) {
                None => line(&held.key, "is gone"),
                Some(other) if other.print != held.print => line(&held.key, "changed"),
                Some(_) => {}
            }
        }
        for held in now.iter().filter(|held| !before.iter().any(|other| other.key == held.key)) {
            line(&held.key, "is there");
        }
    }
}

fn taken(objects: &mut BTreeMap<(ObjectKey, Place), (Object, u64)>, key: &ObjectKey) -> Vec<(Place, Object, u64)> {
    let first = (key.clone(), Place { file: "".into(), nth: 0 });
    let places: Vec<_> =
        objects.range(first..).take_while(|((of, _), _)| of == key).map(|((_, place), _)| place.clone()).collect();
    let take = |place: Place| {
        let (object, print) = objects.remove(&(key.clone(), place.clone()))?;
        Some((place, object, print))
    };
    places.into_iter().filter_map(take).collect()
}

fn places<'h>(path: &Arc<str>, held: &'h [Held]) -> Vec<(Place, &'h Held)> {
    let nth = |index: usize, key: &ObjectKey| held.iter().take(index).filter(|other| other.key == *key).count();
    let place = |(index, one): (usize, &'h Held)| {
        let nth = u32::try_from(nth(index, &one.key)).unwrap_or(u32::MAX);
        (Place { file: Arc::clone(path), nth }, one)
    };
    held.iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests;

//! Which guards have what, purely: an object is enforced once every guard that lives has taken in the world as it was
//! when the object last changed here. A guard that is silent for longer than a view may be old refuses everything by
//! itself, so it counts as gone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;
use crate::source::change::{Version, Watched};
use crate::source::cluster::written;

/// How far somebody has come, by kind.
pub type Versions = BTreeMap<Watched, Version>;

/// Objects that wait for guards.
#[derive(Debug, Default)]
pub struct Proofs {
    /// What each needs, and whether the moment at which it passes is the moment at which it was enforced.
    waiting: HashMap<(Kind, Key), (Arc<Versions>, bool)>,
    /// How many of them are not dated: they were there before we led.
    old: usize,
}

/// What a look at the guards brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Every guard has these now, and whether it is known that one had not until now.
    pub passed: Vec<((Kind, Key), bool)>,
    /// How many guards lack each of the others.
    pub behind: BTreeMap<(Kind, Key), u32>,
}

impl Proofs {
    /// An object is so in a world of these versions; `dated`: since now.
    pub fn note(&mut self, kind: Kind, key: Key, world: Arc<Versions>, dated: bool) {
        let before = self.waiting.insert((kind, key), (world, dated));
        self.old += usize::from(!dated);
        self.old -= usize::from(before.is_some_and(|(_, dated)| !dated));
    }

    pub fn forget(&mut self, kind: Kind, key: &Key) {
        let before = self.waiting.remove(&(kind, key.clone()));
        self.old -= usize::from(before.is_some_and(|(_, dated)| !dated));
    }

    /// Whether there is one that was there before we led.
    #[must_use]
    pub fn has_old(&self) -> bool {
        self.old > 0
    }

    /// Compares with what the living guards have taken in. Without a guard nothing is enforced.
    pub fn look(&mut self, guards: &[&Versions]) -> Outcome {
        let mut outcome = Outcome::default();
        self.waiting.retain(|place, (wanted, dated)| {
            let lacks = guards.iter().filter(|has| !reached(has, wanted)).count();
            if lacks == 0 && !guards.is_empty() {
                self.old -= usize::from(!*dated);
                outcome.passed.push((place.clone(), *dated));
                return false;
            }
            if lacks > 0 {
                outcome.behind.insert(place.clone(), u32::try_from(lacks).unwrap_or(u32::MAX));
            }
            true
        });
        outcome
    }
}

fn reached(has: &Versions, wanted: &Versions) -> bool {
    wanted.iter().all(|(watched, version)| has.get(watched).is_some_and(|has| has >= version))
}

/// What a guard's Lease says that it has taken in; kinds that are not understood are not counted for it.
#[must_use]
pub fn applied(annotation: &str) -> Versions {
    let read = written::taken_in(annotation);
    let known = Watched::ALL.into_iter().filter_map(|watched| {
        let version = read.get(watched.name())?.parse().ok()?;
        Some((watched, version))
    });
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(map: Version, grant: Version) -> Versions {
        [(Watched::ConfigMap, map), (Watched::Kind(Kind::AccessGrant), grant)].into()
    }

    fn place(name: &str) -> (Kind, Key) {
        (Kind::AccessGrant, Key::new("n", name))
    }

    #[test]
    fn an_object_is_enforced_when_the_last_guard_has_everything_it_needs() {
        let mut proofs = Proofs::default();
        let (kind, key) = place("a");
        proofs.note(kind, key, Arc::new(versions(9, 10)), true);
        assert_eq!(proofs.look(&[]), Outcome::default(), "without a guard nothing is enforced");
        let behind = |n| Outcome { passed: Vec::new(), behind: [(place("a"), n)].into() };
        // as integers: 10 is after 9
        assert_eq!(proofs.look(&[&versions(9, 9), &versions(100, 2)]), behind(2));
        assert_eq!(proofs.look(&[&versions(9, 10), &versions(8, 10)]), behind(1), "the tombstone matters too");
        assert_eq!(proofs.look(&[&versions(9, 10), &Versions::new()]), behind(1), "who says nothing has nothing");
        let passed = Outcome { passed: vec![(place("a"), true)], behind: BTreeMap::new() };
        assert_eq!(proofs.look(&[&versions(9, 10), &versions(10, 11)]), passed);
        assert_eq!(proofs.look(&[&versions(0, 0)]), Outcome::default(), "what was proved stays proved");
    }

    #[test]
    fn it_is_known_whether_anything_waits_that_was_there_before_we_led() {
        let mut proofs = Proofs::default();
        for (name, dated) in [("a", false), ("b", false), ("c", true), ("d", false), ("d", true)] {
            let (kind, key) = place(name);
            proofs.note(kind, key, Arc::new(versions(1, if name == "b" { 9 } else { 1 })), dated);
        }
        assert!(proofs.has_old());
        proofs.look(&[&versions(1, 1)]);
        assert!(proofs.has_old(), "b waits");
        let (kind, key) = place("b");
        proofs.forget(kind, &key);
        proofs.forget(kind, &key);
        assert!(!proofs.has_old());
    }

    #[test]
    fn reads_what_guards_write_and_trusts_nothing_else() {
        let read = applied(r#"{"ConfigMap":"8","AccessGrant":"12","Pod":"99","Revocation":"x"}"#);
        assert_eq!(read, versions(8, 12));
        assert_eq!(applied("nonsense"), Versions::new());
    }
}

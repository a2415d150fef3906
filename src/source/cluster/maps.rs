//! The `ConfigMaps` of our own namespace: settings, signers, and tombstones. Tombstones are told once, in
//! the order of their numbers; what was told of them is never taken back. Lines that cannot be read are a
//! reason not to call anything recent: they may end a grant.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::stream::Told;
use super::written::{self, Written};
use super::{COMPONENT, SETTINGS, SIGNERS, TOMBSTONES};
use crate::judge::ledger::LedgerEntry;
use crate::settings::Settings;
use crate::source::change::SourceChange;
use crate::source::directory::first_eight;
use crate::source::settings_file;

/// What was told of the `ConfigMaps`.
#[derive(Debug, Default)]
pub struct Maps {
    round: u32,
    /// Rounds in which a map was last seen, by `namespace/name`.
    known: HashMap<String, u32>,
    settings: Option<String>,
    signers: Option<String>,
    /// Lines that were told.
    entries: HashSet<u64>,
    /// Maps with lines that cannot be read.
    damaged: BTreeSet<String>,
    /// New entries of a list, by map, until it is complete.
    listed: Option<BTreeMap<String, Vec<LedgerEntry>>>,
}

impl Maps {
    pub fn begin(&mut self) {
        self.round += 1;
        // what an interrupted list had is yet to be told
        self.listed.get_or_insert_default();
    }

    pub fn put(&mut self, written: &Written, told: &mut Told) {
        let meta = &written.metadata;
        self.known.insert(meta.id(), self.round);
        let text = |key: &str| written.data.as_ref().and_then(|data| data.get(key)).map_or("", String::as_str);
        if meta.name == SETTINGS.0 {
            self.settings(Some(text(SETTINGS.1)), told);
        } else if meta.name == SIGNERS.0 {
            self.signers(text(SIGNERS.1), told);
        } else if meta.label(COMPONENT) == Some(TOMBSTONES.0) {
            self.tombstones(&meta.id(), text(TOMBSTONES.1), told);
        }
    }

    pub fn gone(&mut self, id: &str, told: &mut Told) {
        if self.known.remove(id).is_none() {
            return;
        }
        self.damaged.remove(id);
        match id.split_once('/').map(|(_, name)| name) {
            Some(name) if name == SETTINGS.0 => self.settings(None, told),
            Some(name) if name == SIGNERS.0 => self.signers("", told),
            _ => {}
        }
    }

    pub fn end(&mut self, told: &mut Told) {
        let gone: Vec<String> =
            self.known.iter().filter(|(_, round)| **round != self.round).map(|(id, _)| id.clone()).collect();
        for id in gone {
            self.gone(&id, told);
        }
        let entries: Vec<LedgerEntry> = self.listed.take().into_iter().flatten().flat_map(|(_, new)| new).collect();
        if !entries.is_empty() {
            told.changes.push(SourceChange::Ledger(entries));
        }
    }

    /// Whether every tombstone could be read.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty()
    }

    fn settings(&mut self, text: Option<&str>, told: &mut Told) {
        if self.settings.as_deref() == text {
            return;
        }
        self.settings = text.map(str::to_owned);
        let read: Option<Settings> = text.and_then(|text| match settings_file::parse(text) {
            Ok(settings) => Some(settings),
            Err(findings) => {
                told.said.extend(findings.iter().map(|finding| {
                    format!("ConfigMap {}: line {}: {}; {}", SETTINGS.0, finding.line, finding.message, finding.fix)
                }));
                None
            }
        });
        told.changes.push(SourceChange::Settings(read.map(Box::new)));
    }

    fn signers(&mut self, text: &str, told: &mut Told) {
        if self.signers.as_deref() != Some(text) {
            self.signers = Some(text.to_owned());
            told.changes.push(SourceChange::Signers(text.to_owned()));
        }
    }

    fn tombstones(&mut self, id: &str, text: &str, told: &mut Told) {
        let (mut new, mut damage) = (Vec::new(), None);
        for (number, line, read) in written::tombstones(text) {
            match read {
                Ok(entry) => {
                    if self.entries.insert(first_eight(Sha256::new().chain_update(line))) {
                        new.push(entry);
                    }
                }
                Err(error) => damage = damage.or(Some((number, error))),
            }
        }
        match damage {
            None => {
                self.damaged.remove(id);
            }
            Some((number, error)) => {
                if self.damaged.insert(id.to_owned()) {
                    told.said.push(format!(
                        "ConfigMap {id}: line {number} of {} is no tombstone: {error}; put the line back as the operator wrote it: until then nothing counts as recent",
                        TOMBSTONES.1
                    ));
                }
            }
        }
        if new.is_empty() {
            return;
        }
        match &mut self.listed {
            Some(listed) => listed.entry(id.to_owned()).or_default().extend(new),
            None => told.changes.push(SourceChange::Ledger(new)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn map(name: &str, component: &str, key: &str, text: &str) -> Written {
        let labels: Value = json!({COMPONENT: component});
        let metadata = json!({"namespace": "own", "name": name, "labels": labels});
        serde_json::from_value(json!({"metadata": metadata, "data": {key: text}})).unwrap()
    }

    fn lifted(name: &str) -> String {
        format!("{{\"fact\":\"lifted\",\"namespace\":\"a\",\"name\":\"{name}\",\"at\":\"2026-11-24T02:00:00Z\"}}\n")
    }

    fn tombstones(number: u32, text: &str) -> Written {
        map(&format!("datashare-tombstones-{number:05}"), TOMBSTONES.0, TOMBSTONES.1, text)
    }

    fn names(told: &Told) -> Vec<String> {
        let entries = told.changes.iter().flat_map(|change| match change {
            SourceChange::Ledger(entries) => entries.clone(),
            other => panic!("{other:?}"),
        });
        entries
            .map(|entry| match entry {
                LedgerEntry::Lifted { name, .. } => name.to_string(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn tombstones_are_told_once_and_in_their_order() {
        let mut maps = Maps::default();
        let mut told = Told::default();
        maps.begin();
        maps.put(&tombstones(2, &lifted("c")), &mut told);
        maps.put(&tombstones(1, &(lifted("a") + &lifted("b"))), &mut told);
        assert_eq!(told.changes, []);
        maps.end(&mut told);
        assert_eq!(names(&told), ["a", "b", "c"]);
        let mut told = Told::default();
        maps.put(&tombstones(2, &(lifted("c") + &lifted("d"))), &mut told);
        maps.put(&tombstones(1, &lifted("b")), &mut told);
        maps.gone("own/datashare-tombstones-00001", &mut told);
        maps.put(&tombstones(1, &(lifted("a") + &lifted("b"))), &mut told);
        assert_eq!(names(&told), ["d"]);
    }

    #[test]
    fn a_damaged_tombstone_keeps_the_good_ones_and_its_trouble_until_it_is_mended() {
        let mut maps = Maps::default();
        let mut told = Told::default();
        maps.put(&tombstones(1, &(lifted("a") + "{\"fact\":\"lif\n")), &mut told);
        assert_eq!(names(&told), ["a"]);
        assert!(!maps.is_sound() && told.said[0].contains("line 2"), "{told:?}");
        maps.put(&tombstones(1, &lifted("a")), &mut told);
        assert!(maps.is_sound());
    }

    #[test]
    fn settings_and_signers_are_told_when_they_change_and_when_they_go() {
        let mut maps = Maps::default();
        let mut told = Told::default();
        let settings = |text| map(SETTINGS.0, "settings", SETTINGS.1, text);
        maps.put(&settings("site: jinan\n"), &mut told);
        maps.put(&settings("site: jinan\n"), &mut told);
        maps.put(&settings("sight: jinan\n"), &mut told);
        maps.put(&map(SIGNERS.0, "signers", SIGNERS.1, "a key\n"), &mut told);
        maps.gone("own/datashare-signers", &mut told);
        maps.gone("own/datashare-signers", &mut told);
        assert!(
            matches!(told.changes.as_slice(), [
            SourceChange::Settings(Some(first)), SourceChange::Settings(None),
            SourceChange::Signers(some), SourceChange::Signers(none),
        ] if first.site == "jinan" && some == "a key\n" && none.is_empty()),
            "{told:?}"
        );
        assert!(told.said[0].contains("sight"), "{told:?}");
    }
}

//! Which grant depends on what.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::judge::facts::{Grant, Key};

/// Nearly always one, and then it needs no allocation of its own.
type List = SmallVec<[Key; 1]>;

/// Grants by what they refer to. Lists are short but for resources, which are few.
#[derive(Debug, Default)]
pub(super) struct Relations {
    requests: HashMap<Key, List>,
    /// A hundred thousand grants of one resource must not make each change a long walk.
    resources: HashMap<Key, BTreeSet<Key>>,
    serials: HashMap<Key, List>,
    superseded: HashMap<Key, List>,
}

pub(super) fn resource_of(grant: &Grant) -> Key {
    Key::new(grant.key.namespace.clone(), grant.resource.clone())
}

pub(super) fn serial_of(grant: &Grant) -> Key {
    serial(&grant.key.namespace, &grant.serial)
}

pub(super) fn serial(namespace: &Arc<str>, serial: &Arc<str>) -> Key {
    Key::new(namespace.clone(), serial.clone())
}

impl Relations {
    pub(super) fn add(&mut self, grant: &Grant) {
        let key = &grant.key;
        insert(&mut self.requests, grant.request.clone(), key);
        self.resources.entry(resource_of(grant)).or_default().insert(key.clone());
        insert(&mut self.serials, serial_of(grant), key);
        if let Some(older) = &grant.supersedes {
            insert(&mut self.superseded, serial(&key.namespace, older), key);
        }
    }

    pub(super) fn remove(&mut self, grant: &Grant) {
        let key = &grant.key;
        take(&mut self.requests, &grant.request, key);
        let resource = resource_of(grant);
        if let Some(dependants) = self.resources.get_mut(&resource) {
            dependants.remove(key);
            if dependants.is_empty() {
                self.resources.remove(&resource);
            }
        }
        take(&mut self.serials, &serial_of(grant), key);
        if let Some(older) = &grant.supersedes {
            take(&mut self.superseded, &serial(&key.namespace, older), key);
        }
    }

    pub(super) fn of_request(&self, request: &Key) -> &[Key] {
        list(&self.requests, request)
    }

    pub(super) fn of_resource(&self, resource: &Key) -> impl Iterator<Item = &Key> {
        self.resources.get(resource).into_iter().flatten()
    }

    pub(super) fn of_serial(&self, serial: &Key) -> &[Key] {
        list(&self.serials, serial)
    }

    /// Grants that claim to replace this serial.
    pub(super) fn successors(&self, serial: &Key) -> &[Key] {
        list(&self.superseded, serial)
    }
}

fn list<'a>(map: &'a HashMap<Key, List>, of: &Key) -> &'a [Key] {
    map.get(of).map_or(&[], SmallVec::as_slice)
}

/// Lists stay sorted, so that an entry is found at once.
fn insert(map: &mut HashMap<Key, List>, of: Key, key: &Key) {
    let list = map.entry(of).or_default();
    if let Err(at) = list.binary_search(key) {
        list.insert(at, key.clone());
    }
}

fn take(map: &mut HashMap<Key, List>, of: &Key, key: &Key) {
    if let Some(list) = map.get_mut(of) {
        if let Ok(at) = list.binary_search(key) {
            list.remove(at);
        }
        if list.is_empty() {
            map.remove(of);
        }
    }
}

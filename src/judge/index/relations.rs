//! Which grant depends on what.

use std::collections::HashMap;
use std::sync::Arc;

use crate::judge::facts::{Grant, Key};

/// Grants by what they refer to. Lists are short but for resources, which are few.
#[derive(Debug, Default)]
pub(super) struct Relations {
    requests: HashMap<Key, Vec<Key>>,
    resources: HashMap<Key, Vec<Key>>,
    serials: HashMap<Key, Vec<Key>>,
    superseded: HashMap<Key, Vec<Key>>,
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
        insert(&mut self.resources, resource_of(grant), key);
        insert(&mut self.serials, serial_of(grant), key);
        if let Some(older) = &grant.supersedes {
            insert(&mut self.superseded, serial(&key.namespace, older), key);
        }
    }

    pub(super) fn remove(&mut self, grant: &Grant) {
        let key = &grant.key;
        take(&mut self.requests, &grant.request, key);
        take(&mut self.resources, &resource_of(grant), key);
        take(&mut self.serials, &serial_of(grant), key);
        if let Some(older) = &grant.supersedes {
            take(&mut self.superseded, &serial(&key.namespace, older), key);
        }
    }

    pub(super) fn of_request(&self, request: &Key) -> &[Key] {
        list(&self.requests, request)
    }

    pub(super) fn of_resource(&self, resource: &Key) -> &[Key] {
        list(&self.resources, resource)
    }

    pub(super) fn of_serial(&self, serial: &Key) -> &[Key] {
        list(&self.serials, serial)
    }

    /// Grants that claim to replace this serial.
    pub(super) fn successors(&self, serial: &Key) -> &[Key] {
        list(&self.superseded, serial)
    }
}

fn list<'a>(map: &'a HashMap<Key, Vec<Key>>, of: &Key) -> &'a [Key] {
    map.get(of).map_or(&[], Vec::as_slice)
}

/// Lists stay sorted, so that a change among a hundred thousand grants of one resource stays cheap.
fn insert(map: &mut HashMap<Key, Vec<Key>>, of: Key, key: &Key) {
    let list = map.entry(of).or_default();
    if let Err(at) = list.binary_search(key) {
        list.insert(at, key.clone());
    }
}

fn take(map: &mut HashMap<Key, Vec<Key>>, of: &Key, key: &Key) {
    if let Some(list) = map.get_mut(of) {
        if let Ok(at) = list.binary_search(key) {
            list.remove(at);
        }
        if list.is_empty() {
            map.remove(of);
        }
    }
}

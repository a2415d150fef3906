//! What must outlive the objects, in the cluster: the judge's ledger as a journal of `ConfigMap`s, each no larger than
//! an object may be. Only the newest grows, by compare-and-swap; what is full is never written again but to leave out
//! what has expired anyway.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams, Preconditions};
use kube::{Api, Client, ResourceExt};

use super::context::version_of;
use crate::judge::build::{MANAGED_BY, PART_OF, labels};
use crate::judge::ledger::{Ledger, LedgerEntry};
use crate::source::cluster::written;

/// Labels of the `ConfigMap`s; guards watch `part-of`.
const COMPONENT: (&str, &str) = ("app.kubernetes.io/component", "tombstones");
const KEY: &str = "entries.jsonl";
/// Bounds of one `ConfigMap`.
const MOST_ENTRIES: usize = 256;
const MOST_BYTES: usize = 128 * 1024;

/// The ledger cannot be kept, or not be read: then nothing new may serve.
#[derive(Debug, thiserror::Error)]
pub enum TombstoneError {
    #[error("ConfigMap {map}, line {line} of {KEY}: {cause}; restore it from a backup, nothing may be guessed here")]
    Damaged { map: String, line: u32, cause: serde_json::Error },
    #[error("a tombstone cannot be written as JSON: {0}")]
    Entry(#[from] serde_json::Error),
    #[error("tombstones: {0}")]
    Api(#[from] kube::Error),
}

impl TombstoneError {
    /// Whether another operator wrote first.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Api(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists())
    }
}

/// The journal, as far as it was read.
pub struct Tombstones {
    api: Api<ConfigMap>,
    /// The newest `ConfigMap` and how many entries it has.
    newest: Option<(ConfigMap, usize)>,
    number: u32,
}

impl Tombstones {
    /// Reads the whole journal, oldest entry first. The version of the newest `ConfigMap` comes with it.
    pub async fn open(client: Client, namespace: &str) -> Result<(Self, Vec<LedgerEntry>), TombstoneError> {
        let api: Api<ConfigMap> = Api::namespaced(client, namespace);
        let mut maps = list(&api).await?;
        let mut entries = Vec::new();
        let mut last = 0;
        for (_, map) in &maps {
            let own = read(map)?;
            last = own.len();
            entries.extend(own);
        }
        let newest = maps.pop();
        let number = newest.as_ref().map_or(0, |(number, _)| *number);
        Ok((Self { api, newest: newest.map(|(_, map)| (map, last)), number }, entries))
    }

    /// Makes facts durable, in their order; they may be acted on afterwards. Gives the version of the last write.
    pub async fn append(&mut self, entries: &[LedgerEntry]) -> Result<u64, TombstoneError> {
        let mut lines =
            entries.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?.into_iter().peekable();
        let mut version = 0;
        while lines.peek().is_some() {
            let (mut map, mut count) = match self.newest.take() {
                Some((map, count)) => (map, count),
                None => (fresh(self.number.saturating_add(1)), 0),
            };
            let text = map.data.get_or_insert_default().entry(KEY.to_owned()).or_default();
            let before = count;
            while let Some(line) = lines.next_if(|line| {
                count == 0 || (count < MOST_ENTRIES && text.len().saturating_add(line.len() + 1) <= MOST_BYTES)
            }) {
                text.push_str(&line);
                text.push('\n');
                count += 1;
            }
            if count == before {
                // full: the next one begins
                continue;
            }
            let name = map.name_any();
            let written = if map.metadata.resource_version.is_some() {
                self.api.replace(&name, &PostParams::default(), &map).await?
            } else {
                let written = self.api.create(&PostParams::default(), &map).await?;
                self.number = self.number.saturating_add(1);
                written
            };
            version = version.max(version_of(&written));
            self.newest = Some((written, count));
        }
        Ok(version)
    }

    /// Leaves out what is about grants that would have expired by now anyway. The newest `ConfigMap` stays as it is.
    pub async fn prune(&self, ledger: &Ledger, now: Timestamp) -> Result<(), TombstoneError> {
        let mut maps = list(&self.api).await?;
        maps.pop();
        for (_, mut map) in maps {
            let entries = read(&map)?;
            let kept: Vec<_> = entries.iter().filter(|entry| !ledger.is_over(entry, now)).collect();
            if kept.len() == entries.len() {
                continue;
            }
            let name = map.name_any();
            if kept.is_empty() {
                let seen = Preconditions {
                    resource_version: map.metadata.resource_version.clone(),
                    uid: map.metadata.uid.clone(),
                };
                let only = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
                self.api.delete(&name, &only).await?;
            } else {
                let lines = kept.into_iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
                map.data = Some(BTreeMap::from([(KEY.to_owned(), lines.join("\n") + "\n")]));
                self.api.replace(&name, &PostParams::default(), &map).await?;
            }
        }
        Ok(())
    }
}

async fn list(api: &Api<ConfigMap>) -> Result<Vec<(u32, ConfigMap)>, TombstoneError> {
    let labels = format!("{}={},{}={}", PART_OF.0, PART_OF.1, COMPONENT.0, COMPONENT.1);
    let found = api.list(&ListParams::default().labels(&labels)).await?;
    let numbered = |map: ConfigMap| {
        let number = map.name_any().strip_prefix(PREFIX).and_then(|number| number.parse().ok())?;
        Some((number, map))
    };
    let mut maps: Vec<(u32, ConfigMap)> = found.items.into_iter().filter_map(numbered).collect();
    maps.sort_by_key(|(number, _)| *number);
    Ok(maps)
}

const PREFIX: &str = "datashare-tombstones-";

fn fresh(number: u32) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(format!("{PREFIX}{number:05}")),
            labels: Some(labels([PART_OF, MANAGED_BY, COMPONENT])),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::new()),
        ..ConfigMap::default()
    }
}

fn read(map: &ConfigMap) -> Result<Vec<LedgerEntry>, TombstoneError> {
    let text = map.data.as_ref().and_then(|data| data.get(KEY)).map(String::as_str).unwrap_or_default();
    let mut entries = Vec::new();
    for (line, _, entry) in written::tombstones(text) {
        entries.push(entry.map_err(|cause| TombstoneError::Damaged { map: map.name_any(), line, cause })?);
    }
    Ok(entries)
}

//! An object as the API server gives it, read so leniently that no object can stop a watch: what is wrong
//! with it is found out later, and then it alone is absent. Whatever the API server says is read here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Error, Value};

use crate::judge::ledger::LedgerEntry;

/// One line of a watch.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(rename = "type")]
    pub type_: String,
    pub object: Written,
}

impl Event {
    pub fn read(line: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(line)
    }
}

/// One page of a list.
#[derive(Debug, Deserialize)]
pub struct Page {
    #[serde(default)]
    pub metadata: PageMetadata,
    /// A list of metadata that is empty says `null`.
    #[serde(default)]
    pub items: Option<Vec<Written>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PageMetadata {
    pub resource_version: String,
    #[serde(rename = "continue")]
    pub next: Option<String>,
}

impl Page {
    pub fn read(text: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(text)
    }
}

/// Why the API server refused, in its words.
#[must_use]
pub fn refusal(body: &[u8]) -> Option<String> {
    serde_json::from_slice(body).ok().and_then(|status: Written| status.message)
}

/// What a guard's Lease says that it has taken in, by the names of kinds; nonsense is nothing.
#[must_use]
pub fn taken_in(annotation: &str) -> BTreeMap<String, String> {
    serde_json::from_str(annotation).unwrap_or_default()
}

/// The lines of a map of tombstones with their numbers, from 1 on.
pub fn tombstones(text: &str) -> impl Iterator<Item = (u32, &str, Result<LedgerEntry, Error>)> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    lines.map(|(line, number)| (number, line, serde_json::from_str(line)))
}

/// An object of any kind, or the status that stands in its place.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Written {
    pub metadata: Metadata,
    pub spec: Value,
    pub status: Value,
    pub data: Option<BTreeMap<String, String>>,
    /// Of a status.
    pub code: Option<u16>,
    pub message: Option<String>,
}

/// As much of the metadata as matters.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    pub namespace: String,
    pub name: String,
    pub resource_version: String,
    pub labels: Option<BTreeMap<String, String>>,
    pub annotations: Option<BTreeMap<String, String>>,
    deletion_timestamp: Option<IgnoredAny>,
}

impl Metadata {
    /// Being deleted, and there only until somebody's finalizer lets go: it counts as absent.
    #[must_use]
    pub fn is_going(&self) -> bool {
        self.deletion_timestamp.is_some()
    }

    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.as_ref()?.get(name).map(String::as_str)
    }

    /// Whether this bookmark ends a list.
    #[must_use]
    pub fn ends_list(&self) -> bool {
        let all = self.annotations.as_ref();
        all.and_then(|all| all.get("k8s.io/initial-events-end")).is_some_and(|value| value == "true")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// JSON as a server may give it where we expect something else.
    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let name = prop_oneof!["metadata|spec|status|data|code|name|labels|deletionTimestamp", "[a-z]{1,6}"];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(name, inner, 0..4).prop_map(|map| map.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_in_spec_and_status_stops_nothing_and_is_kept_as_it_is(spec in anything(), status in anything(), extra in anything()) {
            let object = json!({"metadata": {"namespace": "a", "name": "b", "uid": extra}, "spec": spec, "status": status, "more": extra});
            let event = Event::read(&serde_json::to_vec(&json!({"type": "ADDED", "object": object})).unwrap()).unwrap();
            prop_assert_eq!(event.object.metadata.id(), "a/b");
            prop_assert_eq!((&event.object.spec, &event.object.status), (&spec, &status));
            let page = Page::read(&serde_json::to_vec(&json!({"metadata": {"continue": "c"}, "items": [object]})).unwrap()).unwrap();
            prop_assert_eq!(&page.items.unwrap()[0].spec, &spec);
            prop_assert_eq!(page.metadata.next.as_deref(), Some("c"));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "(\\{\"fact\":\"[a-z]{0,6}\"[^\n]{0,20}\n?|[ -~]{0,20}\n){0,6}") {
            prop_assert!(Event::read(&bytes).is_err());
            prop_assert!(Page::read(&bytes).is_err() || bytes.starts_with(b"["));
            prop_assert_eq!(refusal(&bytes), None);
            prop_assert!(taken_in(&text).is_empty() || serde_json::from_str::<Value>(&text).is_ok());
            let numbers: Vec<_> = tombstones(&text).map(|(number, line, _)| (number, line.to_owned())).collect();
            for (number, line) in &numbers {
                prop_assert_eq!(text.lines().nth(*number as usize - 1), Some(line.as_str()));
            }
            prop_assert_eq!(numbers.len(), text.lines().filter(|line| !line.trim().is_empty()).count());
        }
    }
}

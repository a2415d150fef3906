//! An object as the API server gives it, read so leniently that no object can stop a watch: what is wrong
//! with it is found out later, and then it alone is absent.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// One line of a watch.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(rename = "type")]
    pub type_: String,
    pub object: Written,
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

//! One entry as it is read back: owned, and tolerant of members that a later version may add.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use crate::audit::entry::Upstream;
use crate::audit::event::{Event, Outcome};

/// An entry of the log, parsed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    pub v: u32,
    pub stream: String,
    pub index: u64,
    pub time: Timestamp,
    pub event: Event,
    pub grant: Option<RecordedGrant>,
    pub request: Option<RecordedName>,
    pub unit: Option<RecordedUnit>,
    pub system: Option<String>,
    pub user: Option<String>,
    pub case: Option<String>,
    pub consent: Option<String>,
    pub source: Option<IpAddr>,
    pub resource: Option<RecordedName>,
    pub operation: Option<String>,
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    pub outcome: Option<Outcome>,
    pub code: Option<String>,
    pub status: Option<u16>,
    #[serde(default)]
    pub fields: Vec<String>,
    pub items: Option<u64>,
    pub bytes: Option<u64>,
    pub digest: Option<String>,
    pub upstream: Option<Upstream>,
    pub retain: Option<Date>,
}

/// The decision that an entry names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RecordedGrant {
    pub namespace: String,
    pub name: String,
    pub serial: String,
    pub digest: String,
}

/// An object that an entry names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RecordedName {
    pub namespace: String,
    pub name: String,
}

/// The unit that an entry names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RecordedUnit {
    pub code: String,
    pub name: String,
}

impl Recorded {
    /// Reads one line, without its newline.
    pub fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }

    /// What the caller of this entry was given as proof.
    #[must_use]
    pub fn receipt(&self) -> String {
        format!("{}/{}", self.stream, self.index)
    }
}

/// The beginning of an entry: all that continuity needs. Parsing it still proves the whole line to be JSON.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub v: u32,
    pub stream: String,
    pub index: u64,
    pub time: Timestamp,
    pub event: Event,
}

impl Head {
    pub(super) fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }
}

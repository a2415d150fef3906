//! The draw: of all entries offered, those whose receipts hash lowest together with the seed. So the
//! draw does not depend on the order of the entries, nobody can steer it who does not know the seed
//! beforehand, and anybody who has seed and record can draw again.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::{About, Said, outside_approval};
use crate::audit::recorded::Recorded;
use crate::random::{self, RandomError};

/// What a draw is repeated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed([u8; 16]);

/// A text that is no seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a seed has 32 hexadecimal digits")]
pub struct BadSeed;

impl Seed {
    /// One that nobody can guess.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn draw() -> Result<Self, RandomError> {
        random::bytes().map(Self)
    }

    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    fn lot(self, receipt: &str) -> [u8; 32] {
        Sha256::new().chain_update(self.0).chain_update(receipt.as_bytes()).finalize().into()
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Seed {
    type Err = BadSeed;

    fn from_str(text: &str) -> Result<Self, BadSeed> {
        let digits = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = digits.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number.map(|number| Self(number.to_be_bytes())).ok_or(BadSeed)
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// One drawn entry, with what an inspector asks a unit to prove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sampled {
    pub receipt: String,
    pub time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// What is not as it was approved at that time; empty when all is.
    pub objections: Vec<Said>,
}

/// What is drawn so far.
#[derive(Debug)]
pub(super) struct Sample {
    seed: Seed,
    most: usize,
    drawn: BTreeMap<[u8; 32], Recorded>,
}

impl Sample {
    pub(super) fn new(seed: Seed, most: usize) -> Self {
        Self { seed, most, drawn: BTreeMap::new() }
    }

    pub(super) fn offer(&mut self, entry: &Recorded) {
        let lot = self.seed.lot(&entry.receipt());
        let full = self.drawn.len() >= self.most;
        if full && self.drawn.last_key_value().is_none_or(|(highest, _)| lot >= *highest) {
            return;
        }
        self.drawn.insert(lot, entry.clone());
        if self.drawn.len() > self.most {
            self.drawn.pop_last();
        }
    }

    /// The drawn entries, each held against what was approved.
    pub(super) fn end(self, about: &About<'_>) -> Vec<Sampled> {
        let mut entries: Vec<Recorded> = self.drawn.into_values().collect();
        entries.sort_by(|a, b| (a.time, &a.stream, a.index).cmp(&(b.time, &b.stream, b.index)));
        let sampled = entries.into_iter().map(|entry| Sampled {
            receipt: entry.receipt(),
            time: entry.time,
            objections: outside_approval::objections(&entry, about),
            serial: entry.grant.map(|grant| grant.serial),
            unit: entry.unit.map(|unit| unit.name),
            user: entry.user,
            case: entry.case,
            consent: entry.consent,
        });
        sampled.collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_seed_written_is_the_seed_read_and_nothing_else_is_one(bytes in any::<[u8; 16]>(), text in "[0-9a-fA-F+-]{30,34}|\\PC{0,40}") {
            let seed = Seed::new(bytes);
            prop_assert_eq!(seed.to_string().parse(), Ok(seed));
            if let Ok(read) = text.parse::<Seed>() {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }
}

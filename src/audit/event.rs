//! The closed sets of words in an entry: what happened, and how a call ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A guarded call that was admitted: released or failed.
    Call,
    /// A call with a known credential that was refused.
    Refusal,
    /// Calls whose credential nobody knows, in aggregate; `items` says how many since the last such entry.
    UnknownCredentials,
    /// A credential was made, rotated or handed over.
    Delivery,
    /// Data was taken back.
    Recall,
    /// Somebody looked through the record on the policy's behalf.
    Inspection,
    /// The record itself was exported, pruned or put on hold.
    Audit,
    /// The key that signs checkpoints changed.
    Key,
    /// A guard took up the stream; `code` is `first`, `clean` or `recovered`, and `bytes` says how much of a torn
    /// last entry was cut.
    Start,
    /// A guard laid the stream down in good order.
    Stop,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The projected answer was handed to the caller.
    Released,
    /// Not admitted.
    Refused,
    /// Admitted, but no answer could be released.
    Failed,
}

impl Event {
    /// Every event there is.
    pub const ALL: [Self; 10] = [
        Self::Call,
        Self::Refusal,
        Self::UnknownCredentials,
        Self::Delivery,
        Self::Recall,
        Self::Inspection,
        Self::Audit,
        Self::Key,
        Self::Start,
        Self::Stop,
    ];

    /// The word in the entry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Refusal => "refusal",
            Self::UnknownCredentials => "unknown-credentials",
            Self::Delivery => "delivery",
            Self::Recall => "recall",
            Self::Inspection => "inspection",
            Self::Audit => "audit",
            Self::Key => "key",
            Self::Start => "start",
            Self::Stop => "stop",
        }
    }
}

impl Outcome {
    /// Every outcome there is.
    pub const ALL: [Self; 3] = [Self::Released, Self::Refused, Self::Failed];

    /// The word in the entry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// A word outside its closed set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not one of {known}")]
pub struct UnknownWord {
    word: String,
    known: String,
}

impl UnknownWord {
    fn new(word: &str, known: &[&str]) -> Self {
        Self { word: word.to_owned(), known: known.join(", ") }
    }
}

impl FromStr for Event {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|event| event.as_str() == word)
            .ok_or_else(|| UnknownWord::new(word, &Self::ALL.map(Self::as_str)))
    }
}

impl FromStr for Outcome {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
            .ok_or_else(|| UnknownWord::new(word, &Self::ALL.map(Self::as_str)))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_written_is_the_word_read() {
        for event in Event::ALL {
            assert_eq!(event.as_str().parse(), Ok(event));
            assert_eq!(serde_json::to_string(&event).unwrap(), format!("\"{event}\""));
        }
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
            assert_eq!(serde_json::to_string(&outcome).unwrap(), format!("\"{outcome}\""));
        }
        let said = "relased".parse::<Outcome>().unwrap_err().to_string();
        assert_eq!(said, "`relased` is not one of released, refused, failed");
    }
}

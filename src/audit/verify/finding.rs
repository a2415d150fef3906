//! What is wrong with a record, and where.

use std::fmt;

use serde::Serialize;

/// What was done to a record, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something else stands where this stood.
    Changed,
    /// Something is missing between others.
    Removed,
    /// Something is there once too often.
    Inserted,
    /// Things stand in another order.
    Swapped,
    /// Something is missing at the end.
    Truncated,
    /// The whole is an earlier state of itself.
    RolledBack,
    /// Signed by a key that may not, or for other entries.
    Forged,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Inserted => "inserted",
            Self::Swapped => "swapped",
            Self::Truncated => "truncated",
            Self::RolledBack => "rolled back",
            Self::Forged => "forged",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One bad place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: Kind,
    /// Below the log: `<stream>/…`.
    pub file: String,
    /// Counts from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The entries from the first up to the second, not included, among which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<(u64, u64)>,
    pub says: String,
}

impl Finding {
    /// In a file of a stream.
    #[must_use]
    pub fn in_file(kind: Kind, stream: &str, file: &str, line: Option<u64>, says: String) -> Self {
        Self { kind, file: format!("{stream}/{file}"), line, entries: None, says }
    }

    /// Among these entries.
    #[must_use]
    pub fn among(self, from: u64, to: u64) -> Self {
        Self { entries: Some((from, to)), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}: {}", self.kind, self.says)
    }
}

//! Checkpoints as C2SP has them (c2sp.org/tlog-checkpoint): how many entries a stream has and their
//! root, signed. One line more is signed than the format asks for. Of those that stay it is `checkpoint
//! <number> <time>`: the numbers leave no gap, so one that was removed is missed. Most only have to be
//! the newest one for a second: `interim <number> <time>` has the number of the next one that stays, and
//! says that it never was in the list, so a list that grows with the record and not with the clock is
//! told apart from one that somebody shortened.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;

use crate::audit::encode;
use crate::audit::note::{Note, NoteError, SigningKey};
use crate::audit::tree::Hash;

/// The file of a stream that holds its newest checkpoint, whether that stays or not.
pub const CHECKPOINT: &str = "checkpoint";
/// The file of a stream that holds the next one, until it stands among the others and is put in its place.
pub const NEXT_CHECKPOINT: &str = "checkpoint.new";
/// The file of a stream that holds the checkpoints that stay, one a line.
pub const CHECKPOINTS: &str = "checkpoints.jsonl";

const STAYS: &str = "checkpoint";
const INTERIM: &str = "interim";

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// `<site>/<stream>`.
    pub origin: String,
    /// Entries in the tree.
    pub size: u64,
    pub root: Hash,
    /// Counts those that stay, from 1.
    pub number: u64,
    /// It is nowhere but where the newest one is, until another one is that.
    pub interim: bool,
    pub time: Timestamp,
}

/// A checkpoint with the note that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub checkpoint: Checkpoint,
    pub note: Note,
}

/// Why a text is no checkpoint of ours.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("the signed text is not origin, size, root and `checkpoint NUMBER TIME` (or `interim …`), a line each")]
    Text,
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("the line is not written as the guard writes it")]
    Form,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let time = encode::time_text(self.time);
        let time = String::from_utf8_lossy(&time);
        let root = STANDARD.encode(self.root);
        let word = if self.interim { INTERIM } else { STAYS };
        format!("{}\n{}\n{root}\n{word} {} {time}\n", self.origin, self.size, self.number)
    }

    /// Reads such a text.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let read = || {
            let mut lines = text.lines();
            let origin = lines.next().filter(|origin| !origin.is_empty())?.to_owned();
            let size = lines.next()?.parse().ok()?;
            let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
            let mut words = lines.next()?.splitn(3, ' ');
            let interim = match words.next()? {
                STAYS => false,
                INTERIM => true,
                _ => return None,
            };
            let (number, time) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            Some(Self { origin, size, root, number, interim, time })
        };
        // numbers and times have other forms too; ours is the only one that counts
        read().filter(|checkpoint| checkpoint.text() == text).ok_or(CheckpointError::Text)
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, keys: &[&SigningKey]) -> Signed {
        let note = Note::sign(self.text(), keys);
        Signed { checkpoint: self, note }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "time")]
    _time: String,
    note: String,
}

impl Signed {
    /// Reads a note.
    pub fn parse(note: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        Ok(Self { checkpoint: Checkpoint::parse(note.text())?, note })
    }

    /// Reads a line of `checkpoints.jsonl`, given without its newline.
    pub fn parse_line(line: &[u8]) -> Result<Self, CheckpointError> {
        let written: Written = serde_json::from_slice(line)?;
        let signed = Self::parse(&written.note)?;
        // no byte of it is without meaning
        if signed.line() == line { Ok(signed) } else { Err(CheckpointError::Form) }
    }

    /// The line of `checkpoints.jsonl`, without a newline.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        let mut out = b"{\"time\":\"".to_vec();
        out.extend_from_slice(&encode::time_text(self.checkpoint.time));
        out.extend_from_slice(b"\",\"note\":");
        encode::string(&mut out, &self.note.to_string());
        out.push(b'}');
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checkpoint(size: u64, number: u64, micros: i64) -> Checkpoint {
        let time = Timestamp::from_microsecond(micros).unwrap();
        Checkpoint { origin: "济南/guard-1".to_owned(), size, root: [7; 32], number, interim: number % 2 == 1, time }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(size in any::<u64>(), number in any::<u64>(), micros in 0_i64..4_000_000_000_000_000) {
            let signed = checkpoint(size, number, micros).sign(&[&SigningKey::generate("济南/guard-1").unwrap()]);
            prop_assert_eq!(&Signed::parse(&signed.note.to_string()).unwrap(), &signed);
            prop_assert_eq!(&Signed::parse_line(&signed.line()).unwrap(), &signed);
        }

        #[test]
        fn no_other_form_is_taken(text in "[a-z]{0,3}\n[0-9+]{0,3}\n[A-Za-z0-9=]{0,44}\n(checkpoint|interim) [0-9]{1,2} 20[0-9-]{8}T[0-9:.]{8,15}Z?\n|\\PC{0,40}") {
            if let Ok(read) = Checkpoint::parse(&text) {
                prop_assert_eq!(read.text(), text);
            }
        }
    }

    #[test]
    fn a_line_has_one_form() {
        let key = SigningKey::generate("济南/guard-1").unwrap();
        let line = String::from_utf8(checkpoint(5, 2, 1_700_000_000_000_000).sign(&[&key]).line()).unwrap();
        assert!(Signed::parse_line(line.as_bytes()).is_ok());
        for (from, to) in [
            ("{\"", "{ \""),
            ("\"time\":\"2023", "\"time\":\"2024"),
            ("\\n5\\n", "\\n05\\n"),
            ("}", ",\"a\":1}"),
            ("济", "\\u6d4e"),
        ] {
            let other = line.replacen(from, to, 1);
            assert_ne!(other, line, "{from}");
            assert!(Signed::parse_line(other.as_bytes()).is_err(), "{other}");
        }
    }
}

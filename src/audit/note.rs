//! Signed notes as C2SP has them (c2sp.org/signed-note): a text, and below it who signed it. Keys are
//! Ed25519 only, named, and written as one line each.

mod key;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use key::{KeyError, SigningKey, VerifyingKey};

/// A note longer than this is none of ours.
const LONGEST: usize = 64 << 10;

/// A text and its signatures; nothing is said yet about whether they are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// With its last newline.
    text: String,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    name: String,
    /// Which key, and what it made.
    id: [u8; 4],
    made: Vec<u8>,
}

/// What a note says of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Signed by it.
    Signed,
    /// It has a signature under this key's name and number that the key did not make.
    Spoiled,
    /// Nothing.
    Unsigned,
}

/// Why a text is no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("longer than any note")]
    Long,
    #[error("no empty line before its signatures")]
    Unsigned,
    #[error("no line end at its end, or a control character in it")]
    Letters,
    #[error("signature {0} cannot be read")]
    Signature(usize),
}

impl Note {
    /// Signs a text, which must be lines that end with a newline.
    #[must_use]
    pub fn sign(text: String, keys: &[&SigningKey]) -> Self {
        let signatures = keys
            .iter()
            .map(|key| Signature {
                name: key.public().name().to_owned(),
                id: key.public().id(),
                made: key.sign(text.as_bytes()).to_vec(),
            })
            .collect();
        Self { text, signatures }
    }

    /// Reads a note.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > LONGEST {
            return Err(NoteError::Long);
        }
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::Letters);
        }
        let body = note.strip_suffix('\n').ok_or(NoteError::Letters)?;
        let (text, lines) = body.rsplit_once("\n\n").ok_or(NoteError::Unsigned)?;
        let read = |(number, line)| Signature::parse(line).ok_or(NoteError::Signature(number));
        let signatures = (1..).zip(lines.split('\n')).map(read).collect::<Result<_, _>>()?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// What was signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many signatures it has, of whomever.
    #[must_use]
    pub fn signatures(&self) -> usize {
        self.signatures.len()
    }

    /// Whether this key signed it.
    #[must_use]
    pub fn standing(&self, key: &VerifyingKey) -> Standing {
        let mut standing = Standing::Unsigned;
        for signature in self.signatures.iter().filter(|made| made.name == key.name() && made.id == key.id()) {
            if !key.verifies(self.text.as_bytes(), &signature.made) {
                return Standing::Spoiled;
            }
            standing = Standing::Signed;
        }
        standing
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, made) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = STANDARD.decode(made).ok()?;
        let (id, made) = bytes.split_first_chunk::<4>()?;
        let sound = key::is_name(name) && !made.is_empty();
        sound.then(|| Self { name: name.to_owned(), id: *id, made: made.to_vec() })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            let bytes = [&signature.id[..], &signature.made].concat();
            writeln!(f, "— {} {}", signature.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

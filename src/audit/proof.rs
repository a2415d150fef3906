//! One entry with the proof that it was recorded, as one small file (c2sp.org/tlog-proof): the entry
//! itself, its place, the hashes that lead from it to a root, and the checkpoint that signs the root.
//! Whoever has the public keys needs nothing else.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::audit::checkpoint::{CheckpointError, Signed};
use crate::audit::note::{Standing, VerifyingKey};
use crate::audit::scan::Opening;
use crate::audit::tree::{Hash, Inclusion, ProofError, leaf_hash};

const HEADING: &str = "c2sp.org/tlog-proof@v1";

/// A proof, as it is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProof {
    /// The entry, without its newline.
    pub entry: Vec<u8>,
    pub index: u64,
    pub hashes: Vec<Hash>,
    pub checkpoint: Signed,
}

/// Why a file proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum EntryProofError {
    #[error("line {0} is not what a c2sp.org/tlog-proof@v1 file has there")]
    Line(usize),
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    #[error("none of the keys has signed its checkpoint")]
    Unsigned,
    #[error("the signature of its checkpoint is spoiled")]
    Spoiled,
    #[error("the entry is not entry {index} of {origin}")]
    Place { index: u64, origin: String },
    #[error("entry {index} of {origin} was another one when {size} entries were signed: {source}")]
    Tree { index: u64, origin: String, size: u64, source: ProofError },
}

impl EntryProof {
    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, EntryProofError> {
        let (head, note) = text.split_once("\n\n").ok_or(EntryProofError::Line(1))?;
        let mut lines = (1..).zip(head.split('\n'));
        let mut next = |lead: &str| {
            let (number, line) = lines.next().ok_or(EntryProofError::Line(0))?;
            line.strip_prefix(lead).map(|rest| (number, rest)).ok_or(EntryProofError::Line(number))
        };
        let (number, rest) = next(HEADING)?;
        if !rest.is_empty() {
            return Err(EntryProofError::Line(number));
        }
        let (number, extra) = next("extra ")?;
        let entry = STANDARD.decode(extra).map_err(|_| EntryProofError::Line(number))?;
        let (number, digits) = next("index ")?;
        let index: u64 = digits.parse().map_err(|_| EntryProofError::Line(number))?;
        if index.to_string() != digits {
            return Err(EntryProofError::Line(number));
        }
        let hash = |(number, line): (usize, &str)| {
            let bytes = STANDARD.decode(line).ok();
            bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(EntryProofError::Line(number))
        };
        let hashes = lines.map(hash).collect::<Result<_, _>>()?;
        Ok(Self { entry, index, hashes, checkpoint: Signed::parse(note)? })
    }

    /// The file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{HEADING}\nextra {}\nindex {}\n", STANDARD.encode(&self.entry), self.index);
        for hash in &self.hashes {
            // writing into memory cannot fail
            let _ = writeln!(out, "{}", STANDARD.encode(hash));
        }
        let _ = write!(out, "\n{}", self.checkpoint.note);
        out
    }

    /// Whether the entry was recorded in its place, given the stream's public keys.
    pub fn verify(&self, keys: &[VerifyingKey]) -> Result<(), EntryProofError> {
        let checkpoint = &self.checkpoint.checkpoint;
        let (origin, size, index) = (checkpoint.origin.clone(), checkpoint.size, self.index);
        let of_stream = keys.iter().filter(|key| key.name() == origin);
        let standings: Vec<_> = of_stream.map(|key| self.checkpoint.note.standing(key)).collect();
        if standings.contains(&Standing::Spoiled) {
            return Err(EntryProofError::Spoiled);
        }
        if !standings.contains(&Standing::Signed) {
            return Err(EntryProofError::Unsigned);
        }
        let stream = origin.rsplit_once('/').map_or("", |(_, stream)| stream);
        if Opening::of(stream).read(&self.entry).is_none_or(|opened| opened.index != index) {
            return Err(EntryProofError::Place { index, origin });
        }
        Inclusion { index, size }
            .verify(&leaf_hash(&self.entry), &self.hashes, &checkpoint.root)
            .map_err(|source| EntryProofError::Tree { index, origin, size, source })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::checkpoint::Checkpoint;
    use crate::audit::note::SigningKey;
    use crate::audit::tree::Range;

    fn entry(index: u64) -> Vec<u8> {
        format!(
            "{{\"v\":1,\"stream\":\"g\",\"index\":{index},\"time\":\"2026-11-24T04:00:00.000000Z\",\"event\":\"call\"}}"
        )
        .into()
    }

    fn proof(key: &SigningKey, index: u64, size: u64) -> EntryProof {
        let ranges: Vec<_> = (0..size)
            .map(|at| {
                let mut range = Range::empty_at(at);
                range.push(&entry(at));
                range
            })
            .collect();
        let mut tree = Range::empty_at(0);
        ranges.iter().for_each(|range| tree.extend(range).unwrap());
        let checkpoint = Checkpoint {
            origin: key.public().name().to_owned(),
            size,
            root: tree.root().unwrap(),
            number: 1,
            interim: false,
            time: "2026-11-24T04:00:01Z".parse().unwrap(),
        };
        EntryProof {
            entry: entry(index),
            index,
            hashes: Inclusion { index, size }.prove(&ranges).unwrap(),
            checkpoint: checkpoint.sign(&[key]),
        }
    }

    proptest! {
        #[test]
        fn a_file_proves_its_entry_and_no_changed_byte_of_it_does(
            index in 0..9_u64, more in 1..9_u64, at in any::<usize>(), by in 1..=255_u8,
        ) {
            let key = SigningKey::generate("jinan/g").unwrap();
            let keys = [SigningKey::generate("jinan/g").unwrap().public().clone(), key.public().clone()];
            let made = proof(&key, index, index + more);
            let text = made.text();
            let read = EntryProof::parse(&text).unwrap();
            prop_assert_eq!(&read, &made);
            prop_assert!(read.verify(&keys).is_ok());
            prop_assert!(matches!(read.verify(&keys[..1]), Err(EntryProofError::Unsigned)));
            let mut bytes = text.into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= by;
            let changed = String::from_utf8(bytes).ok().and_then(|text| EntryProof::parse(&text).ok());
            prop_assert!(changed.is_none_or(|changed| changed.verify(&keys).is_err()));
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "c2sp.org/tlog-proof@v1\nextra [A-Za-z0-9+/]{4}\nindex [0-9]{1,2}\n([A-Za-z0-9+/]{43}=\n){0,2}\n\\PC{0,20}") {
            if let Ok(read) = EntryProof::parse(&text) {
                prop_assert_eq!(read.text(), text);
            }
        }
    }

    #[test]
    fn another_entry_in_its_place_is_no_proof() {
        let key = SigningKey::generate("jinan/g").unwrap();
        let keys = [key.public().clone()];
        let mut swapped = proof(&key, 3, 7);
        swapped.entry = entry(4);
        assert!(matches!(swapped.verify(&keys), Err(EntryProofError::Place { .. })));
        let mut edited = proof(&key, 3, 7);
        edited.entry = String::from_utf8(edited.entry).unwrap().replace("call", "stop").into();
        assert!(matches!(edited.verify(&keys), Err(EntryProofError::Tree { .. })));
    }
}

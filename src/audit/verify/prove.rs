//! Takes one entry out of a record with the proof that it was recorded.

use std::io;

use rayon::prelude::*;

use super::entries::read_segment;
use super::place::{Piece, Place, Step};
use crate::audit::checkpoint::{CHECKPOINT, CheckpointError, Signed};
use crate::audit::keys::{self, KEYS};
use crate::audit::lines::{Line, Lines};
use crate::audit::proof::{EntryProof, EntryProofError};
use crate::audit::pruned::{PRUNED, Pruned};
use crate::audit::tree::{Inclusion, ProofError, Range};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("stream {0} has no checkpoint: nothing of it is proven yet")]
    NoCheckpoint(String),
    #[error("{stream}/{CHECKPOINT}: {source}")]
    Checkpoint { stream: String, source: CheckpointError },
    #[error("entry {index} is not yet proven: the newest checkpoint of {stream} has {size} entries")]
    NotYet { stream: String, index: u64, size: u64 },
    #[error(
        "entry {index} of {stream} is not there: it was removed on time, or somebody removed it; 'datashare audit verify' tells which"
    )]
    Gone { stream: String, index: u64 },
    #[error("{0}; run 'datashare audit verify'")]
    Tree(#[from] ProofError),
    #[error("{stream}: {says}; run 'datashare audit verify'")]
    Broken { stream: String, says: String },
    #[error("the record does not prove it: {0}; run 'datashare audit verify'")]
    Refuted(#[from] EntryProofError),
}

/// The proof of one entry, against the newest checkpoint.
pub fn prove(place: &dyn Place, stream: &str, index: u64, step: &Step<'_>) -> Result<EntryProof, ProveError> {
    let broken = |says: String| ProveError::Broken { stream: stream.to_owned(), says };
    let text = place.read(stream, CHECKPOINT)?.ok_or_else(|| ProveError::NoCheckpoint(stream.to_owned()))?;
    let checkpoint = Signed::parse(&String::from_utf8_lossy(&text))
        .map_err(|source| ProveError::Checkpoint { stream: stream.to_owned(), source })?;
    let size = checkpoint.checkpoint.size;
    if index >= size {
        return Err(ProveError::NotYet { stream: stream.to_owned(), index, size });
    }
    let pieces = place.pieces(stream)?;
    let home = pieces.iter().rfind(|piece| piece.first <= index);
    let gone = || ProveError::Gone { stream: stream.to_owned(), index };
    let entry = entry(place, stream, home.ok_or_else(gone)?, index)?.ok_or_else(gone)?;
    let about = Inclusion { index, size };
    let cuts: Vec<u64> = about.stretches()?.into_iter().flat_map(|(from, to)| [from, to]).collect();
    let needed = pieces.par_iter().filter(|piece| piece.first < size);
    let scans: Vec<_> =
        needed.map(|piece| read_segment(place, stream, piece, &cuts, step)).collect::<Result<_, _>>()?;
    let mut ranges = removed(place, stream)?;
    for scan in scans {
        ranges.extend(scan.map_err(broken)?.slices);
    }
    ranges.sort_by_key(Range::from);
    let hashes = about.prove(&ranges)?;
    let proof = EntryProof { entry, index, hashes, checkpoint };
    let keys = keys::parse(&place.read(stream, KEYS)?.unwrap_or_default())
        .map_err(|(line, error)| broken(format!("{KEYS}:{line}: {error}")))?;
    proof.verify(&keys)?;
    Ok(proof)
}

/// The line of an entry, from the segment that must have it.
fn entry(place: &dyn Place, stream: &str, piece: &Piece, index: u64) -> io::Result<Option<Vec<u8>>> {
    let mut lines = Lines::new(piece.open(place, stream, &|_| {})?);
    let mut at = piece.first;
    while let Some(line) = lines.next_line()? {
        match line {
            Line::Whole(line) if at == index => return Ok(Some(line.to_vec())),
            Line::Whole(_) => at += 1,
            Line::Torn(_) | Line::Long { .. } => break,
        }
    }
    Ok(None)
}

fn removed(place: &dyn Place, stream: &str) -> io::Result<Vec<Range>> {
    let text = place.read(stream, PRUNED)?.unwrap_or_default();
    let lines = text.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    Ok(lines.filter_map(|line| Pruned::parse(line).ok()).map(|line| line.range).collect())
}

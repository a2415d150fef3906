//! `datashare audit prove` and `verify-proof`: one entry as evidence that needs nothing but public keys.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use clap::Args;

use super::cluster::ClusterArgs;
use super::places::{self, Found};
use super::progress::Progress;
use super::verify::read_keys;
use super::{AuditError, plain, there};
use crate::audit::proof::EntryProof;
use crate::audit::verify::{self, Place, ProveError};

/// A proof is an entry, some hashes and a checkpoint.
const LARGEST: u64 = 4 << 20;

/// Which entry.
#[derive(Debug, Args)]
pub struct ProveArgs {
    /// The receipt of a call, as its answer's Datashare-Record header has it
    #[arg(value_name = "STREAM/INDEX", value_parser = receipt)]
    receipt: (String, u64),
    /// The state directory that holds the record; absent: .datashare
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// An archive of the record, for entries that the state directory has no longer
    #[arg(long, value_name = "URL")]
    archive: Vec<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Where the proof goes; absent: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Which proof.
#[derive(Debug, Args)]
pub struct VerifyProofArgs {
    /// The proof (- reads it from standard input)
    #[arg(value_name = "FILE")]
    proof: PathBuf,
    /// The public keys of the stream: its file keys
    #[arg(long, value_name = "KEYS")]
    key: PathBuf,
}

/// Writes the proof of one entry.
pub fn prove(
    args: &ProveArgs,
    as_plugin: bool,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<u8, AuditError> {
    let (stream, index) = &args.receipt;
    let (state, only) = (args.state.as_deref(), Some(stream.as_str()));
    let found = places::find(state, &args.archive, &args.cluster, as_plugin, only, messages)?;
    let Some(Found { local, archives, .. }) = &found else { return Ok(1) };
    let mut places = local.iter().chain(archives).peekable();
    loop {
        let Some(place) = places.next() else {
            let looked_in = there(local.iter().chain(archives).map(|place| &place.name));
            return Err(AuditError::NoStream { place: looked_in, stream: stream.clone() });
        };
        let failed = |source| AuditError::Read { place: place.name.clone(), source };
        let pieces = place.pieces(stream).map_err(failed)?;
        if pieces.is_empty() {
            continue;
        }
        let progress = Progress::new(pieces.iter().map(|piece| piece.bytes).sum());
        let made = verify::prove(place, stream, *index, &|more| progress.step(more));
        progress.end();
        match made {
            Err(_) if places.peek().is_some() => {}
            made => {
                let text = made
                    .map_err(|error| match error {
                        ProveError::Io(source) => failed(source),
                        other => other.into(),
                    })?
                    .text();
                match &args.out {
                    Some(path) => fs::write(path, text)
                        .map_err(|source| AuditError::Read { place: path.display().to_string(), source })?,
                    None => out.write_all(text.as_bytes())?,
                }
                out.flush()?;
                return Ok(0);
            }
        }
    }
}

/// Says what a proof proves; 1 if nothing.
pub fn verify_proof(args: &VerifyProofArgs, out: &mut dyn Write, messages: &mut dyn Write) -> Result<u8, AuditError> {
    let name = args.proof.display().to_string();
    let mut text = String::new();
    let read = if name == "-" {
        io::stdin().lock().take(LARGEST).read_to_string(&mut text)
    } else {
        fs::File::open(&args.proof).and_then(|file| file.take(LARGEST).read_to_string(&mut text))
    };
    read.map_err(|source| AuditError::Read { place: name.clone(), source })?;
    let keys = read_keys(&args.key)?;
    let checked = EntryProof::parse(&text).and_then(|proof| proof.verify(&keys).map(|()| proof));
    match checked {
        Err(error) => {
            writeln!(messages, "{name}: not proven: {error}")?;
            Ok(1)
        }
        Ok(proof) => {
            let checkpoint = &proof.checkpoint.checkpoint;
            let (origin, size, time) = (&checkpoint.origin, checkpoint.size, checkpoint.time);
            writeln!(out, "{}", plain(&String::from_utf8_lossy(&proof.entry)))?;
            let index = proof.index;
            writeln!(messages, "proven: entry {index} of {origin}, one of the {size} entries signed at {time}")?;
            Ok(0)
        }
    }
}

/// A receipt, as callers have it.
fn receipt(text: &str) -> Result<(String, u64), String> {
    let parts = text.split_once('/').and_then(|(stream, index)| Some((stream.to_owned(), index.parse().ok()?)));
    parts.ok_or_else(|| "a receipt is STREAM/INDEX, as in guard-1a2b3c4d/17".to_owned())
}

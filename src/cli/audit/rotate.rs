//! `datashare audit rotate-key`: a new key signs checkpoints from now on. The change is an entry of the
//! record and a checkpoint that both keys sign, so the chain has no break.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::AuditError;
use super::places;
use crate::audit::keys::{KEYS, SigningKeys};
use crate::audit::verify::Place;
use crate::audit::{Disk, Evidence, Log, LogError, NotaryError, Options, keys};
use crate::clock::Clock;
use crate::delivery::state_dir::NOTARY;

/// Which stream gets a new key.
#[derive(Debug, Args)]
pub struct RotateKeyArgs {
    /// The state directory that holds the record
    #[arg(long, value_name = "DIR", default_value = ".datashare")]
    state: PathBuf,
    /// Only this stream; absent: all of them
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
}

/// Makes new keys, and lets them take over: at once where nobody writes, else by the guard that does.
pub fn run(args: &RotateKeyArgs, clock: &Clock, out: &mut dyn Write) -> Result<u8, AuditError> {
    let log = args.state.join("log");
    let place = places::local(&args.state)?;
    let failed = |source| AuditError::Read { place: place.name.clone(), source };
    let mut streams = place.streams().map_err(failed)?;
    streams.retain(|stream| args.stream.as_ref().is_none_or(|wanted| wanted == stream));
    if streams.is_empty() {
        return Err(match &args.stream {
            Some(stream) => AuditError::NoStream { place: place.name, stream: stream.clone() },
            None => AuditError::NoStreams(place.name),
        });
    }
    let folder = args.state.join(NOTARY);
    let signing = SigningKeys::new(&folder);
    for stream in streams {
        let public = keys::read(&log.join(&stream).join(KEYS)).map_err(AuditError::Keys)?.unwrap_or_default();
        let Some(current) = public.last() else { return Err(AuditError::NoKeys(stream)) };
        let waiting = signing.next(&stream).map_err(AuditError::Keys)?;
        let before = signing.current(&stream).map_err(AuditError::Keys)?;
        // without it nothing is signed any more: neither a new key nor an entry may come of trying
        if !before.iter().chain(&waiting).any(|key| key.public() == current) {
            return Err(NotaryError::NoKey { origin: current.name().to_owned(), keys: folder }.into());
        }
        let next = match waiting {
            // a change that was begun
            Some(next) => next,
            None => signing.create_next(&Disk, &stream, current.name()).map_err(AuditError::Keys)?,
        };
        let options =
            Options { stream: Some(stream.clone()), evidence: Some(Evidence::new(&folder)), ..Options::default() };
        match Log::open(&log, &options, clock.clone()) {
            Ok((log, _)) => {
                // the first checkpoint takes the key up, the second is signed by both
                log.checkpoint_now();
                log.checkpoint_now();
                let closed = log.close();
                // that it failed says less than why
                let says = log.failure().map(|failure| failure.to_string());
                if let Some(says) = says.or_else(|| closed.err().map(|reason| reason.to_string())) {
                    return Err(AuditError::Rotation { stream, says });
                }
                writeln!(out, "{stream}: signed from now on by {}", next.public())?;
            }
            Err(LogError::Locked { .. }) => {
                writeln!(out, "{stream}: the guard that writes it takes over {} within seconds", next.public())?;
            }
            Err(error) => return Err(AuditError::Rotation { stream, says: error.to_string() }),
        }
    }
    out.flush()?;
    Ok(0)
}

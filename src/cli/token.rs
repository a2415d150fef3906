//! `datashare token`: the token of a granted request, for the unit that may use it. Of two grants
//! that serve one request, the newer one's.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::world::{World, WorldError};
use super::{FINE, REFUSED};
use crate::api::v1alpha1::Kind;
use crate::clock::Clock;
use crate::delivery::credentials::{CredentialError, Credentials};
use crate::delivery::journal::JournalError;
use crate::delivery::state_dir::{DEFAULT, StateDir, StateError};
use crate::delivery::tombstones::Tombstones;
use crate::judge::facts::Key;
use crate::judge::index::Standing;
use crate::judge::status::{Observed, View};
use crate::source::typed::nearest;

/// Print the current token of a granted request
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  curl -H \"Authorization: Bearer $(datashare token tax-bureau/deed-tax)\" …

The token goes to stdout; treat it as a password.")]
pub struct TokenArgs {
    /// The request
    #[arg(value_name = "NAMESPACE/REQUEST", value_parser = key)]
    request: Key,
    /// The state directory of `datashare up`
    #[arg(long, value_name = "DIR", default_value = DEFAULT)]
    state: PathBuf,
}

/// Why no token can be looked for; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error(transparent)]
    Tombstones(#[from] JournalError),
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

fn key(text: &str) -> Result<Key, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(Key::new(namespace, name))
        }
        _ => Err("name the request as NAMESPACE/NAME, as in tax-bureau/deed-tax".into()),
    }
}

/// Runs the command. Gives the exit code: 0, or 1 when there is no token to give.
pub fn run(args: &TokenArgs, clock: &Clock, out: &mut dyn Write, messages: &mut dyn Write) -> Result<u8, TokenError> {
    let now = clock.now();
    let state = StateDir::read(&args.state)?;
    let world = World::load(&state.source()?, Tombstones::read(&state.tombstones())?, now)?;
    let observed = Observed::default();
    let view = View { index: &world.index, observed: &observed, now };
    let request = &args.request;
    if world.index.request(request).is_none() {
        let wanted = request.to_string();
        let known = world.objects.keys().filter(|key| key.kind() == Kind::DataShareRequest);
        let known: Vec<String> = known.map(|key| format!("{}/{}", key.namespace(), key.name())).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let near = nearest(&wanted, &known).map_or_else(String::new, |near| format!("did you mean {near}? "));
        writeln!(
            messages,
            "error: there is no DataShareRequest {request} in {}; {near}'datashare get dsr' lists those there are",
            world.root.display()
        )?;
        return Ok(REFUSED);
    }
    let (grant, serial) = match view.deciding(request) {
        Some((grant, Standing::Serves)) => {
            let serial = world.index.grant(&grant).map(|grant| grant.serial.clone());
            (grant, serial)
        }
        Some((grant, Standing::Refused(finding))) => {
            let reason = finding.reason.as_str();
            writeln!(messages, "error: no token: grant {grant} does not serve ({reason}): {}", finding.message)?;
            return Ok(REFUSED);
        }
        None => {
            writeln!(
                messages,
                "error: no token: the request is pending, no grant decides on it yet ('datashare approve')"
            )?;
            return Ok(REFUSED);
        }
    };
    let minted = Credentials::read(&state.credentials())?;
    let own = minted.iter().filter(|m| Key::from(&m.grant) == grant && Some(&m.serial) == serial.as_ref());
    let live = own.filter(|m| m.not_before <= now && now < m.not_after);
    let Some(newest) = live.max_by_key(|m| m.not_before) else {
        writeln!(
            messages,
            "error: no token: grant {grant} serves, but none is minted yet; 'datashare up' mints it when it runs"
        )?;
        return Ok(REFUSED);
    };
    writeln!(out, "{}", newest.token())?;
    out.flush()?;
    Ok(FINE)
}

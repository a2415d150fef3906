//! What `get` sees beside the objects: tokens in the state directory, use in the record, and whether
//! a guard is running.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::GetError;
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::status::CredentialHash;
use crate::audit::upkeep::last_kept;
use crate::audit::usage::Usage;
use crate::cli::world::World;
use crate::delivery::credentials::{Credentials, Minted};
use crate::delivery::state_dir::StateDir;
use crate::guard::inspecting;
use crate::judge::facts::Key;
use crate::judge::status::{Observed, Token, Use};

/// No grant lasts longer, so older use belongs to none that is there.
const USE_SPAN: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Reads what a status of this kind needs.
pub(super) fn observe(state: &StateDir, world: &World, kind: Kind, now: Timestamp) -> Result<Observed, GetError> {
    let running = u32::from(state.is_served()?);
    let mut observed = Observed { guards: 1, current: running, ..Observed::default() };
    for minted in Credentials::read(&state.credentials())? {
        observed.credentials.entry(Key::from(&minted.grant)).or_default().push(token(&minted));
    }
    let log = state.log();
    match kind {
        Kind::AccessGrant if log.is_dir() => {
            let site = world.index.site();
            let back_to = now.checked_sub(USE_SPAN).unwrap_or(Timestamp::MIN);
            let usage = Usage::read(&log, site.start_of(site.day(now)), back_to)?;
            let each = usage.iter().map(|(namespace, name, used)| {
                (Key::new(namespace, name), Use { last: used.last_used, calls: used.today })
            });
            observed.usage = each.collect();
        }
        Kind::AuditPolicy => {
            let entries = fs::read_dir(&log).into_iter().flatten().flatten();
            let streams = entries.filter(|entry| entry.path().is_dir());
            observed.streams = streams.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            observed.streams.sort();
            let kept = |stream: &String| Some((stream.clone(), last_kept(&log.join(stream))?));
            observed.kept = observed.streams.iter().filter_map(kept).collect();
            if log.is_dir() {
                let past = inspecting::past(&log)?.into_values();
                observed.inspections = past.map(|past| (past.policy.clone(), past.result())).collect();
            }
        }
        _ => {}
    }
    Ok(observed)
}

fn token(minted: &Minted) -> Token {
    let hash = Sha256::digest(minted.token().as_bytes());
    Token {
        serial: minted.serial.clone(),
        hash: CredentialHash {
            id: minted.id.to_string(),
            serial: Some(minted.serial.to_string()),
            sha256: format!("{hash:x}"),
            not_before: minted.not_before.to_string(),
            not_after: minted.not_after.to_string(),
            asked: None,
            request_uid: None,
        },
        not_before: minted.not_before,
        not_after: minted.not_after,
    }
}

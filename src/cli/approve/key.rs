//! Which key signs: the one that is named, or the first in ssh-agent and then in `~/.ssh` that the
//! list of signers knows for this principal today.

use std::path::Path;

use jiff::Timestamp;

use super::{ApproveError, Person};
use crate::approval::signers::Signers;
use crate::approval::signing::{SigningKey, public_id};

pub(super) fn choose(
    named: Option<&Path>,
    principal: &str,
    signers: &Signers,
    now: Timestamp,
    person: &mut Person<'_>,
) -> Result<SigningKey, ApproveError> {
    if let Some(path) = named {
        return Ok(SigningKey::open(path, person.agent.as_ref(), person.passphrase)?);
    }
    // an agent that is gone must not hide the key files
    let held = person.agent.as_ref().and_then(|agent| agent.keys().ok()).unwrap_or_default();
    if let Some(key) = held.into_iter().find(|key| signers.check(principal, &key.id(), now).is_ok()) {
        return Ok(key);
    }
    let listed =
        |path: &&std::path::PathBuf| public_id(path).is_some_and(|id| signers.check(principal, &id, now).is_ok());
    let Some(path) = person.keys.iter().find(listed) else {
        return Err(ApproveError::NoKey { principal: principal.into() });
    };
    Ok(SigningKey::open(path, person.agent.as_ref(), person.passphrase)?)
}

//! The same question to a directory that `up` serves, judged as it stands now.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Name, Right, Unit, Wanted, WhoCanError, approved_by};
use crate::cli::world::World;
use crate::delivery::state_dir::StateDir;
use crate::delivery::tombstones::Tombstones;
use crate::judge::index::Standing;

pub fn rights(state: &Path, wanted: &Wanted<'_>, now: Timestamp) -> Result<Vec<Right>, WhoCanError> {
    let state = StateDir::read(state)?;
    let world = World::load(&state.source()?, Tombstones::read(&state.tombstones())?, now)?;
    let mut rights = Vec::new();
    for grant in world.index.grants() {
        let serves = || world.index.standing(&grant.key, now) == Some(Standing::Serves);
        if !wanted.is(&grant.key.namespace, &grant.resource) || !serves() {
            continue;
        }
        let request = world.index.request(&grant.request);
        let texts = |names: &[Arc<str>]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let counted = world.index.approvals(&grant.key, now).unwrap_or_default();
        rights.push(Right {
            resource: Name { namespace: grant.key.namespace.to_string(), name: grant.resource.to_string() },
            unit: request.map(|r| Unit { name: r.unit.name.to_string(), code: r.unit.code.to_string() }),
            system: request.map(|request| request.system.to_string()),
            fields: texts(&grant.fields),
            operations: texts(&grant.operations),
            users: grant.users.as_deref().map(texts),
            not_after: grant.not_after.to_string(),
            serial: grant.serial.to_string(),
            grant: Name { namespace: grant.key.namespace.to_string(), name: grant.key.name.to_string() },
            request: Name { namespace: grant.request.namespace.to_string(), name: grant.request.name.to_string() },
            approved_by: approved_by(counted.valid.iter().map(|(_, principal)| principal.as_ref())),
        });
    }
    Ok(rights)
}

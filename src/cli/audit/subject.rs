//! What a report or an inspection is about: a record, and the site that it is compared with; of a state directory, or
//! of a cluster.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::AuditError;
use super::cluster::{self, ClusterArgs, Copied};
use crate::cli::world::World;
use crate::delivery::credentials::Credentials;
use crate::delivery::state_dir::{DEFAULT, StateDir};
use crate::delivery::tombstones::Tombstones;
use crate::guard::inspecting::Orders;
use crate::source::change::SourceChange;

/// All of it.
pub struct Subject {
    /// Where the record is.
    pub log: PathBuf,
    pub world: World,
    pub orders: Orders,
    /// Held as long as it is looked at.
    _copied: Option<Copied>,
}

impl Subject {
    /// Nothing when a guard does not answer, which is said.
    pub fn find(
        state: Option<&Path>,
        cluster: &ClusterArgs,
        as_plugin: bool,
        now: Timestamp,
        messages: &mut dyn Write,
    ) -> Result<Option<Self>, AuditError> {
        if cluster.is_asked(as_plugin, state.is_some()) {
            // what a guard answers by is here when its entry is read, so the site is looked at last
            let Some(copied) = cluster::copy(cluster, None, messages)? else { return Ok(None) };
            let world = cluster::world(cluster, now)?;
            return Ok(Some(Self::new(copied.log(), world, Some(copied))));
        }
        let state = StateDir::read(state.unwrap_or(Path::new(DEFAULT)))?;
        let log = state.log();
        if !log.is_dir() {
            return Err(AuditError::NoRecord(log));
        }
        let mut world = World::load(&state.source()?, Tombstones::read(&state.tombstones())?, now)?;
        for minted in Credentials::read(&state.credentials())? {
            let (key, serial, hash, credential) = minted.known();
            world.index.add_credentials(&key, &serial, [(hash, credential)]);
        }
        Ok(Some(Self::new(log, world, None)))
    }

    fn new(log: PathBuf, world: World, copied: Option<Copied>) -> Self {
        let orders = Orders::default();
        for (object, place) in world.objects.values().flatten() {
            orders.take(&SourceChange::Put(Box::new(object.clone()), place.clone()));
        }
        Self { log, world, orders, _copied: copied }
    }
}

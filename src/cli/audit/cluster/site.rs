//! The site as the cluster has it now, judged: what the record is compared with.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use super::caller::Caller;
use super::{AuditError, ClusterArgs, ClusterError, runtime};
use crate::cli::world::{Gathered, World};
use crate::clock::Stopwatch;
use crate::source::cluster::{Cluster, Pace, Scope};

/// A cluster that is silent for so long, and has not told all of it, is not going to.
const PATIENCE: Duration = Duration::from_secs(10);
/// Nothing is watched for so long.
const STALENESS: SignedDuration = SignedDuration::from_mins(4);

/// Reads all objects, settings, signers and tombstones once, with the caller's own rights.
///
/// # Errors
/// When the cluster cannot be reached, or does not tell all of it.
pub fn world(args: &ClusterArgs, now: Timestamp) -> Result<World, AuditError> {
    let runtime = runtime()?;
    let gathered = runtime.block_on(async {
        let caller = Caller::new(args.context.as_deref()).await?;
        let scope = Scope { namespace: args.system.clone(), watch_namespaces: Vec::new() };
        let mut cluster = Cluster::follow(&caller.client, &scope, &Pace::for_staleness(STALENESS));
        let mut gathered = Gathered::default();
        let mut said = String::from("no answer in time");
        let mut silent = Stopwatch::start();
        while !cluster.is_complete() && silent.elapsed() < PATIENCE {
            let Ok(Some(batch)) = timeout(PATIENCE, cluster.next()).await else { break };
            if !batch.changes.is_empty() {
                silent = Stopwatch::start();
            }
            batch.changes.into_iter().for_each(|change| gathered.take(change));
            if let Some(last) = batch.said.into_iter().next_back() {
                said = last;
            }
        }
        if cluster.is_complete() {
            return Ok(gathered);
        }
        Err(AuditError::from(ClusterError::Site(said, args.system.clone())))
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(gathered?.judge(Path::new("ConfigMap datashare-settings"), Vec::new(), now)?)
}

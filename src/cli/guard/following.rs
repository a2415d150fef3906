//! The thread that follows the cluster; it alone changes the index. Nothing is answered before the first
//! view is complete, nor while everything is read anew for another site, nor without a recent proof that
//! the view holds all there is and that the Lease is ours.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::Client;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::GuardError;
use crate::audit::Log;
use crate::cli::keeper::{First, Keeper};
use crate::cli::world::site;
use crate::clock::Clock;
use crate::guard::Guard;
use crate::guard::inspecting::{Orders, Telling};
use crate::guard::lease::GuardLease;
use crate::guard::retention::Retentions;
use crate::guard::view::View;
use crate::judge::ledger::LedgerEntry;
use crate::settings::Settings;
use crate::source::change::{Batch, SourceChange};
use crate::source::cluster::{Applied, Cluster, Pace, Prover, Scope};
use crate::source::live::Freshness;

/// How often it is asked whether time has changed a verdict.
const TICK: Duration = Duration::from_millis(100);
/// A server says how far it has come about once in three seconds, and a proof may wait for two of them.
const SHORT: SignedDuration = SignedDuration::from_secs(10);
/// Between two attempts to prove the view.
const AGAIN: Duration = Duration::from_millis(500);

/// Everything that one who follows needs.
pub struct Following {
    pub client: Client,
    pub scope: Scope,
    pub guard: Arc<Guard>,
    pub keeper: Keeper,
    pub view: View,
    pub retentions: Retentions,
    pub lease: Arc<GuardLease>,
    pub clock: Clock,
    pub log: PathBuf,
    pub orders: Orders,
    pub telling: Telling,
    pub suspensions: Receiver<Vec<LedgerEntry>>,
    pub record: Log,
}

impl Following {
    /// Follows until `over`, or until it must not go on.
    pub async fn run(mut self, over: &CancellationToken) -> Result<(), GuardError> {
        let pace = Pace::for_staleness(self.view.max_staleness());
        loop {
            self.view.prove(None);
            let begun = self.clock.now();
            let mut cluster = Cluster::follow(&self.client, &self.scope, &pace);
            let applied = Applied::default();
            let followed = async {
                // unless the settings came after objects that were read without them
                if self.first_view(&mut cluster, &applied, &pace).await? {
                    // the first lists were asked of the store itself, so they hold all that had happened by then
                    let world = Freshness::new(if applied.is_whole() { begun } else { Timestamp::UNIX_EPOCH });
                    self.follow(&mut cluster, &applied, world, &pace).await?;
                }
                Ok(())
            };
            match over.run_until_cancelled(followed).await {
                None => return Ok(()),
                Some(Ok(())) => tracing::info!("everything is read anew"),
                Some(Err(error)) => return Err(error),
            }
        }
    }

    /// Takes in all that is there; `false` when it has to be read anew.
    async fn first_view(&mut self, cluster: &mut Cluster, applied: &Applied, pace: &Pace) -> Result<bool, GuardError> {
        let mut first = First::default();
        let mut settings: Option<Settings> = None;
        let (mut reached, mut objects, mut told) = (Vec::new(), false, false);
        // signers and tombstones come with the settings, and are passed over while these cannot be read
        let mut passed_over = false;
        while !cluster.is_complete() || settings.is_none() {
            let batch = cluster.next().await.ok_or(GuardError::Followed)?;
            reached.extend(batch.reached());
            tell(&batch.said);
            for change in &batch.changes {
                self.retentions.take(change);
                self.hear(change);
                match change {
                    SourceChange::Settings(_) if objects || passed_over => return Ok(false),
                    SourceChange::Settings(read) => settings = read.as_deref().cloned(),
                    SourceChange::Put(..) => objects = true,
                    _ => {}
                }
            }
            if let Some(settings) = &settings {
                first.add(batch.changes, &site(settings));
                continue;
            }
            passed_over |= batch
                .changes
                .iter()
                .any(|change| !matches!(change, SourceChange::Settings(_) | SourceChange::Reached(..)));
            if cluster.is_complete() && !told {
                told = true;
                tracing::warn!("there are no settings that can be read: waiting for the ConfigMap datashare-settings");
            }
        }
        let Some(settings) = settings else { return Ok(false) };
        self.view.set((&settings).into());
        self.record.set_site(&settings.site);
        self.record.set_checkpoint_every(self.retentions.checkpoint_every());
        pace.set(settings.max_staleness);
        if settings.max_staleness < SHORT {
            tracing::warn!("an API server cannot prove a view as often as maxStaleness asks: write {SHORT:#} or more");
        }
        self.keeper.begin(settings);
        self.keeper.first(first)?;
        self.guard.count_today(&self.log)?;
        applied.took(reached, true);
        tracing::info!("the first view is complete");
        Ok(true)
    }

    /// Takes in change after change, until everything has to be read anew.
    async fn follow(
        &mut self,
        cluster: &mut Cluster,
        applied: &Applied,
        world: Freshness,
        pace: &Pace,
    ) -> Result<(), GuardError> {
        let mut vouching = JoinSet::new();
        let (lease, taken_in) = (self.lease.clone(), applied.clone());
        vouching.spawn(async move { lease.keep(&taken_in).await });
        let mut proving = JoinSet::new();
        let proofs = prove(cluster.prover(), applied.clone(), world.clone(), self.view.clone(), self.clock.clone());
        proving.spawn(proofs);
        self.view.prove(Some(self.lease.proof(&world)));
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                batch = cluster.next() => {
                    if self.take(batch.ok_or(GuardError::Followed)?, applied, pace)? {
                        return Ok(());
                    }
                }
                _ = tick.tick() => tell(&self.keeper.tick()?),
                Some(entries) = self.suspensions.recv() => tell(&self.keeper.suspend(entries)?),
                Some(ended) = vouching.join_next() => {
                    return Err(ended.map_or(GuardError::Followed, GuardError::Lease));
                }
                Some(_) = proving.join_next() => return Err(GuardError::Followed),
            }
        }
    }

    /// What inspections go by.
    fn hear(&self, change: &SourceChange) {
        self.orders.take(change);
        if let SourceChange::Ledger(entries) = change {
            self.telling.heard(entries);
        }
    }

    /// Takes a batch in; whether everything has to be read anew.
    fn take(&mut self, batch: Batch, applied: &Applied, pace: &Pace) -> Result<bool, GuardError> {
        for change in &batch.changes {
            self.retentions.take(change);
            self.hear(change);
        }
        self.record.set_checkpoint_every(self.retentions.checkpoint_every());
        let (reached, news): (Vec<_>, bool) = (batch.reached().collect(), batch.is_news());
        let outcome = self.keeper.take(batch)?;
        tell(&outcome.said);
        if outcome.reload {
            return Ok(true);
        }
        if let Some(settings) = self.keeper.settings().filter(|_| outcome.settings) {
            self.view.set(settings.into());
            pace.set(settings.max_staleness);
        }
        // only now: what is vouched for has had its effect
        applied.took(reached, news);
        Ok(false)
    }
}

/// Proves the view again and again.
async fn prove(prover: Prover, applied: Applied, world: Freshness, view: View, clock: Clock) {
    let mut complained = String::new();
    loop {
        let begun = clock.now();
        let limit = Duration::try_from(view.max_staleness()).unwrap_or(AGAIN);
        let outcome = match timeout(limit, prover.prove(&applied)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("what the API server has is not told in time".to_owned()),
        };
        match outcome {
            Ok(()) => {
                world.touch(begun);
                complained.clear();
                sleep(limit / 20).await;
            }
            Err(text) => {
                if complained != text {
                    tracing::warn!("the view cannot be proved recent: {text}");
                    complained = text;
                }
                sleep(AGAIN).await;
            }
        }
    }
}

fn tell(lines: &[String]) {
    for line in lines {
        tracing::info!("{line}");
    }
}

//! One operator writes at a time: whoever holds the Lease. Each change of it is one compare-and-swap write, so two
//! cannot both succeed; and whoever cannot renew stops leading before another may begin. Writes are safe under two
//! leaders all the same, since a Lease is no fence.

mod decide;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Stopwatch};
use crate::judge::build::{MANAGED_BY, PART_OF, labels};
use decide::{Decision, Seen, decide};

/// Name of the Lease.
pub const NAME: &str = "datashare-operator";

/// How fast leadership changes hands.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a renewal lasts for the others.
    pub lasts: Duration,
    /// How long it lasts for ourselves: shorter, so that we stop before another begins.
    pub ours: Duration,
    /// How often it is looked at.
    pub every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { lasts: seconds(15), ours: seconds(10), every: seconds(2) }
    }
}

/// Leadership was lost: nothing more may be written.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    #[error("the Lease {NAME} could not be renewed in time, so another operator may lead now; the last cause: {0}")]
    NotRenewed(String),
    #[error("the Lease {NAME} was taken by {0}")]
    Taken(String),
}

/// A contender for the Lease.
pub struct Contender {
    api: Api<Lease>,
    me: String,
    pace: Pace,
    clock: Clock,
    /// The version last seen, and since when.
    seen: Option<(String, Stopwatch)>,
    last: Option<Lease>,
}

impl Contender {
    #[must_use]
    pub fn new(client: Client, namespace: &str, me: &str, pace: Pace, clock: Clock) -> Self {
        Self { api: Api::namespaced(client, namespace), me: me.to_owned(), pace, clock, seen: None, last: None }
    }

    /// Contends until stopped or until leadership is lost; says through `leads` when it begins. Gives the Lease back
    /// at a stop, so that another need not wait: the caller must have stopped writing by then (`quiet`).
    pub async fn contend(
        mut self,
        leads: watch::Sender<bool>,
        stop: CancellationToken,
        quiet: CancellationToken,
    ) -> Result<(), LeaseError> {
        let mut renewed: Option<Stopwatch> = None;
        let mut cause = String::new();
        while !stop.is_cancelled() {
            // counted from before the request: the server may have taken it in at once
            let begun = Stopwatch::start();
            let mut pause = self.pace.every;
            let patience = renewed.map_or(self.pace.ours, |since| self.pace.ours.saturating_sub(since.elapsed()));
            match tokio::time::timeout(patience, self.attempt()).await {
                Ok(Ok(true)) => {
                    renewed = Some(begun);
                    leads.send_replace(true);
                }
                Ok(Ok(false)) => {
                    if renewed.is_some() {
                        return Err(LeaseError::Taken(self.holder()));
                    }
                }
                Ok(Err(error)) => {
                    cause = error.to_string();
                    // a server that refuses now and then must not cost the leadership
                    pause = self.pace.every / 4;
                }
                Err(_) => "the API server did not answer".clone_into(&mut cause),
            }
            if renewed.is_some_and(|since| since.elapsed() >= self.pace.ours) {
                return Err(LeaseError::NotRenewed(cause));
            }
            // looked at again when it matters, whoever leads
            let _ = tokio::time::timeout(pause, stop.cancelled()).await;
        }
        if renewed.is_some() {
            quiet.cancelled().await;
            self.give_back().await;
        }
        Ok(())
    }

    fn holder(&self) -> String {
        let spec = self.last.as_ref().and_then(|lease| lease.spec.as_ref());
        spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default()
    }

    /// Reads once and writes at most once; true when we lead after it.
    async fn attempt(&mut self) -> Result<bool, kube::Error> {
        let lease = self.api.get_opt(NAME).await?;
        let version = lease.as_ref().and_then(|lease| lease.metadata.resource_version.clone()).unwrap_or_default();
        let unchanged = match &self.seen {
            Some((seen, since)) if *seen == version => since.elapsed(),
            _ => {
                self.seen = Some((version, Stopwatch::start()));
                Duration::ZERO
            }
        };
        self.last.clone_from(&lease);
        let spec = lease.as_ref().and_then(|lease| lease.spec.as_ref());
        let lasts = spec.and_then(|spec| spec.lease_duration_seconds).and_then(|s| u64::try_from(s).ok());
        let holder = spec.and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default();
        let lasts = lasts.map_or(self.pace.lasts, Duration::from_secs);
        let written = match decide(lease.as_ref().map(|_| Seen { holder, lasts, unchanged }), &self.me) {
            Decision::Follow => return Ok(false),
            Decision::Create => self.api.create(&PostParams::default(), &self.fresh()).await,
            Decision::Renew => self.write(lease.as_ref(), &self.me, false).await,
            Decision::Take => self.write(lease.as_ref(), &self.me, true).await,
        };
        match written {
            Ok(_) => Ok(true),
            // another was faster; what it wrote is read next time
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn fresh(&self) -> Lease {
        let now = self.now();
        Lease {
            metadata: ObjectMeta {
                name: Some(NAME.to_owned()),
                labels: Some(labels([MANAGED_BY, PART_OF])),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.me.clone()),
                lease_duration_seconds: Some(self.seconds()),
                acquire_time: Some(now.clone()),
                renew_time: Some(now),
                lease_transitions: Some(0),
                ..LeaseSpec::default()
            }),
        }
    }

    /// With the version that was read, so that it fails when another has written since.
    async fn write(&self, read: Option<&Lease>, holder: &str, changes_hands: bool) -> Result<Lease, kube::Error> {
        let mut lease = read.cloned().unwrap_or_else(|| self.fresh());
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = Some(holder.to_owned());
        spec.lease_duration_seconds = Some(self.seconds());
        spec.renew_time = Some(self.now());
        if changes_hands {
            spec.acquire_time = Some(self.now());
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
        }
        self.api.replace(NAME, &PostParams::default(), &lease).await
    }

    async fn give_back(&self) {
        let give = async {
            let lease = self.api.get_opt(NAME).await.ok().flatten()?;
            let ours = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()) == Some(self.me.as_str());
            if ours { self.write(Some(&lease), "", false).await.ok() } else { None }
        };
        // who comes next waits a little longer when this fails, and nothing worse
        let _ = tokio::time::timeout(self.pace.every, give).await;
    }

    fn seconds(&self) -> i32 {
        i32::try_from(self.pace.lasts.as_secs().max(1)).unwrap_or(i32::MAX)
    }

    fn now(&self) -> MicroTime {
        let now: Timestamp = self.clock.now();
        MicroTime(now)
    }
}

//! The guard's own Lease: that it lives, and how far it has come, for whoever has to know that a change
//! holds at every guard. A guard that cannot renew it must be taken for dead after `maxStaleness`, so it
//! answers nothing from then on either. One that stops in good order is nobody's Lease any more, at once;
//! what stays in it are the newest checkpoints of its record, for whoever verifies that.

mod witness;

pub use witness::Remembered;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use kube::{Client, Error};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::inspecting::Telling;
use super::used::Used;
use super::view::View;
use crate::audit::Published;
use crate::audit::checkpoint::Signed;
use crate::audit::upkeep::Standing;
use crate::clock::Clock;
use crate::judge::build::labels;
use crate::judge::status::{INSPECTED, USED};
use crate::random::{self, RandomError};
use crate::source::cluster::told::{APPLIED, KEPT, KEYS, PREFIX, STREAM};
use crate::source::cluster::{Applied, COMPONENT, PART_OF, Snapshot};
use crate::source::live::Freshness;

/// The newest checkpoint of its record, as a note: whoever may not write Leases cannot take it back.
pub const CHECKPOINT: &str = "datashare.dev/checkpoint";
/// The last checkpoints of records that this guard had before, as JSON: its disk was lost, or set back.
pub const EARLIER: &str = "datashare.dev/earlier-checkpoints";
/// Real changes that come closer together are reported together.
const TOGETHER: Duration = Duration::from_millis(20);
/// An answer to one write must come in this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts while the API server does not take the Lease.
const AGAIN: Duration = Duration::from_millis(500);

/// Kubernetes' own way to say that a Lease may be taken at once.
const AT_ONCE: i32 = 1;

/// Attempts to give up the Lease while a last write of ours may still come in.
const RELEASES: usize = 3;

/// The Lease is not ours any more.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    #[error("another guard took the Lease {0}; give each guard a --name of its own")]
    Taken(String),
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// What is published of this guard's record, now and whenever there is a newer checkpoint; `None` without evidence.
pub type Record = Option<watch::Receiver<Option<Arc<Published>>>>;

/// The Lease of this process.
pub struct GuardLease {
    api: Api<Lease>,
    name: String,
    holder: String,
    clock: Clock,
    view: View,
    renewed: Freshness,
    standing: Standing,
    record: Record,
    inspections: Telling,
    used: Option<Used>,
    /// What else it tells.
    more: BTreeMap<String, String>,
    /// Told once, if the Lease remembers a record that is not there.
    lost: Mutex<Option<Lost>>,
    /// As the API server gave it last; `None` before the first write.
    known: Mutex<Option<Lease>>,
}

/// Hears of the newest checkpoint of a record that is not there.
type Lost = Box<dyn FnOnce(Signed) + Send>;

/// Why one write had no effect.
enum Miss {
    Taken,
    /// Somebody else wrote, or it is gone: look again.
    Moved,
    Trouble(String),
}

impl GuardLease {
    /// For the guard called `name`; nothing is written yet.
    pub fn new(
        client: &Client,
        namespace: &str,
        name: &str,
        view: View,
        clock: Clock,
        record: Record,
    ) -> Result<Self, LeaseError> {
        let nonce: String = random::bytes::<6>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            api: Api::namespaced(client.clone(), namespace),
            name: format!("{PREFIX}{name}"),
            holder: format!("{name}_{nonce}"),
            clock,
            view,
            renewed: Freshness::new(Timestamp::UNIX_EPOCH),
            standing: Standing::default(),
            record,
            inspections: Telling::default(),
            used: None,
            more: BTreeMap::new(),
            lost: Mutex::new(None),
            known: Mutex::new(None),
        })
    }

    /// Tells from now on how the record is kept.
    #[must_use]
    pub fn keeping(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }

    /// Tells from now on of inspections.
    #[must_use]
    pub fn inspecting(mut self, inspections: Telling) -> Self {
        self.inspections = inspections;
        self
    }

    /// Tells from now on how grants are used.
    #[must_use]
    pub fn counting(mut self, used: Used) -> Self {
        self.used = Some(used);
        self
    }

    /// One more annotation.
    #[must_use]
    pub fn telling(mut self, name: &str, value: String) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// Says when the Lease remembers a record that is not there: the disk was replaced, or set back.
    #[must_use]
    pub fn missing(mut self, lost: impl FnOnce(Signed) + Send + 'static) -> Self {
        self.lost = Mutex::new(Some(Box::new(lost)));
        self
    }

    /// When the last write that was taken was begun.
    #[must_use]
    pub fn renewed(&self) -> Freshness {
        self.renewed.clone()
    }

    /// Renews until the Lease is another's; to be given up when the guard stops.
    pub async fn keep(&self, applied: &Applied) -> LeaseError {
        let mut complained = String::new();
        loop {
            let snapshot = applied.snapshot();
            let begun = self.clock.now();
            match self.write(&snapshot, begun).await {
                Ok(()) => {
                    self.renewed.touch(begun);
                    complained.clear();
                    let period = Duration::try_from(self.view.max_staleness() / 3).unwrap_or(AGAIN);
                    // changes of the next moment are reported together
                    tokio::time::sleep(TOGETHER).await;
                    let _ = tokio::time::timeout(period.saturating_sub(TOGETHER), applied.moved_since(&snapshot)).await;
                }
                Err(Miss::Taken) => return LeaseError::Taken(self.name.clone()),
                Err(Miss::Moved) => tokio::time::sleep(TOGETHER).await,
                Err(Miss::Trouble(text)) => {
                    if complained != text {
                        tracing::warn!(lease = self.name, "the Lease cannot be renewed: {text}");
                        complained = text;
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Gives the Lease up, once the guard has stopped answering; never one that another guard took.
    pub async fn release(&self) {
        if self.known.lock().take().is_some() {
            self.leave(Some(self.holder.as_str())).await;
        }
    }

    /// Leaves the very last checkpoint in a Lease that was given up and that nobody has taken since.
    pub async fn bequeath(&self) {
        self.leave(None).await;
    }

    async fn leave(&self, holder: Option<&str>) {
        for _ in 0..RELEASES {
            match self.give_up(holder).await {
                Err(Miss::Moved) => {}
                Ok(()) | Err(Miss::Taken) => return,
                Err(Miss::Trouble(text)) => {
                    // it grows old by itself
                    tracing::warn!(lease = self.name, "the Lease cannot be given up: {text}");
                    return;
                }
            }
        }
    }

    async fn give_up(&self, holder: Option<&str>) -> Result<(), Miss> {
        // the last write may have been taken without our knowing
        let Some(mut lease) = in_time(self.api.get_opt(&self.name)).await? else { return Ok(()) };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref().filter(|held| !held.is_empty()) != holder {
            return Err(Miss::Taken);
        }
        (spec.holder_identity, spec.lease_duration_seconds) = (None, Some(AT_ONCE));
        let before = lease.metadata.annotations.take().unwrap_or_default();
        if holder.is_none() && before.get(STREAM) != self.more.get(STREAM) {
            return Err(Miss::Taken);
        }
        let mut left = self.remembered(&before);
        left.extend(self.more.get(STREAM).map(|stream| (STREAM.to_owned(), stream.clone())));
        if holder.is_none() && left == before {
            return Ok(());
        }
        lease.metadata.annotations = Some(left);
        lease.metadata.managed_fields = None;
        in_time(self.api.replace(&self.name, &PostParams::default(), &lease)).await.map(|_| ())
    }

    /// What is published of the record now.
    fn published(&self) -> Option<Arc<Published>> {
        self.record.as_ref().and_then(|record| record.borrow().clone())
    }

    /// What of a Lease is never written over, as annotations.
    fn remembered(&self, before: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let published = self.published();
        let newest = published.as_ref().map(|published| published.checkpoint.as_str());
        let remembered = Remembered::read(before.get(CHECKPOINT), before.get(EARLIER)).then(newest);
        let mut all = BTreeMap::new();
        let keys = published.as_ref().map(|published| witness::shown(&published.keys));
        all.extend(keys.or_else(|| before.get(KEYS).cloned()).map(|keys| (KEYS.to_owned(), keys)));
        all.extend(remembered.newest.map(|note| (CHECKPOINT.to_owned(), note)));
        if !remembered.earlier.is_empty() {
            // texts always have a JSON form
            all.insert(EARLIER.to_owned(), serde_json::to_string(&remembered.earlier).unwrap_or_default());
        }
        all
    }

    /// Has the Lease bear witness as it was found, and says once what it remembers and the disk does not.
    fn compare(&self, lease: &Lease) {
        let Some(tell) = self.lost.lock().take() else { return };
        let annotations = lease.metadata.annotations.clone().unwrap_or_default();
        let remembered = Remembered::read(annotations.get(CHECKPOINT), annotations.get(EARLIER));
        for signed in remembered.all() {
            self.inspections.witnesses().add(&format!("the Lease {}", self.name), signed);
        }
        let published = self.published();
        if let Some(lost) = remembered.lost(published.as_ref().map(|published| published.checkpoint.as_str())) {
            tell(lost);
        }
    }

    async fn write(&self, snapshot: &Snapshot, begun: Timestamp) -> Result<(), Miss> {
        let known = self.known.lock().clone();
        let is_first = known.is_none();
        let known = match known {
            Some(known) => Some(known),
            None => in_time(self.api.get_opt(&self.name)).await?,
        };
        if let Some(known) = known.as_ref().filter(|_| is_first) {
            self.compare(known);
        }
        let lease = self.lease(snapshot, begun, known.as_ref());
        let write = PostParams::default();
        let written = match known {
            None => in_time(self.api.create(&write, &lease)).await,
            Some(_) => in_time(self.api.replace(&self.name, &write, &lease)).await,
        };
        match written {
            Ok(lease) => {
                *self.known.lock() = Some(lease);
                Ok(())
            }
            Err(Miss::Moved) if !is_first => Err(self.look_again().await?),
            Err(miss) => Err(miss),
        }
    }

    /// After our Lease was written by another, or removed.
    async fn look_again(&self) -> Result<Miss, Miss> {
        let there = in_time(self.api.get_opt(&self.name)).await?;
        let holder = there.as_ref().and_then(|lease| lease.spec.as_ref()?.holder_identity.as_deref());
        if holder.is_some_and(|holder| holder != self.holder) {
            return Ok(Miss::Taken);
        }
        *self.known.lock() = there;
        Ok(Miss::Moved)
    }

    fn lease(&self, snapshot: &Snapshot, begun: Timestamp, known: Option<&Lease>) -> Lease {
        let applied: BTreeMap<&str, String> =
            snapshot.versions.iter().map(|(watched, version)| (watched.name(), version.to_string())).collect();
        let mut annotations = self.more.clone();
        // text for names and values always has a JSON form
        annotations.insert(APPLIED.to_owned(), serde_json::to_string(&applied).unwrap_or_default());
        let before = known.and_then(|lease| lease.metadata.annotations.as_ref());
        annotations.extend(self.remembered(before.unwrap_or(&BTreeMap::new())));
        let spec = known.and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let is_ours = spec.holder_identity.as_deref() == Some(&self.holder);
        let acquired = if is_ours { spec.acquire_time } else { Some(MicroTime(begun)) };
        let seconds = self.view.max_staleness().as_secs();
        annotations.extend(self.inspections.text().map(|text| (INSPECTED.to_owned(), text)));
        annotations.extend(self.used.as_ref().and_then(Used::text).map(|text| (USED.to_owned(), text)));
        let report = self.standing.report();
        if report.round.is_some() {
            annotations.insert(KEPT.to_owned(), report.kept().text());
        }
        Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some(labels([PART_OF, (COMPONENT, "guard")])),
                annotations: Some(annotations),
                resource_version: known.and_then(|lease| lease.metadata.resource_version.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.holder.clone()),
                lease_duration_seconds: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
                acquire_time: acquired,
                renew_time: Some(MicroTime(begun)),
                ..LeaseSpec::default()
            }),
        }
    }

    /// The view is no more recent than the Lease.
    #[must_use]
    pub fn proof(&self, world: &Freshness) -> super::view::Proof {
        let (renewed, world) = (self.renewed.clone(), world.clone());
        std::sync::Arc::new(move || renewed.last_readable().min(world.last_readable()))
    }
}

async fn in_time<T>(write: impl Future<Output = kube::Result<T>>) -> Result<T, Miss> {
    match tokio::time::timeout(PATIENCE, write).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Error::Api(status))) if status.is_conflict() || status.is_not_found() || status.is_already_exists() => {
            Err(Miss::Moved)
        }
        Ok(Err(error)) => Err(Miss::Trouble(error.to_string())),
        Err(_) => Err(Miss::Trouble("no answer in time".to_owned())),
    }
}

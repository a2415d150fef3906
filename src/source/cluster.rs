//! A cluster as the source: the same stream of changes that a directory gives. Each kind is watched by
//! itself, so that one that cannot be read never holds up another, and an object that cannot be read
//! counts as absent. Settings and signers come before all objects. The whole of it first, then change
//! after change; with each batch comes the version up to which everything of that kind has been told.

mod applied;
mod backoff;
mod endpoint;
mod lines;
mod maps;
mod objects;
mod proof;
mod stream;
mod tokens;
pub mod told;
pub mod written;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use kube::Client;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::change::{Batch, SourceChange, Version, Watched};
pub use crate::judge::build::PART_OF;
pub use applied::{Applied, Snapshot};
use endpoint::Endpoint;
pub use proof::{ProofError, Prover};
use stream::{Stream, Told};

/// Batches that may wait to be taken in before the watches wait too.
const WAITING: usize = 64;
/// Label that says what a part is.
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// `ConfigMap` with the site's settings, and the key of their text.
pub const SETTINGS: (&str, &str) = ("datashare-settings", "datashare.yaml");
/// `ConfigMap` with the signers, and the key of their text.
pub const SIGNERS: (&str, &str) = ("datashare-signers", "allowed_signers");
/// Component of the `ConfigMaps` with tombstones, and the key of their lines.
pub const TOMBSTONES: (&str, &str) = ("tombstones", "entries.jsonl");

/// What is watched.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The product's own namespace.
    pub namespace: String,
    /// Namespaces whose objects count; none named: all of them.
    pub watch_namespaces: Vec<String>,
}

/// How long one watch lasts. Shortly before its end the server says how far it has come, so this is how
/// often a kind in which nothing happens is known to be recent. Clones are the same.
#[derive(Clone, Debug)]
pub struct Pace(Arc<AtomicU32>);

impl Pace {
    /// So that a proof, which may wait for two watches to end, is younger than `max_staleness`.
    #[must_use]
    pub fn for_staleness(max_staleness: SignedDuration) -> Self {
        let pace = Self(Arc::default());
        pace.set(max_staleness);
        pace
    }

    /// As [`Pace::for_staleness`]; from the next watch on.
    pub fn set(&self, max_staleness: SignedDuration) {
        // the server says how far it has come two seconds before the end, so shorter ones would end without it
        let seconds = u32::try_from(max_staleness.as_secs() / 4).unwrap_or(0).clamp(3, 60);
        self.0.store(seconds, Ordering::Relaxed);
    }

    fn seconds(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// The same as a duration.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_secs(u64::from(self.seconds()))
    }
}

/// A followed cluster. Its watches end with it.
pub struct Cluster {
    client: Client,
    told: mpsc::Receiver<Told>,
    endpoints: Arc<[Endpoint]>,
    /// How far each endpoint has come; `None` before its first list.
    reached: Vec<Option<Version>>,
    /// How many have not told all of it yet.
    unlisted: usize,
    published: BTreeMap<Watched, Version>,
    _watches: JoinSet<()>,
}

impl Cluster {
    /// Begins to watch; to be called on a runtime.
    #[must_use]
    pub fn follow(client: &Client, scope: &Scope, pace: &Pace) -> Self {
        let endpoints: Arc<[Endpoint]> = endpoints(scope).into();
        let (out, told) = mpsc::channel(WAITING);
        // objects are read for a site, so its settings come first
        let site_told = CancellationToken::new();
        let mut watches = JoinSet::new();
        for (number, endpoint) in endpoints.iter().enumerate() {
            let stream = Stream::new(client.clone(), endpoint.clone(), number, pace.clone(), out.clone());
            let gate = site_told.clone();
            watches.spawn(async move {
                if endpoint_is_site(number) {
                    stream.run(Some(gate)).await;
                } else {
                    gate.cancelled().await;
                    stream.run(None).await;
                }
            });
        }
        Self {
            client: client.clone(),
            told,
            reached: vec![None; endpoints.len()],
            unlisted: endpoints.len(),
            endpoints,
            published: BTreeMap::new(),
            _watches: watches,
        }
    }

    /// What is told next; `None` when nothing ever will be. May be given up and asked again.
    pub async fn next(&mut self) -> Option<Batch> {
        let Told { number, changes, said, version, listed } = self.told.recv().await?;
        let mut batch = Batch { changes, said, findings: Vec::new() };
        if listed {
            self.unlisted = self.unlisted.saturating_sub(1);
        }
        if let (Some(version), Some(slot)) = (version, self.reached.get_mut(number)) {
            *slot = Some(slot.unwrap_or(0).max(version));
            batch.changes.extend(self.reached_of(number));
        }
        Some(batch)
    }

    /// Whether everything that was there has been told.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unlisted == 0
    }

    /// Proves later how recent the consumer's view is.
    #[must_use]
    pub fn prover(&self) -> Prover {
        Prover::new(self.client.clone(), self.endpoints.clone())
    }

    /// A kind is told up to a version when each namespace is.
    fn reached_of(&mut self, number: usize) -> Option<SourceChange> {
        let watched = self.endpoints.get(number)?.watched;
        let same = self.endpoints.iter().zip(&self.reached).filter(|(endpoint, _)| endpoint.watched == watched);
        let least = same.map(|(_, version)| *version).min()??;
        let before = self.published.insert(watched, least);
        (before != Some(least)).then_some(SourceChange::Reached(watched, least))
    }
}

/// The first endpoint is the one that has the settings.
fn endpoint_is_site(number: usize) -> bool {
    number == 0
}

fn endpoints(scope: &Scope) -> Vec<Endpoint> {
    let mut all = Vec::new();
    for watched in Watched::ALL {
        match (watched, scope.watch_namespaces.as_slice()) {
            (Watched::ConfigMap, _) => all.push(Endpoint::new(watched, Some(&scope.namespace))),
            (_, []) => all.push(Endpoint::new(watched, None)),
            (_, some) => all.extend(some.iter().map(|namespace| Endpoint::new(watched, Some(namespace)))),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_long_enough_to_say_how_far_it_has_come_and_short_enough_for_two() {
        let pace = |seconds| Pace::for_staleness(SignedDuration::from_secs(seconds)).seconds();
        assert_eq!([1, 10, 30, 60, 3600].map(pace), [3, 3, 7, 15, 60]);
    }

    #[test]
    fn settings_come_first_and_every_namespace_has_its_own_watches() {
        let scope = |names: &[&str]| Scope {
            namespace: "own".to_owned(),
            watch_namespaces: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let all = endpoints(&scope(&[]));
        assert_eq!((all.len(), all[0].watched), (6, Watched::ConfigMap));
        assert_eq!(endpoints(&scope(&["a", "b"])).len(), 11);
    }
}

//! Step 1: whether what the guard knows is fresh enough to decide anything.

use std::sync::Arc;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use parking_lot::RwLock;

use crate::settings::Settings;

/// When the source was last proved readable.
pub type Proof = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The guard's view of the world, as far as it may be trusted; clones are the same view.
#[derive(Clone)]
pub struct View {
    proof: Arc<RwLock<Option<Proof>>>,
    settings: Arc<RwLock<ViewSettings>>,
}

/// What the site settings say about it.
#[derive(Clone, Debug)]
pub struct ViewSettings {
    pub max_staleness: SignedDuration,
    pub trusted_gateways: Vec<IpNet>,
}

impl From<&Settings> for ViewSettings {
    fn from(settings: &Settings) -> Self {
        Self { max_staleness: settings.max_staleness, trusted_gateways: settings.trusted_gateways.clone() }
    }
}

impl View {
    /// A view that nothing has proved yet: stale.
    #[must_use]
    pub fn new(settings: ViewSettings) -> Self {
        Self { proof: Arc::default(), settings: Arc::new(RwLock::new(settings)) }
    }

    /// From now on this says when the source was last readable; nothing makes the view stale.
    pub fn prove(&self, proof: Option<Proof>) {
        *self.proof.write() = proof;
    }

    pub fn set(&self, settings: ViewSettings) {
        *self.settings.write() = settings;
    }

    #[must_use]
    pub fn max_staleness(&self) -> SignedDuration {
        self.settings.read().max_staleness
    }

    /// How old the view is; a proof from the future is as old as it is far away.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.proof.read().as_ref().map(|proof| now.duration_since(proof()).abs())
    }

    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.age(now).is_some_and(|age| age <= self.settings.read().max_staleness)
    }

    pub(super) fn with_gateways<T>(&self, f: impl FnOnce(&[IpNet]) -> T) -> T {
        f(&self.settings.read().trusted_gateways)
    }
}

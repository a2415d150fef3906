//! The guard: a reverse proxy that answers each call with only the approved fields, and only after
//! the record of that call is durable.
//!
//! [`call`] is the table of contents: nine steps, each a function of a file of its own. A request
//! becomes a permit that only the judge makes; an answer is released only with that permit and a
//! receipt that only the record makes.

pub mod accept;
mod aggregate;
mod call;
mod headers;
mod introspection;
pub mod metrics;
mod operation;
mod problem;
mod quota;
mod recording;
mod release;
pub mod retention;
mod source;
mod target;
pub mod upstream;
pub mod view;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use crate::audit::{Log, SiteKey};
use crate::clock::Clock;
use crate::delivery::secrets::Secrets;
use crate::judge::index::Index;

use aggregate::Unknown;
use metrics::Metrics;
use quota::Quotas;
use retention::Retentions;
use upstream::Resolver;
use view::View;

/// What all workers of one guard share.
pub struct Guard {
    index: Arc<RwLock<Index>>,
    view: View,
    log: Log,
    site_key: SiteKey,
    secrets: Secrets,
    resolver: Resolver,
    retentions: Retentions,
    clock: Clock,
    quotas: Quotas,
    unknown: Unknown,
    metrics: Metrics,
}

/// What a guard is made of.
pub struct Parts {
    pub index: Arc<RwLock<Index>>,
    pub view: View,
    pub log: Log,
    pub site_key: SiteKey,
    pub secrets: Secrets,
    pub resolver: Resolver,
    pub retentions: Retentions,
    pub clock: Clock,
}

impl Guard {
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { index, view, log, site_key, secrets, resolver, retentions, clock } = parts;
        let (quotas, unknown, metrics) = (Quotas::default(), Unknown::default(), Metrics::new());
        Arc::new(Self { index, view, log, site_key, secrets, resolver, retentions, clock, quotas, unknown, metrics })
    }

    /// Calls that were admitted today before this process began, so that a restart refills no quota.
    pub fn restore_usage(&self, namespace: &str, name: &str, calls: u64) {
        let day = self.index.read().site().day(self.clock.now());
        self.quotas.restore(namespace, name, day, calls);
    }

    /// The guard's figures in Prometheus' text format.
    #[must_use]
    pub fn render_metrics(&self) -> String {
        let age = self.view.age(self.clock.now()).and_then(|age| Duration::try_from(age).ok());
        let grants = self.index.read().grants().count();
        self.metrics.render(age, grants)
    }

    /// Resolves when the record cannot be written any more: the process has to end.
    pub async fn log_failed(&self) {
        let _ = self.log.failed().await;
    }

    /// Whether the guard can answer now: its view is fresh and its record works.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.view.is_fresh(self.clock.now()) && self.log.failure().is_none()
    }

    /// Records the calls with unknown credentials that were only counted so far.
    pub async fn flush_unknown(&self) {
        aggregate::flush(&self.unknown, &self.log, &self.retentions.day_at_least(self)).await;
    }
}

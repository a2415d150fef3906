//! The guard: a reverse proxy that answers a call only with what a signed approval lets out, and only
//! after the call is on record.
//!
//! A call goes through nine steps (`call`). What lets an answer out are three values that cannot be
//! made by hand: the judge's permit, the projected answer, and the receipt of its own entry.

pub mod accept;
mod admission;
mod aggregate;
mod answer;
mod authenticate;
mod call;
mod headers;
pub mod inquiry;
pub mod inspecting;
mod introspection;
pub mod lease;
pub mod limits;
pub mod metrics;
pub mod observe;
mod operation;
mod problem;
mod quota;
mod record;
mod release;
pub mod retention;
mod source_address;
mod subject;
mod target;
pub mod upstream;
pub mod used;
pub mod view;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::RwLock;
use tokio::sync::Semaphore;

use self::aggregate::Unknown;
use self::inspecting::Figures;
use self::limits::Limits;
use self::metrics::{Metrics, Told};
use self::quota::{Calendar, Day, Quotas};
use self::retention::Retentions;
use self::upstream::{Resolver, Secrets};
use self::view::View;
use crate::audit::query::QueryError;
use crate::audit::upkeep::Standing;
use crate::audit::usage::{GrantUsage, Usage};
use crate::audit::{Log, SiteKey};
use crate::clock::Clock;
use crate::judge::facts::Key;
use crate::judge::index::Index;
use crate::judge::status::Use;

/// What a guard is made of.
pub struct Parts {
    pub index: Arc<RwLock<Index>>,
    pub view: View,
    pub log: Log,
    pub site_key: SiteKey,
    pub secrets: Secrets,
    pub resolver: Resolver,
    pub retentions: Retentions,
    /// How the record is kept, for the metrics.
    pub standing: Standing,
    pub clock: Clock,
    pub limits: Limits,
}

/// One guard, shared by its workers.
pub struct Guard {
    index: Arc<RwLock<Index>>,
    view: View,
    log: Log,
    site_key: SiteKey,
    secrets: Secrets,
    resolver: Resolver,
    retentions: Retentions,
    standing: Standing,
    clock: Clock,
    limits: Limits,
    calendar: Calendar,
    quotas: Quotas,
    unknown: Unknown,
    metrics: Metrics,
    inspections: Figures,
    /// Room for connections of callers.
    room: Arc<Semaphore>,
}

impl Guard {
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { index, view, log, site_key, secrets, resolver, retentions, standing, clock, limits } = parts;
        let metrics = Metrics::default();
        metrics.began(clock.now());
        Arc::new(Self {
            index,
            view,
            log,
            site_key,
            secrets,
            resolver,
            retentions,
            standing,
            clock,
            limits,
            calendar: Calendar::default(),
            quotas: Quotas::default(),
            unknown: Unknown::default(),
            metrics,
            inspections: Figures::default(),
            room: Arc::new(Semaphore::new(limits.connections)),
        })
    }

    /// Calls that were admitted today before this process began, so that a restart refills no quota.
    pub fn restore_usage(&self, namespace: &str, name: &str, used: GrantUsage) {
        self.quotas.restore(Key::new(namespace, name), used.today, used.last_used, self.today().ends);
    }

    /// How the grants are used that were used at `since` or later.
    #[must_use]
    pub fn used_since(&self, since: Timestamp) -> Vec<(Key, Use)> {
        self.quotas.used_since(since)
    }

    /// Quotas go on where the last process left them: counts today's calls in the record below `log`.
    pub fn count_today(&self, log: &Path) -> Result<(), QueryError> {
        let midnight = {
            let index = self.index.read();
            index.site().start_of(index.site().day(self.clock.now()))
        };
        let usage = Usage::read(log, midnight, midnight)?;
        usage.iter().for_each(|(namespace, name, grant)| self.restore_usage(namespace, name, grant));
        Ok(())
    }

    /// Resolves when the record cannot be written any more: the process has to end.
    pub async fn log_failed(&self) {
        let _ = self.log.failed().await;
    }

    /// Has the one thread of a runtime that will serve calls say to the record when it works and when it rests.
    pub fn watch_thread(&self, runtime: &mut tokio::runtime::Builder) {
        self.log.watch_thread(runtime);
    }

    /// Hands this thread's calls their receipts, batch by batch; runs beside [`accept::serve`] on the same
    /// thread and never ends. Without it every call is woken from the writer's thread by itself.
    pub async fn relay_receipts(&self) {
        self.log.relay().await;
    }

    /// Whether the guard can answer now: its view is fresh and its record works.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.view.is_fresh(self.clock.now()) && self.log.failure().is_none()
    }

    /// Records the calls with unknown credentials that were only counted so far.
    pub async fn flush_unknown(&self) {
        let retain = self.retentions.day_at_least(self);
        if let Err(reason) = self.unknown.record(&self.log, retain).await {
            tracing::warn!(%reason, "calls with unknown credentials are not on record yet");
        }
    }

    /// The guard's figures in Prometheus' text format.
    #[must_use]
    pub fn render_metrics(&self) -> String {
        let (grants, now) = (self.index.read().grant_count(), self.clock.now());
        self.metrics.text(&Told {
            view_age: self.view.age(now),
            max_staleness: self.view.max_staleness(),
            grants,
            record: &self.standing.report(),
            unsigned: self.log.unsigned_for(),
            checkpoint_every: self.retentions.checkpoint_every(),
            reserve: self.log.reserve_bytes(),
            inspections: &self.inspections,
            now,
        })
    }

    /// The figures of inspections, for whoever inspects this guard's record.
    #[must_use]
    pub fn inspections(&self) -> &Figures {
        &self.inspections
    }

    fn today(&self) -> Day {
        self.calendar.day(self.index.read().site(), self.clock.now())
    }
}

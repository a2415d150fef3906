//! The guard: a reverse proxy that answers a call only with what a signed approval lets out, and only
//! after the call is on record.
//!
//! A call goes through nine steps (`call`). What lets an answer out are three values that cannot be
//! made by hand: the judge's permit, the projected answer, and the receipt of its own entry.

mod accept;
mod admission;
mod aggregate;
mod answer;
mod authenticate;
mod call;
mod headers;
mod introspection;
mod metrics;
mod observe;
mod operation;
mod problem;
mod quota;
mod record;
mod release;
mod serve;
pub mod settings;
mod source_address;
mod subject;
mod target;
mod upstream;
mod view;

use std::sync::Arc;

use parking_lot::RwLock;

pub use self::accept::tls::{ServerTls, ServerTlsError};
pub use self::metrics::Metrics;
pub use self::quota::Calendar;
pub use self::serve::{Running, ServeError, Sockets};
pub use self::upstream::{Destinations, SecretSource};
pub use self::view::View;

use self::aggregate::Unknown;
use self::quota::Quotas;
use self::settings::{Limits, SiteSettings};
use crate::audit::{Log, SiteKey};
use crate::clock::Clock;
use crate::judge::facts::Key;
use crate::judge::index::Index;

/// What a guard is made of.
pub struct Parts {
    pub index: Arc<RwLock<Index>>,
    pub view: Arc<dyn View>,
    pub log: Log,
    pub site_key: SiteKey,
    pub clock: Clock,
    pub settings: SiteSettings,
    pub destinations: Destinations,
    pub limits: Limits,
}

/// One guard, shared by its workers.
pub struct Guard {
    index: Arc<RwLock<Index>>,
    view: Arc<dyn View>,
    log: Log,
    site_key: SiteKey,
    clock: Clock,
    settings: RwLock<Arc<SiteSettings>>,
    destinations: Destinations,
    limits: Limits,
    quotas: Quotas,
    unknown: Unknown,
    metrics: Metrics,
}

impl Guard {
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            index: parts.index,
            view: parts.view,
            log: parts.log,
            site_key: parts.site_key,
            clock: parts.clock,
            settings: RwLock::new(Arc::new(parts.settings)),
            destinations: parts.destinations,
            limits: parts.limits,
            quotas: Quotas::default(),
            unknown: Unknown::default(),
            metrics: Metrics::default(),
        })
    }

    /// Replaces the site's settings; calls that begin from now on follow them.
    pub fn set_settings(&self, settings: SiteSettings) {
        *self.settings.write() = Arc::new(settings);
    }

    /// Goes on from the calls that the record shows for today.
    pub fn restore_quotas(&self, counts: impl IntoIterator<Item = (Key, u64)>) {
        let today = self.settings().calendar.day(self.clock.now());
        self.quotas.restore(today.ends, counts);
    }

    /// Calls of a grant that were admitted today.
    #[must_use]
    pub fn calls_today(&self, grant: &Key) -> u32 {
        self.quotas.used(grant, self.settings().calendar.day(self.clock.now()).ends)
    }

    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whether calls can be answered now: the view is recent and the record takes entries.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let fresh = self.view.age(self.clock.now()) <= self.settings().max_staleness;
        fresh && self.log.failure().is_none()
    }

    fn settings(&self) -> Arc<SiteSettings> {
        self.settings.read().clone()
    }
}

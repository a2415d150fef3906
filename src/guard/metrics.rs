//! What an operator of the guard watches, in Prometheus' text format. Nothing in it names a person.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::judge::refusal::Code;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

/// The guard's own figures.
pub struct Metrics {
    registry: Registry,
    released: Counter,
    refused: Vec<Counter>,
    pub(super) open: Gauge,
    call: Histogram,
    upstream: Histogram,
    record: Histogram,
    view_age: Gauge<f64, AtomicU64>,
    grants: Gauge<i64, AtomicI64>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("datashare_guard");
        let seconds = || Histogram::new(exponential_buckets(0.000_05, 2.0, 18));
        let released = Counter::default();
        registry.register("released", "Answers released", released.clone());
        let family = Family::<CodeLabel, Counter>::default();
        registry.register("refusals", "Calls refused, by code", family.clone());
        let refused =
            Code::ALL.iter().map(|code| family.get_or_create(&CodeLabel { code: code.as_str() }).clone()).collect();
        let open = Gauge::default();
        registry.register("open_calls", "Calls being answered", open.clone());
        let (call, upstream, record) = (seconds(), seconds(), seconds());
        registry.register_with_unit("call", "Whole calls", Unit::Seconds, call.clone());
        registry.register_with_unit("upstream", "Waiting for providers", Unit::Seconds, upstream.clone());
        registry.register_with_unit("record", "Waiting for the record to be durable", Unit::Seconds, record.clone());
        let view_age = Gauge::default();
        registry.register_with_unit(
            "view_age",
            "Age of the proof that the view is current",
            Unit::Seconds,
            view_age.clone(),
        );
        let grants = Gauge::default();
        registry.register("grants", "Grants that are known", grants.clone());
        Self { registry, released, refused, open, call, upstream, record, view_age, grants }
    }

    pub(super) fn count(&self, refusal: Option<Code>) {
        match refusal {
            None => self.released.inc(),
            Some(code) => {
                let at = Code::ALL.iter().position(|other| *other == code);
                if let Some(counter) = at.and_then(|at| self.refused.get(at)) { counter.inc() } else { 0 }
            }
        };
    }

    pub(super) fn observe_call(&self, took: Duration) {
        self.call.observe(took.as_secs_f64());
    }

    pub(super) fn observe_upstream(&self, took: Duration) {
        self.upstream.observe(took.as_secs_f64());
    }

    pub(super) fn observe_record(&self, took: Duration) {
        self.record.observe(took.as_secs_f64());
    }

    /// All figures as text.
    pub fn render(&self, view_age: Option<Duration>, grants: usize) -> String {
        self.view_age.set(view_age.map_or(f64::INFINITY, |age| age.as_secs_f64()));
        self.grants.set(i64::try_from(grants).unwrap_or(i64::MAX));
        let mut text = String::new();
        // writing into a string cannot fail
        let _ = encode(&mut text, &self.registry);
        text
    }
}

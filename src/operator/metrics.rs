//! What an operator counts, in Prometheus' form: looks at objects by kind and outcome, writes refused, and who leads.

use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Looked {
    kind: &'static str,
    outcome: Outcome,
}

/// How a look at an object ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Outcome {
    Done,
    Stalled,
    Waiting,
    Retry,
}

/// All that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    looked: Family<Looked, Counter<u64, AtomicU64>>,
    leads: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("datashare_operator");
        let (looked, leads) = (Family::default(), Gauge::default());
        registry.register("reconciliations", "Looks at objects, by kind and outcome", Family::clone(&looked));
        registry.register("leads", "1 while this process is the one that writes", Gauge::clone(&leads));
        Self { registry: Mutex::new(registry), looked, leads }
    }
}

impl Metrics {
    pub fn looked(&self, kind: &'static str, outcome: Outcome) {
        self.looked.get_or_create(&Looked { kind, outcome }).inc();
    }

    pub fn leads(&self) {
        self.leads.set(1);
    }

    /// The text that is scraped.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // a String takes everything
        let _ = encode(&mut text, &self.registry.lock());
        text
    }
}

//! What a guard counts, in Prometheus' form. Counters are looked up once, at the start: a call only adds.

mod keeping;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use self::keeping::Keeping;
use super::inspecting::Figures;
use crate::audit::upkeep::Report;
use crate::judge::refusal::Code;

/// Upper bounds in seconds: a guarded call takes well under a millisecond, a slow provider seconds.
const BUCKETS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    code: &'static str,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Released,
    /// Its holder was told what its grant says.
    Described,
    Refused(Code),
}

/// A guard's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    released: Counter,
    described: Counter,
    refused: Vec<Counter>,
    pub call: Histogram,
    pub upstream: Histogram,
    pub record: Histogram,
    pub open_calls: Gauge,
    pub connections: Gauge,
    view_age: Gauge<f64, AtomicU64>,
    max_staleness: Gauge<f64, AtomicU64>,
    start_time: Gauge<f64, AtomicU64>,
    grants: Gauge,
    keeping: Keeping,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("datashare_guard");
        let calls = Family::<Ended, Counter>::default();
        registry.register(
            "calls",
            "Calls by how they ended: released, described (introspection), or the code of the refusal",
            calls.clone(),
        );
        let counter = |code: &'static str| (*calls.get_or_create(&Ended { code })).clone();
        let mut histogram = |name: &str, help: &str| {
            let histogram = Histogram::new(BUCKETS);
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
            histogram
        };
        let call = histogram("call", "From a call's head to its answer");
        let upstream = histogram("upstream", "From a forwarded call to the whole of its upstream answer");
        let record = histogram("record", "What a call waits for its entry to be durable");
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let open_calls = gauge(&mut registry, "open_calls", "Calls being answered");
        let connections = gauge(&mut registry, "connections", "Open connections of callers");
        let view_age = Gauge::default();
        registry.register_with_unit("view_age", "Time since the source was last read", Unit::Seconds, view_age.clone());
        let max_staleness = Gauge::default();
        let help = "With an older view, calls are refused";
        registry.register_with_unit("view_max_staleness", help, Unit::Seconds, max_staleness.clone());
        // what a process counted just before it failed is never scraped: the next one says that there was another
        let start_time = Gauge::default();
        let help = "When this process began, in seconds since 1970";
        registry.register_with_unit("start_time", help, Unit::Seconds, start_time.clone());
        let grants = gauge(&mut registry, "grants", "Grants that are known");
        let keeping = Keeping::new(&mut registry);
        Self {
            released: counter("released"),
            described: counter("described"),
            refused: Code::ALL.iter().map(|code| counter(code.as_str())).collect(),
            registry: Mutex::new(registry),
            call,
            upstream,
            record,
            open_calls,
            connections,
            view_age,
            max_staleness,
            start_time,
            grants,
            keeping,
        }
    }
}

/// What is looked at only when somebody asks for the metrics.
pub struct Told<'a> {
    pub view_age: Option<SignedDuration>,
    pub max_staleness: SignedDuration,
    pub grants: usize,
    pub record: &'a Report,
    /// How long entries have waited for a checkpoint.
    pub unsigned: Option<Duration>,
    pub checkpoint_every: Duration,
    pub reserve: u64,
    pub inspections: &'a Figures,
    pub now: Timestamp,
}

impl Metrics {
    /// Says when the process began.
    pub fn began(&self, at: Timestamp) {
        self.start_time.set(at.as_duration().as_secs_f64());
    }

    /// Counts a call.
    pub fn ended(&self, how: How, took: Duration) {
        let counter = match how {
            How::Released => Some(&self.released),
            How::Described => Some(&self.described),
            How::Refused(code) => Code::ALL.iter().position(|c| *c == code).and_then(|at| self.refused.get(at)),
        };
        if let Some(counter) = counter {
            counter.inc();
        }
        self.call.observe(took.as_secs_f64());
    }

    /// Everything as text.
    #[must_use]
    pub fn text(&self, told: &Told<'_>) -> String {
        let Told { view_age, max_staleness, grants, record, unsigned, reserve, inspections, now, checkpoint_every } =
            told;
        self.keeping.set(record, *now);
        self.keeping.evidence(*unsigned, *checkpoint_every, *reserve);
        self.view_age.set(view_age.map_or(f64::INFINITY, |age| age.as_secs_f64()));
        self.max_staleness.set(max_staleness.as_secs_f64());
        self.grants.set(i64::try_from(*grants).unwrap_or(i64::MAX));
        let mut text = String::new();
        let mut others = Registry::with_prefix("datashare");
        inspections.register(&mut others);
        // writing into memory cannot fail
        let _ = encode_registry(&mut text, &self.registry.lock());
        let _ = encode_registry(&mut text, &others);
        let _ = encode_eof(&mut text);
        text
    }
}

/// Counts one thing that is open for as long as it lives.
#[derive(Debug)]
pub struct Open(Gauge);

impl Open {
    #[must_use]
    pub fn count(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_counted_from_the_start() {
        let metrics = Metrics::default();
        metrics.ended(How::Released, Duration::from_micros(120));
        metrics.ended(How::Refused(Code::QuotaExceeded), Duration::ZERO);
        metrics.began(Timestamp::from_second(1_700_000_000).unwrap());
        let _open = Open::count(&metrics.open_calls);
        let text = metrics.text(&Told {
            view_age: Some(SignedDuration::from_millis(1500)),
            max_staleness: SignedDuration::from_mins(5),
            grants: 7,
            record: &Report::default(),
            unsigned: Some(Duration::from_millis(2500)),
            checkpoint_every: Duration::from_mins(30),
            reserve: 4096,
            inspections: &Figures::default(),
            now: Timestamp::UNIX_EPOCH,
        });
        assert!(text.contains("datashare_guard_checkpoint_age_seconds 2.5\n"), "{text}");
        assert!(text.contains("datashare_guard_checkpoint_interval_seconds 1800.0\n"), "{text}");
        assert!(text.contains("datashare_guard_record_reserve_bytes 4096\n"), "{text}");
        assert!(text.contains("datashare_overdue{what=\"recall\"} 0\n"), "{text}");
        for code in Code::ALL {
            assert!(text.contains(&format!("datashare_guard_calls_total{{code=\"{}\"}}", code.as_str())), "{text}");
        }
        assert!(text.contains("datashare_guard_calls_total{code=\"released\"} 1\n"), "{text}");
        assert!(text.contains("datashare_guard_calls_total{code=\"quota-exceeded\"} 1\n"), "{text}");
        assert!(text.contains("datashare_guard_view_age_seconds 1.5\n"), "{text}");
        assert!(text.contains("datashare_guard_view_max_staleness_seconds 300.0\n"), "{text}");
        assert!(text.contains("datashare_guard_start_time_seconds 1700000000.0\n"), "{text}");
        assert!(text.contains("datashare_guard_open_calls 1\n"), "{text}");
        assert!(text.contains("datashare_guard_call_seconds_count 2\n"), "{text}");
    }
}

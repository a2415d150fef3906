//! How the record is kept, as gauges: what an operator must hear of long before the disk is full.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::audit::upkeep::Report;

type Float = Gauge<f64, AtomicU64>;

/// Set from the last round's report whenever somebody asks.
#[derive(Debug)]
pub(super) struct Keeping {
    free: Gauge,
    reserve: Gauge,
    checkpoint_age: Float,
    checkpoint_interval: Float,
    lag: Float,
    success: Float,
    round: Float,
    oldest: Float,
    sealed: Gauge,
    pruned: Gauge,
    held: Gauge,
    troubles: Gauge,
}

impl Keeping {
    pub fn new(registry: &mut Registry) -> Self {
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let seconds = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Float::default();
            registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
            gauge
        };
        let free = Gauge::default();
        let help = "What may still be written where the record is";
        registry.register_with_unit("record_free", help, Unit::Bytes, free.clone());
        let reserve = Gauge::default();
        registry.register_with_unit(
            "record_reserve",
            "With less than this free, calls are refused",
            Unit::Bytes,
            reserve.clone(),
        );
        Self {
            free,
            reserve,
            checkpoint_age: seconds(registry, "checkpoint_age", "How long entries have waited for a checkpoint"),
            checkpoint_interval: seconds(
                registry,
                "checkpoint_interval",
                "How often entries are signed while they arrive, as the policies have it",
            ),
            lag: seconds(registry, "archive_lag", "Age of the oldest closed segment that some archive lacks"),
            success: seconds(registry, "archive_last_success_timestamp", "When a segment was last archived"),
            round: seconds(
                registry,
                "record_upkeep_timestamp",
                "When sealing, archive and retention were last seen to",
            ),
            oldest: seconds(registry, "record_oldest_timestamp", "Time of the oldest sealed entry that is kept"),
            sealed: gauge(registry, "record_segments_sealed", "Segments sealed since the start"),
            pruned: gauge(
                registry,
                "record_segments_pruned",
                "Segments removed since the start because their time was over",
            ),
            held: gauge(registry, "record_segments_held", "Segments whose time is over and that a legal hold keeps"),
            troubles: gauge(registry, "record_troubles", "What is wrong with sealing, archive or retention now"),
        }
    }

    pub fn evidence(&self, unsigned: Option<Duration>, every: Duration, reserve: u64) {
        self.checkpoint_age.set(unsigned.map_or(0.0, |age| age.as_secs_f64()));
        self.checkpoint_interval.set(every.as_secs_f64());
        self.reserve.set(i64::try_from(reserve).unwrap_or(i64::MAX));
    }

    pub fn set(&self, report: &Report, now: Timestamp) {
        let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let time = |time: Option<Timestamp>| time.map_or(0.0, |time| time.as_duration().as_secs_f64());
        self.free.set(whole(report.free_bytes.unwrap_or(0)));
        self.lag.set(report.lags_since.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0)));
        self.success.set(time(report.last_archived));
        self.round.set(time(report.round));
        self.oldest.set(time(report.oldest));
        self.sealed.set(whole(report.sealed));
        self.pruned.set(whole(report.pruned));
        self.held.set(whole(report.held));
        self.troubles.set(i64::try_from(report.troubles.len()).unwrap_or(i64::MAX));
    }
}

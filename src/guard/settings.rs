//! What a guard is told about its site and its limits. The site's part may change while it runs.

use std::collections::HashMap;
use std::time::Duration;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use super::quota::Calendar;
use crate::judge::facts::{Key, Resource, Site};

/// Days that a record is kept when no policy says otherwise: the legal floors.
const KEEP: Keep = Keep { other: 184, personal: 1096 };

/// What holds for the site now.
#[derive(Debug)]
pub struct SiteSettings {
    pub calendar: Calendar,
    pub max_staleness: SignedDuration,
    pub trusted_gateways: Vec<IpNet>,
    /// Days by audit policy.
    pub retention: HashMap<Key, Keep>,
}

/// Days that a record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    pub other: i32,
    /// Records of personal data and business secrets.
    pub personal: i32,
}

impl SiteSettings {
    /// Settings with nothing but defaults: no gateway is trusted, the legal floors hold.
    #[must_use]
    pub fn new(site: Site, now: Timestamp) -> Self {
        Self {
            calendar: Calendar::new(site, now),
            max_staleness: crate::settings::DEFAULT_MAX_STALENESS,
            trusted_gateways: Vec::new(),
            retention: HashMap::new(),
        }
    }

    /// How long records of a resource are kept.
    #[must_use]
    pub fn keep(&self, resource: &Resource) -> Keep {
        let policy = resource.spec.audit_policy_ref.as_ref().and_then(|policy| {
            self.retention.get(&Key::new(resource.key.namespace.clone(), policy.name.as_str()))
        });
        policy.copied().unwrap_or(KEEP)
    }
}

impl Default for Keep {
    fn default() -> Self {
        KEEP
    }
}

/// Bounds on what the outside can make a guard hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections of callers.
    pub connections: usize,
    /// Bytes of one request's head.
    pub head_bytes: usize,
    /// Header fields of one request.
    pub head_fields: usize,
    /// Calls open at once on one HTTP/2 connection.
    pub streams: u32,
    /// A connection that has begun no call for so long, and has none open, is closed; twice as long
    /// when it does not even take its last answer.
    pub idle: Duration,
    /// A TLS handshake must be done in this time.
    pub handshake: Duration,
    /// Open calls have so long to end when the guard stops.
    pub drain: Duration,
    /// How often unknown credentials are recorded.
    pub aggregate: Duration,
    pub upstream: UpstreamLimits,
}

/// Bounds on the connections to one upstream, per worker.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamLimits {
    pub open: usize,
    pub idle: usize,
    pub idle_time: Duration,
    pub connect: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_bytes: 16 * 1024,
            head_fields: 64,
            streams: 64,
            idle: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            drain: Duration::from_secs(20),
            aggregate: Duration::from_mins(1),
            upstream: UpstreamLimits::default(),
        }
    }
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self { open: 128, idle: 32, idle_time: Duration::from_secs(50), connect: Duration::from_secs(3) }
    }
}

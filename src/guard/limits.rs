//! Bounds on what the outside can make a guard hold, and for how long.

use std::time::Duration;

/// The bounds of one guard.
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
            upstream: UpstreamLimits::default(),
        }
    }
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self { open: 128, idle: 32, idle_time: Duration::from_secs(50), connect: Duration::from_secs(3) }
    }
}

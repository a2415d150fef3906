//! Bounds on what the outside can make a guard hold, and for how long.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a process has open without any call: record, archives, watches, event loops.
const OWN_FILES: u64 = 128;
/// Fewer connections are no service.
const FEWEST: usize = 16;

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

impl Limits {
    /// The usual ones, but never more connections than this process may have files open for. It may have as many as the
    /// system allows it, from now on.
    #[must_use]
    pub fn of_process() -> Self {
        let allowed = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: allowed.maximum, ..allowed };
        // some systems allow less than they say; then it stays as it was
        let files = setrlimit(Resource::Nofile, raised).map_or(allowed.current, |()| allowed.maximum);
        Self::for_files(files)
    }

    /// A process without a file to open for its record must end: callers get half of what it does not need for itself,
    /// since each may want another connection to an upstream.
    fn for_files(files: Option<u64>) -> Self {
        let usual = Self::default();
        let room = files.map_or(usual.connections, |files| {
            usize::try_from(files.saturating_sub(OWN_FILES) / 2).unwrap_or(usize::MAX)
        });
        Self { connections: usual.connections.min(room).max(FEWEST), ..usual }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_as_many_as_files_allow() {
        let connections = |files| Limits::for_files(files).connections;
        assert_eq!(
            [None, Some(u64::MAX), Some(8320), Some(8318), Some(1024)].map(connections),
            [4096, 4096, 4096, 4095, 448]
        );
        assert_eq!([Some(130), Some(0)].map(connections), [FEWEST; 2]);
    }
}

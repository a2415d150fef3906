//! The connections to one upstream: a bounded number in use, a bounded number waiting for the next
//! call, the one used last first.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connect::{Connector, Sender};
use super::failure::Failure;
use crate::clock::Stopwatch;
use crate::guard::limits::UpstreamLimits;

/// Connections to one upstream.
#[derive(Debug)]
pub struct Pool {
    connector: Connector,
    limits: UpstreamLimits,
    in_use: Arc<Semaphore>,
    idle: Mutex<Vec<(Sender, Stopwatch)>>,
}

/// A connection for one call.
#[derive(Debug)]
pub struct Taken {
    pub sender: Sender,
    /// It has served a call before: the upstream may have closed it without our knowing.
    pub reused: bool,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    pub fn new(connector: Connector, limits: UpstreamLimits) -> Self {
        Self { connector, in_use: Arc::new(Semaphore::new(limits.open)), limits, idle: Mutex::default() }
    }

    /// A waiting connection, or a new one. While too many are in use the call waits: not longer than
    /// the time of its whole answer. `now` is when the call began.
    pub async fn take(&self, now: Stopwatch) -> Result<Taken, Failure> {
        let place = self.in_use.clone().acquire_owned().await.map_err(|_| Failure::Unreachable)?;
        while let Some(mut sender) = self.waiting(now) {
            // fails at once when the upstream has closed it
            if sender.ready().await.is_ok() {
                return Ok(Taken { sender, reused: true, _place: place });
            }
        }
        Ok(Taken { sender: self.connector.connect().await?, reused: false, _place: place })
    }

    /// The same place with a connection that nobody used before.
    pub async fn renew(&self, taken: Taken) -> Result<Taken, Failure> {
        Ok(Taken { sender: self.connector.connect().await?, reused: false, ..taken })
    }

    /// Takes a connection back whose answer was read to its end, `now`.
    pub fn put(&self, taken: Taken, now: Stopwatch) {
        let mut idle = self.idle.lock();
        if idle.len() < self.limits.idle && !taken.sender.is_closed() {
            idle.push((taken.sender, now));
        }
    }

    /// Closes what has waited too long.
    pub fn sweep(&self) {
        let limit = self.limits.idle_time;
        self.idle.lock().retain(|(sender, since)| !sender.is_closed() && since.elapsed() < limit);
    }

    fn waiting(&self, now: Stopwatch) -> Option<Sender> {
        let mut idle = self.idle.lock();
        while let Some((sender, since)) = idle.pop() {
            if !sender.is_closed() && now.since(since) < self.limits.idle_time {
                return Some(sender);
            }
        }
        None
    }
}

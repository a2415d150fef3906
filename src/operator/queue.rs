//! The work queue of one controller, and its workers: a bounded number of keys at once, and an end when told.

mod backlog;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::judge::facts::Key;

pub use backlog::Again;
use backlog::{Backlog, Next};

/// No sleep is longer, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Keys of one kind that are to be looked at.
#[derive(Clone, Debug)]
pub struct Queue {
    backlog: Arc<Mutex<Backlog>>,
    woken: Arc<Notify>,
    clock: Clock,
}

impl Queue {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { backlog: Arc::default(), woken: Arc::default(), clock }
    }

    pub fn add(&self, key: Key) {
        self.backlog.lock().add(key);
        self.woken.notify_one();
    }

    /// Works with so many workers until stopped; what has begun is finished.
    pub async fn work<W, F>(&self, workers: usize, stop: &CancellationToken, work: W)
    where
        W: Fn(Key) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Again> + Send,
    {
        let mut all = JoinSet::new();
        for _ in 0..workers {
            let (queue, stop, work) = (self.clone(), stop.clone(), work.clone());
            all.spawn(async move {
                while let Some(Some(key)) = stop.run_until_cancelled(queue.next()).await {
                    let again = work(key.clone()).await;
                    queue.backlog.lock().done(&key, again, queue.clock.now());
                    queue.woken.notify_one();
                }
            });
        }
        while all.join_next().await.is_some() {}
    }

    async fn next(&self) -> Option<Key> {
        loop {
            let now = self.clock.now();
            let next = self.backlog.lock().next(now);
            match next {
                Next::Run(key) => {
                    // there may be more, and one call wakes one worker only
                    self.woken.notify_one();
                    return Some(key);
                }
                Next::Wait(at) => {
                    let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default().min(LONGEST_SLEEP);
                    // whether it was woken or it is time, the backlog says what is next
                    let _ = tokio::time::timeout(wait, self.woken.notified()).await;
                }
                Next::Idle => self.woken.notified().await,
            }
        }
    }
}

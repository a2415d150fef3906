//! The guard at work: one thread or several, each with a runtime and upstream connections of its own,
//! so that a call never changes threads. All accept from the same socket.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::accept::Door;
use super::accept::tls::ServerTls;
use super::call::Worker;
use super::upstream::Routes;
use super::{Guard, observe};
use crate::audit::Failure;

/// How often idle connections and counters of past days are looked through.
const TIDY: Duration = Duration::from_secs(5);

/// Where a guard listens.
pub struct Sockets {
    pub calls: TcpListener,
    pub tls: Option<ServerTls>,
    /// Metrics and health.
    pub observer: Option<TcpListener>,
}

/// A guard that serves.
pub struct Running {
    guard: Arc<Guard>,
    stop: CancellationToken,
    threads: Vec<JoinHandle<io::Result<()>>>,
    address: SocketAddr,
    observer: Option<SocketAddr>,
}

/// Why a guard does not serve, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the guard cannot use its sockets: {0}")]
    Socket(#[from] io::Error),
    #[error("{0}")]
    Record(Failure),
    #[error("a thread of the guard has panicked; the panic's message is above")]
    Panic,
}

impl Guard {
    /// Begins to serve on `threads` threads.
    pub fn serve(self: &Arc<Self>, sockets: Sockets, threads: NonZeroUsize) -> Result<Running, ServeError> {
        let stop = CancellationToken::new();
        let room = Arc::new(Semaphore::new(self.limits.connections));
        let address = sockets.calls.local_addr()?;
        sockets.calls.set_nonblocking(true)?;
        let mut observer = sockets.observer;
        let metrics_at = observer.as_ref().map(TcpListener::local_addr).transpose()?;
        let mut running =
            Running { guard: self.clone(), stop: stop.clone(), threads: Vec::new(), address, observer: metrics_at };
        for number in 0..threads.get() {
            let worker = Worker { guard: self.clone(), routes: Routes::default() };
            let tls = sockets.tls.as_ref().map(|tls| tls.0.clone());
            let door = Arc::new(Door::new(worker, tls, room.clone(), stop.clone()));
            let (listener, observer) = (sockets.calls.try_clone()?, observer.take());
            let (guard, stop) = (self.clone(), stop.clone());
            let thread = std::thread::Builder::new().name(format!("guard-{number}"));
            running.threads.push(thread.spawn(move || {
                // a thread that ends for whatever reason ends the service: half a guard is not one
                let _stop = stop.clone().drop_guard();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(async {
                    tokio::spawn(tidy(door.clone()));
                    if number == 0 {
                        tokio::spawn(look_after(guard.clone(), stop.clone()));
                    }
                    if let Some(observer) = observer {
                        observer.set_nonblocking(true)?;
                        tokio::spawn(observe::serve(guard, tokio::net::TcpListener::from_std(observer)?, stop));
                    }
                    door.serve(tokio::net::TcpListener::from_std(listener)?).await;
                    Ok(())
                })
            })?);
        }
        Ok(running)
    }
}

impl Running {
    /// Where calls are taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics and health are.
    #[must_use]
    pub fn observer(&self) -> Option<SocketAddr> {
        self.observer
    }

    /// What ends the service: cancel it, and open calls get their time to end.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits until the service has ended, and says why if nobody asked for it. Calls with unknown
    /// credentials that are not on record yet are recorded; the log itself stays open.
    pub fn wait(mut self) -> Result<(), ServeError> {
        let mut ended = Ok(());
        for thread in std::mem::take(&mut self.threads) {
            ended = match (ended, thread.join()) {
                (Err(first), _) => Err(first),
                (Ok(()), Ok(result)) => result.map_err(ServeError::Socket),
                (Ok(()), Err(_)) => Err(ServeError::Panic),
            };
        }
        if let Some(failure) = self.guard.log.failure() {
            return Err(ServeError::Record(failure));
        }
        if let Err(reason) = self.guard.unknown.record_blocking(&self.guard.log) {
            tracing::warn!(%reason, "calls with unknown credentials are not on record");
        }
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Keeps one worker's connections upstream few.
async fn tidy(door: Arc<Door>) {
    let mut tick = tokio::time::interval(TIDY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let worker = door.worker();
        let index = worker.guard.index.read();
        worker.routes.sweep(|resource| index.resource(resource).is_some());
    }
}

/// Keeps counters bounded, records unknown credentials, and ends the service when the record fails.
async fn look_after(guard: Arc<Guard>, stop: CancellationToken) {
    let failed = guard.log.failed();
    let counting = async {
        let mut tick = tokio::time::interval(guard.limits.aggregate);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            guard.quotas.sweep(guard.clock.now());
            if let Err(reason) = guard.unknown.record(&guard.log).await {
                tracing::warn!(%reason, "calls with unknown credentials are not on record yet");
            }
        }
    };
    tokio::select! {
        failure = failed => {
            tracing::error!(%failure, "the record has failed; the guard stops");
            stop.cancel();
        }
        () = counting => {}
    }
}

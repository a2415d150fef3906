//! The front door: a bounded number of connections, HTTP/1.1 or HTTP/2, with TLS if there is a
//! certificate. Connections that begin no call are closed, and a stop lets open calls end.

mod activity;
mod connection;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Guard;
use super::call::Worker;
use super::limits::Limits;
use super::metrics::Open;
use super::upstream::Routes;

/// Accepting fails when the process is out of file descriptors: wait for some to come back.
const PAUSE: Duration = Duration::from_millis(50);
/// Streams that a caller may open and reset before the connection is given up.
const RESETS: usize = 20;
/// Pings that find out whether a silent HTTP/2 peer is still there.
const PING: Duration = Duration::from_secs(20);

/// How often idle connections upstream and counters of past days are looked through.
const TIDY: Duration = Duration::from_secs(5);

/// Serves one listener as one worker until `stop`, then lets open calls end.
pub async fn serve(guard: Arc<Guard>, listener: TcpListener, tls: Option<TlsAcceptor>, stop: CancellationToken) {
    let http = protocol(&guard.limits);
    let door = Arc::new(Door { worker: Worker { guard, routes: Routes::default() }, http, tls, stop });
    tokio::select! {
        () = door.serve(listener) => {}
        () = door.tidy() => {}
    }
}

/// One worker's door.
struct Door {
    worker: Worker,
    http: auto::Builder<TokioExecutor>,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
}

impl Door {
    /// Takes connections until told to stop, then waits until open calls have ended or their time is over.
    async fn serve(self: &Arc<Self>, listener: TcpListener) {
        let connections = TaskTracker::new();
        while let Some((stream, peer, place)) = self.stop.run_until_cancelled(self.next(&listener)).await.flatten() {
            let door = self.clone();
            connections.spawn(async move {
                let _open = Open::count(&door.worker.guard.metrics.connections);
                door.connection(stream, peer).await;
                drop(place);
            });
        }
        drop(listener);
        connections.close();
        let drained = tokio::time::timeout(self.worker.guard.limits.drain, connections.wait()).await;
        if drained.is_err() {
            tracing::warn!(connections = connections.len(), "calls still open are given up");
        }
    }

    /// Keeps what one worker holds small.
    async fn tidy(&self) {
        let Worker { guard, routes } = &self.worker;
        let mut tick = tokio::time::interval(TIDY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            guard.quotas.sweep(guard.clock.now());
            let index = guard.index.read();
            routes.sweep(|resource| index.resource(resource).is_some());
        }
    }

    /// The next connection, once there is room for it; `None` if there never will be.
    async fn next(&self, listener: &TcpListener) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
        let place = self.worker.guard.room.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer.ip(), place)),
                Err(error) => {
                    tracing::debug!(%error, "a connection was not accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// The protocols and their bounds. There is no timer per request: [`activity`] closes what is slow.
fn protocol(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .header_read_timeout(None)
        .max_headers(limits.head_fields)
        .max_buf_size(limits.head_bytes)
        .half_close(false)
        // put together before they are written, head and body would leave each connection with room for its largest answer
        .writev(true);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .max_concurrent_streams(limits.streams)
        .max_pending_accept_reset_streams(RESETS)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX));
    http
}

//! Connections: accepted within limits, served by HTTP/1.1 or HTTP/2, with TLS where asked for, and
//! drained when the guard stops.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Guard;
use super::call::{Worker, answer};
use super::upstream::Pool;
use crate::fields::Scratch;

/// Connections one worker serves at once.
const CONNECTIONS: usize = 4_096;
/// Time for the header section of a request, and for a TLS handshake.
const HEADER_WAIT: Duration = Duration::from_secs(10);
/// Header section of a request.
const MAX_HEAD: usize = 32 * 1024;
const MAX_FIELDS: usize = 64;
/// Calls open on one HTTP/2 connection.
const STREAMS: u32 = 128;
/// How long open calls may take to end when the guard stops.
const DRAIN: Duration = Duration::from_secs(20);
/// Accepting fails when the process is out of file descriptors: wait for some to come back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves one listener as one worker until `shutdown`, then lets open calls end.
pub async fn serve(guard: Arc<Guard>, listener: TcpListener, tls: Option<TlsAcceptor>, shutdown: CancellationToken) {
    let worker = Arc::new(Worker { guard, pool: Pool::default(), scratch: Mutex::new(Scratch::default()) });
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let open = TaskTracker::new();
    loop {
        let next = async {
            // the semaphore is never closed
            let permit = room.clone().acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let Some((permit, accepted)) = shutdown.run_until_cancelled(next).await else { break };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (worker, tls, shutdown) = (worker.clone(), tls.clone(), shutdown.clone());
        open.spawn(async move {
            connection(&worker, stream, peer, tls, shutdown).await;
            drop(permit);
        });
    }
    drop(listener);
    open.close();
    // what has not ended by then is cut off; nothing unrecorded can go out
    let _ = tokio::time::timeout(DRAIN, open.wait()).await;
}

async fn connection(
    worker: &Arc<Worker>,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
) {
    // small answers must not wait for another; a socket that refuses that still works
    let _ = stream.set_nodelay(true);
    match tls {
        None => speak(worker, TokioIo::new(stream), peer.ip(), shutdown).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HEADER_WAIT, tls.accept(stream)).await {
                speak(worker, TokioIo::new(stream), peer.ip(), shutdown).await;
            }
        }
    }
}

async fn speak<T>(worker: &Arc<Worker>, io: T, peer: IpAddr, shutdown: CancellationToken)
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let worker = worker.clone();
        async move { Ok::<_, Infallible>(answer(&worker, peer, &request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .pipeline_flush(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS);
    let serving = builder.serve_connection(io, service);
    tokio::pin!(serving);
    tokio::select! {
        _ = &mut serving => return,
        () = shutdown.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    // how a connection ends is the client's business
    let _ = serving.await;
}

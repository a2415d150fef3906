//! One connection from its first byte to its end. A panic in a call ends it with nothing released,
//! and nobody else notices.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Door;
use super::activity::Activity;

impl Door {
    pub(super) async fn connection(self: Arc<Self>, stream: TcpStream, peer: IpAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps Nagle's delay");
        }
        let Some(tls) = self.tls.clone() else { return self.calls(TokioIo::new(stream), peer).await };
        let shaken = tokio::time::timeout(self.worker.guard.limits.handshake, tls.accept(stream)).await;
        match shaken {
            Ok(Ok(stream)) => self.calls(TokioIo::new(stream), peer).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn calls<T>(self: Arc<Self>, io: T, peer: IpAddr)
    where
        T: Read + Write + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::default());
        let service = service_fn(|request| {
            let (door, activity) = (self.clone(), activity.clone());
            async move {
                let _busy = activity.begin();
                Ok::<_, Infallible>(door.worker.answer(peer, request).await)
            }
        });
        let mut connection = pin!(self.http.serve_connection(io, service));
        let period = self.worker.guard.limits.idle;
        // looked at only when one of them has something to say, not whenever a byte comes
        let mut signals = FuturesUnordered::new();
        signals.push(self.signal(Signal::Stop, period));
        signals.push(self.signal(Signal::Look, period));
        let (mut idle, mut seen) = (false, 0);
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return;
                }
                Some(signal) = signals.next() => match signal {
                    Signal::Stop => connection.as_mut().graceful_shutdown(),
                    Signal::Look => {
                        let was_idle = std::mem::replace(&mut idle, activity.is_idle_since(&mut seen));
                        if idle && was_idle {
                            tracing::debug!("a connection that does not move is closed");
                            return;
                        }
                        if idle {
                            connection.as_mut().graceful_shutdown();
                        }
                        signals.push(self.signal(Signal::Look, period));
                    }
                },
            }
        }
    }

    /// A signal, when it is time for it.
    async fn signal(&self, signal: Signal, period: Duration) -> Signal {
        match signal {
            Signal::Stop => self.stop.cancelled().await,
            Signal::Look => tokio::time::sleep(period).await,
        }
        signal
    }
}

/// What a connection is told from outside.
#[derive(Clone, Copy)]
enum Signal {
    /// The guard stops.
    Stop,
    /// Time to see whether it still moves.
    Look,
}

//! One connection from its first byte to its end. A panic in a call ends it with nothing released,
//! and nobody else notices.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;

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
        let mut stopped = pin!(self.stop.cancelled());
        let period = self.worker.guard.limits.idle;
        let mut look = tokio::time::interval(period);
        // the first look is a period away
        look.reset();
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut closing, mut idle, mut seen) = (false, false, 0);
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return;
                }
                () = stopped.as_mut(), if !closing => {
                    connection.as_mut().graceful_shutdown();
                    closing = true;
                }
                _ = look.tick() => {
                    let was_idle = std::mem::replace(&mut idle, activity.is_idle_since(&mut seen));
                    if idle && was_idle {
                        tracing::debug!("a connection that does not move is closed");
                        return;
                    }
                    if idle {
                        connection.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }
}

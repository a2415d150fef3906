//! `/metrics`, `/healthz` and `/readyz`, on a socket of their own: nothing of any call is there.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::Guard;

/// Connections at once; a scraper and a prober need two.
const CONNECTIONS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves until stopped.
pub async fn serve(guard: Arc<Guard>, listener: TcpListener, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            let place = room.clone().acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        let Some(Some((accepted, place))) = stop.run_until_cancelled(next).await else { return };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (guard, stop) = (guard.clone(), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
                let reply = answer(&guard, request.method(), request.uri().path(), stop.is_cancelled());
                async move { Ok::<_, Infallible>(reply) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(8 * 1024);
            // a scraper that goes away is no event
            let _ = stop.run_until_cancelled(http.serve_connection(TokioIo::new(stream), service)).await;
            drop(place);
        });
    }
}

fn answer(guard: &Guard, method: &Method, path: &str, stopping: bool) -> Response<Full<Bytes>> {
    let (status, kind, text) = match path {
        _ if method != Method::GET => (StatusCode::METHOD_NOT_ALLOWED, PLAIN, "GET only\n".to_owned()),
        "/metrics" => (StatusCode::OK, METRICS, guard.render_metrics()),
        "/healthz" if guard.log.failure().is_none() => (StatusCode::OK, PLAIN, "ok\n".to_owned()),
        "/healthz" => (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "the record has failed\n".to_owned()),
        "/readyz" if guard.is_ready() && !stopping => (StatusCode::OK, PLAIN, "ready\n".to_owned()),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "not ready\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, PLAIN, "/metrics, /healthz and /readyz are here\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

const PLAIN: &str = "text/plain; charset=utf-8";
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

//! A socket for metrics and health, apart from everything else: one short answer to one short question.

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

/// Connections at once; a scraper and a prober need two.
const CONNECTIONS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(10);

/// What is answered at one path.
pub struct Answer {
    pub status: StatusCode,
    pub kind: &'static str,
    pub text: String,
}

impl Answer {
    /// A line of plain text.
    #[must_use]
    pub fn plain(status: StatusCode, text: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", text: format!("{text}\n") }
    }

    /// `/healthz` and `/readyz` say yes or no.
    #[must_use]
    pub fn is_so(so: bool, yes: &str, no: &str) -> Self {
        if so { Self::plain(StatusCode::OK, yes) } else { Self::plain(StatusCode::SERVICE_UNAVAILABLE, no) }
    }

    /// Metrics in Prometheus' form.
    #[must_use]
    pub fn metrics(text: String) -> Self {
        Self { status: StatusCode::OK, kind: "application/openmetrics-text; version=1.0.0; charset=utf-8", text }
    }
}

/// Serves until stopped. `answer` is asked for a path, and told whether a stop has begun.
pub async fn serve<F>(answer: F, listener: TcpListener, stop: CancellationToken)
where
    F: Fn(&str, bool) -> Answer + Send + Sync + 'static,
{
    let (room, answer) = (Arc::new(Semaphore::new(CONNECTIONS)), Arc::new(answer));
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
        let (answer, stop) = (answer.clone(), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
                let asked = match *request.method() {
                    Method::GET => answer(request.uri().path(), stop.is_cancelled()),
                    _ => Answer::plain(StatusCode::METHOD_NOT_ALLOWED, "GET only"),
                };
                async move { Ok::<_, Infallible>(reply(asked)) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(8 * 1024);
            // a scraper that goes away is no event
            let _ = stop.run_until_cancelled(http.serve_connection(TokioIo::new(stream), service)).await;
            drop(place);
        });
    }
}

fn reply(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.text)));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    response
}

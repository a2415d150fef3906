//! The sample on a socket: HTTP/1.1, JSON, and nothing to configure. Connections are bounded, and
//! those open when it is told to stop finish their answer first.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{SampleCatalogue, document};

/// Gives the catalogue as it stands now; asked once per call.
pub type CatalogueSource = Arc<dyn Fn() -> Arc<SampleCatalogue> + Send + Sync>;

const CONNECTIONS: usize = 512;
const HEADER_WAIT: Duration = Duration::from_secs(10);
/// Accepting fails when the process is out of file descriptors: wait for some to come back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `shutdown`, and returns when the last connection is closed.
pub async fn serve(listener: TcpListener, catalogue: CatalogueSource, shutdown: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = TaskTracker::new();
    while let Some((stream, permit)) = shutdown.run_until_cancelled(next(&listener, &room)).await.flatten() {
        connections.spawn(connection(stream, permit, Arc::clone(&catalogue), shutdown.clone()));
    }
    connections.close();
    connections.wait().await;
}

/// The next connection, once there is room for it; `None` if there never will be.
async fn next(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Some((stream, permit)),
            Err(error) => {
                tracing::debug!(%error, "sample upstream cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
    catalogue: CatalogueSource,
    shutdown: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "sample upstream keeps Nagle's delay");
    }
    let service = service_fn(|request| {
        let response = answer(&catalogue(), &request);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut connection = std::pin::pin!(
        hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_WAIT)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "sample connection ended");
    }
}

fn answer(catalogue: &SampleCatalogue, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let uri = request.uri();
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).or(uri.host()).unwrap_or("");
    match catalogue.find(host, request.method().as_str(), uri.path(), uri.query()) {
        Some(found) => json(StatusCode::OK, &document(found.resource, &found.operation.name, &found.parameters)),
        None => json(StatusCode::NOT_FOUND, &json!({"code": "404", "message": "no such sample"})),
    }
}

fn json(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

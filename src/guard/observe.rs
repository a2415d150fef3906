//! `/metrics`, `/healthz` and `/readyz`, on a socket of their own: nothing of any call is there.

use std::sync::Arc;

use hyper::StatusCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Guard;
use crate::observe::{self, Answer};

/// Serves until stopped.
pub async fn serve(guard: Arc<Guard>, listener: TcpListener, stop: CancellationToken) {
    observe::serve(move |path, stopping| answer(&guard, path, stopping), listener, stop).await;
}

fn answer(guard: &Guard, path: &str, stopping: bool) -> Answer {
    match path {
        "/metrics" => Answer::metrics(guard.render_metrics()),
        "/healthz" => Answer::is_so(guard.log.failure().is_none(), "ok", "the record has failed"),
        "/readyz" => Answer::is_so(guard.is_ready() && !stopping, "ready", "not ready"),
        _ => Answer::plain(StatusCode::NOT_FOUND, "/metrics, /healthz and /readyz are here"),
    }
}

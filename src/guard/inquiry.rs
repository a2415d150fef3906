//! The auditors' door: in a cluster, who may asks a guard for entries of its record, or for a copy of all of it, with the
//! identity that they have there anyway. The API server says who they are and whether they may; that they asked, and for
//! what, is on record before they read the first entry. Apart from the door of calls, and never in their way: few at once,
//! and all of it bounded.

mod access;
mod answer;
pub mod certificate;
pub mod identity;
mod problem;
pub mod wire;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use kube::Client;
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Guard;
use crate::clock::Stopwatch;
use access::{Asked, may};
use answer::Body;
use certificate::{Authority, Own};
use identity::{Identity, who};
use problem::Problem;
use wire::Question;

/// Connections at once; the rest waits in the kernel.
const CONNECTIONS: usize = 16;
/// Questions that are looked up at once: each reads the record with every core.
const AT_ONCE: usize = 2;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A head, and a body, must come in this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// No connection lasts longer, however slowly its answer is taken.
const LONGEST: Duration = Duration::from_mins(15);
/// A question is a few names and times.
const LARGEST: usize = 16 * 1024;
/// Accepting fails when the process is out of file descriptors: wait for some to come back.
const PAUSE: Duration = Duration::from_millis(50);

/// The door of one guard.
pub struct Inquiry {
    guard: Arc<Guard>,
    client: Client,
    /// Where the record is.
    log: PathBuf,
    own: Own,
    /// Whose client certificates are believed: those whom the API server believes.
    authority: Authority,
    looking: Arc<Semaphore>,
    refusals: Refusals,
}

/// Refusals of a while, since each is put on record: whoever may not ask cannot fill the disk by asking.
struct Refusals(Mutex<(Stopwatch, u32)>);

impl Refusals {
    const WHILE: Duration = Duration::from_secs(10);
    const MOST: u32 = 20;

    fn one_more(&self) -> bool {
        let mut refused = self.0.lock();
        if refused.0.elapsed() >= Self::WHILE {
            *refused = (Stopwatch::start(), 0);
        }
        refused.1 = refused.1.saturating_add(1);
        refused.1 <= Self::MOST
    }
}

impl Inquiry {
    #[must_use]
    pub fn new(guard: Arc<Guard>, client: Client, log: PathBuf, own: Own) -> Arc<Self> {
        let authority = Authority::new(client.clone());
        let refusals = Refusals(Mutex::new((Stopwatch::start(), 0)));
        Arc::new(Self { guard, client, log, own, authority, looking: Arc::new(Semaphore::new(AT_ONCE)), refusals })
    }

    /// Answers until stopped.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let next = async {
                let place = room.clone().acquire_owned().await.ok()?;
                Some((listener.accept().await, place))
            };
            let Some(Some((accepted, place))) = stop.run_until_cancelled(next).await else { return };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let (door, stop) = (self.clone(), stop.clone());
            tokio::spawn(async move {
                // who goes away in the middle of it is no event
                let _ = stop.run_until_cancelled(tokio::time::timeout(LONGEST, door.connection(stream, peer))).await;
                drop(place);
            });
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let config = match self.own.server(self.authority.roots().await) {
            Ok(config) => config,
            Err(error) => return tracing::warn!("auditors cannot be answered: {error}"),
        };
        let shaken = tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await;
        let Ok(Ok(stream)) = shaken else { return tracing::debug!("a TLS handshake with an auditor failed") };
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).map(|c| c.clone().into_owned());
        let service = service_fn(|request| {
            let (door, shown) = (self.clone(), shown.clone());
            async move { Ok::<_, Infallible>(door.answer(request, shown, peer).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(LARGEST);
        if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
            tracing::debug!(%error, "a connection of an auditor ended early");
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        shown: Option<CertificateDer<'static>>,
        peer: SocketAddr,
    ) -> Response<Body> {
        match self.look_up(request, shown, peer).await {
            Ok(response) => response,
            Err(problem) => problem.response(),
        }
    }

    async fn look_up(
        &self,
        request: Request<Incoming>,
        shown: Option<CertificateDer<'static>>,
        peer: SocketAddr,
    ) -> Result<Response<Body>, Problem> {
        let operation = match (request.method(), request.uri().path()) {
            (&Method::POST, wire::PATH) => "query",
            (&Method::POST, wire::COPY) => "copy",
            _ => return Err(Problem::NoSuchPlace),
        };
        if request.headers().keys().any(|name| name.as_str().starts_with("impersonate-")) {
            return Err(Problem::Impersonation);
        }
        let who: Identity = who(&self.client, request.headers(), shown.as_ref()).await?;
        let question = question(request).await?;
        let copies = operation == "copy";
        if copies && question != Question::default() {
            return Err(Problem::Question("a copy is of everything: send {}".to_owned()));
        }
        // before anything is on record: who is turned away here asks again
        let place = self.looking.clone().try_acquire_owned().map_err(|_| Problem::Busy)?;
        let asked = Asked { who: &who, operation, question: &question, peer: peer.ip() };
        let allowed = may(&self.client, &asked).await?;
        if !allowed && !self.refusals.one_more() {
            return Err(Problem::Busy);
        }
        let receipt = answer::record(&self.guard, &asked, allowed).await?;
        if !allowed {
            return Err(Problem::Forbidden { user: who.user, namespace: question.namespace });
        }
        if copies {
            return Ok(answer::copy(self.log.clone(), &receipt, place));
        }
        Ok(answer::stream(self.log.clone(), question, self.guard.site_key.clone(), &receipt, place))
    }
}

/// What is asked for; a word too many is an error.
async fn question(request: Request<Incoming>) -> Result<Question, Problem> {
    let body = Limited::new(request.into_body(), LARGEST).collect();
    let body =
        tokio::time::timeout(PATIENCE, body).await.map_err(|_| Problem::Question("it came too slowly".into()))?;
    let bytes: Bytes = body.map_err(|error| Problem::Question(error.to_string()))?.to_bytes();
    Question::read(&bytes).map_err(Problem::Question)
}

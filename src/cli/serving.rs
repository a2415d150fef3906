//! The threads that answer: workers of the guard, each with its own listener and runtime, and one
//! for metrics, signals and the sample upstream if there is one.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::audit::Log;
use crate::cli::sample::{self, CatalogueSource};
use crate::guard::{Guard, accept, observe};

/// Connections that may wait for a worker.
const BACKLOG: u32 = 1_024;
/// How often calls with unknown credentials are recorded together.
const FLUSH: Duration = Duration::from_secs(10);

/// The process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServingError {
    #[error("{address} cannot be listened on: {cause}; choose another with {flag}")]
    Bind { address: SocketAddr, flag: &'static str, cause: io::Error },
    #[error("{path}: {cause}; give a PEM file")]
    Tls { path: PathBuf, cause: String },
    #[error("the system gives no thread or event loop: {0}")]
    System(#[from] io::Error),
}

/// The record failed, or could not be ended.
#[derive(Debug, thiserror::Error)]
#[error("the record cannot be written any more, so nothing is served: {0}")]
pub struct RecordLost(String);

/// Ends the record, once nothing is answered any more.
pub fn close(log: &Log) -> Result<(), RecordLost> {
    let closed = log.close();
    if let Some(failure) = log.failure() {
        return Err(RecordLost(failure.to_string()));
    }
    closed.map(|_| ()).map_err(|_| RecordLost("its last entry could not be written".to_owned()))
}

/// Where a guard answers, and with how many workers.
#[derive(Clone, Copy, Debug)]
pub struct Doors<'a> {
    pub listen: SocketAddr,
    pub metrics: SocketAddr,
    /// `None`: one a core.
    pub threads: Option<u16>,
    /// Certificate chain and private key.
    pub tls: Option<(&'a Path, &'a Path)>,
}

/// Everything that listens.
pub struct Listeners {
    workers: Vec<StdListener>,
    metrics: StdListener,
    tls: Option<TlsAcceptor>,
}

/// Where the sample upstream answers.
pub struct SampleDoor {
    listener: StdListener,
    pub address: SocketAddr,
}

impl Listeners {
    pub fn bind(doors: &Doors<'_>) -> Result<Self, ServingError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = doors.threads.map_or(cores, usize::from);
        let first = bind(doors.listen, "--listen", true)?;
        let address = first.local_addr()?;
        let mut workers = vec![first];
        for _ in 1..threads {
            workers.push(bind(address, "--listen", true)?);
        }
        let metrics = bind(doors.metrics, "--metrics", false)?;
        let tls = doors.tls.map(|(cert, key)| acceptor(cert, key)).transpose()?;
        Ok(Self { workers, metrics, tls })
    }

    /// A place for the sample upstream.
    pub fn sample() -> Result<SampleDoor, ServingError> {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), "--listen", false)?;
        let address = listener.local_addr()?;
        Ok(SampleDoor { listener, address })
    }

    /// Serves until what `until` gives resolves, or `stop`; `ready` is called once when everything answers.
    pub fn serve<F: Future<Output = ()>>(
        self,
        guard: &Arc<Guard>,
        sample: Option<(SampleDoor, CatalogueSource)>,
        stop: &CancellationToken,
        until: impl FnOnce() -> io::Result<F>,
        ready: impl FnOnce(&str) -> io::Result<()>,
    ) -> Result<(), ServingError> {
        let address = self.workers.first().map(StdListener::local_addr).transpose()?;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut threads = Vec::new();
        for (number, listener) in self.workers.into_iter().enumerate() {
            let (guard, tls, stop) = (guard.clone(), self.tls.clone(), stop.clone());
            let name = format!("guard-{number}");
            threads.push(std::thread::Builder::new().name(name).spawn(move || work(&guard, listener, tls, &stop))?);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let result: io::Result<()> = runtime.block_on(async {
            let metrics = TcpListener::from_std(self.metrics)?;
            tracing::info!("metrics and health on http://{}", metrics.local_addr()?);
            let mut ended = pin!(until()?);
            let observing = tokio::spawn(observe::serve(guard.clone(), metrics, stop.clone()));
            let sampled = match sample {
                Some((door, catalogue)) => {
                    let listener = TcpListener::from_std(door.listener)?;
                    tokio::spawn(sample::serve(listener, catalogue, stop.clone()))
                }
                None => tokio::spawn(std::future::ready(())),
            };
            ready(&address.map_or_else(String::new, |address| format!("{scheme}://{address}")))?;
            let mut flush = tokio::time::interval(FLUSH);
            let mut failed = pin!(guard.log_failed());
            loop {
                tokio::select! {
                    () = &mut ended => break,
                    () = stop.cancelled() => break,
                    () = &mut failed => break,
                    _ = flush.tick() => guard.flush_unknown().await,
                }
            }
            stop.cancel();
            // both end at the same token
            let _ = tokio::join!(observing, sampled);
            Ok(())
        });
        stop.cancel();
        for thread in threads {
            // a worker that panicked has released nothing; the others have drained
            let _ = thread.join();
        }
        // also what came while they drained
        runtime.block_on(guard.flush_unknown());
        Ok(result?)
    }
}

/// Resolves at the first SIGINT or SIGTERM.
pub fn a_signal() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn work(guard: &Arc<Guard>, listener: StdListener, tls: Option<TlsAcceptor>, stop: &CancellationToken) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    guard.watch_thread(&mut runtime);
    let served = runtime.enable_all().build().and_then(|runtime| {
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            tokio::select! {
                () = accept::serve(guard.clone(), listener, tls, stop.clone()) => Ok(()),
                () = guard.relay_receipts() => Ok(()),
            }
        })
    });
    if let Err(error) = served {
        tracing::error!("a worker cannot serve: {error}");
        stop.cancel();
    }
}

pub(super) fn bind(address: SocketAddr, flag: &'static str, shared: bool) -> Result<StdListener, ServingError> {
    // tokio's sockets ask for its event loop, which each worker has anew
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    listen(address, shared).map_err(|cause| ServingError::Bind { address, flag, cause })
}

/// Several workers share one address; the kernel spreads connections over them.
fn listen(address: SocketAddr, shared: bool) -> io::Result<StdListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    if shared {
        // another process of ours must not silently share the calls: the lock of state or stream sees to that
        socket.set_reuseport(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, ServingError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |cause: String| ServingError::Tls { path, cause }
    };
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(cert).map_err(|e| fault(cert)(e.to_string()))?.collect();
    let chain = chain.map_err(|e| fault(cert)(e.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|e| fault(key)(e.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| fault(cert)(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|e| fault(cert)(e.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

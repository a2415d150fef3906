//! A way to the API server that has a bad day: answers come late, are refused, or are lost; watches expire, and events
//! are told twice. It speaks HTTP, so each fault is one that a real server or network makes.

mod watches;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::control_plane::{ControlPlane, Identity};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server refuses it.
    Status(u16),
    /// The connection ends before the server has it.
    Cut,
    /// The server does it, and nobody hears the answer.
    Lost,
}

type Answered = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// How the day is.
struct Weather {
    /// Milliseconds before any answer.
    delay: AtomicU64,
    /// Writes whose path has this in it come so much later.
    slow: Mutex<Option<(&'static str, Duration)>>,
    /// One in how many requests goes wrong, and how.
    fault: Mutex<Option<(u64, Fault)>>,
    asked: AtomicU64,
    faults: AtomicUsize,
    twice: AtomicBool,
    /// The newest version that was told.
    newest: AtomicU64,
    /// Nothing before this version is known any more; each time that it grows, all watches end.
    forgotten: watch::Sender<u64>,
}

/// Its threads end with it.
pub struct Faulty {
    address: SocketAddr,
    authority: String,
    weather: Arc<Weather>,
    runtime: Option<Runtime>,
}

impl Faulty {
    /// A way to this control plane, on a good day.
    pub fn to(plane: &ControlPlane) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let kubeconfig = Kubeconfig::read_from(plane.kubeconfig(None)).unwrap();
        let weather = Arc::new(Weather {
            delay: AtomicU64::new(0),
            slow: Mutex::new(None),
            fault: Mutex::new(None),
            asked: AtomicU64::new(0),
            faults: AtomicUsize::new(0),
            twice: AtomicBool::new(false),
            newest: AtomicU64::new(0),
            forgotten: watch::Sender::new(0),
        });
        let (listener, client) = runtime.block_on(async {
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), Client::try_from(config).unwrap())
        });
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), client, weather.clone()));
        Self { address, authority: made.cert.pem(), weather, runtime: Some(runtime) }
    }

    /// Every answer comes so much later.
    pub fn slow(&self, delay: Duration) {
        self.weather.delay.store(u64::try_from(delay.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Every write whose path has this in it comes so much later.
    pub fn slow_writes(&self, path: &'static str, delay: Duration) {
        *self.weather.slow.lock() = Some((path, delay));
    }

    /// One in `n` requests goes wrong. Which ones is without a rhythm: a client's work may have the same.
    pub fn one_in(&self, n: u64, fault: Fault) {
        *self.weather.fault.lock() = Some((n, fault));
    }

    /// Every event is told twice.
    pub fn twice(&self) {
        self.weather.twice.store(true, Ordering::SeqCst);
    }

    /// The server forgets everything before now: every watch that is open ends, and none goes on from where it was.
    pub fn expire(&self) {
        self.weather.forgotten.send_replace(self.weather.newest.load(Ordering::SeqCst));
    }

    /// A good day again.
    pub fn mend(&self) {
        self.slow(Duration::ZERO);
        *self.weather.fault.lock() = None;
        self.weather.twice.store(false, Ordering::SeqCst);
    }

    /// How many faults there were.
    pub fn faults(&self) -> usize {
        self.weather.faults.load(Ordering::SeqCst)
    }

    /// Somebody's kubeconfig that leads through here.
    pub fn kubeconfig(&self, plane: &ControlPlane, identity: Option<&Identity>) -> PathBuf {
        let given = plane.kubeconfig(identity);
        let mut config: Value = serde_json::from_str(&fs::read_to_string(&given).unwrap()).unwrap();
        let cluster = &mut config["clusters"][0]["cluster"];
        cluster["server"] = json!(format!("https://{}", self.address));
        cluster["certificate-authority-data"] = json!(STANDARD.encode(&self.authority));
        let own = given.with_extension(format!("{}.kubeconfig", self.address.port()));
        fs::write(&own, config.to_string()).unwrap();
        own
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, client: Client, weather: Arc<Weather>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (tls, client, weather) = (tls.clone(), client.clone(), weather.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let answer = service_fn(|request| answer(client.clone(), weather.clone(), request));
            // a connection that a fault ended is what was wanted
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(client: Client, weather: Arc<Weather>, request: Request<Incoming>) -> io::Result<Answered> {
    tokio::time::sleep(Duration::from_millis(weather.delay.load(Ordering::SeqCst))).await;
    let slow = *weather.slow.lock();
    if let Some((path, delay)) = slow
        && request.method() != hyper::Method::GET
        && request.uri().path().contains(path)
    {
        tokio::time::sleep(delay).await;
    }
    let number = weather.asked.fetch_add(1, Ordering::SeqCst) + 1;
    let fault = weather.fault.lock().filter(|(n, _)| scattered(number).is_multiple_of(*n)).map(|(_, fault)| fault);
    if fault.is_some() {
        weather.faults.fetch_add(1, Ordering::SeqCst);
    }
    match fault {
        Some(Fault::Status(code)) => return Ok(refused(code)),
        Some(Fault::Cut) => return Err(io::ErrorKind::ConnectionReset.into()),
        Some(Fault::Lost) | None => {}
    }
    let query = request.uri().query().unwrap_or_default();
    let watches = query.contains("watch=");
    let forgotten = weather.forgotten.subscribe();
    let from = query.split('&').find_map(|word| word.strip_prefix("resourceVersion=")?.parse::<u64>().ok());
    if watches && from.is_some_and(|from| from > 0 && from < *forgotten.borrow()) {
        return Ok(refused(410));
    }
    let (mut head, body) = request.into_parts();
    // the way beyond has its own
    head.headers.remove(HOST);
    head.headers.remove(AUTHORIZATION);
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let asked = Request::from_parts(head, Body::from(body.to_vec()));
    let answered = client.send(asked).await.map_err(io::Error::other)?;
    if fault == Some(Fault::Lost) {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let (mut head, body) = answered.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.remove(TRANSFER_ENCODING);
    let body = if watches && head.status == 200 {
        watches::told(body, weather.clone(), forgotten)
    } else {
        let whole = body.collect().await.map_err(io::Error::other)?.to_bytes();
        Full::new(whole).map_err(|never| match never {}).boxed_unsync()
    };
    Ok(Response::from_parts(head, body))
}

/// The same for the same number, and otherwise without order (splitmix64).
fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn refused(code: u16) -> Answered {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "reason": match code { 410 => "Expired", 429 => "TooManyRequests", _ => "InternalError" }, "message": "a bad day", "code": code});
    let body = Full::new(Bytes::from(status.to_string())).map_err(|never| match never {}).boxed_unsync();
    let response = Response::builder().status(code).header("content-type", "application/json");
    let response = if code == 429 { response.header("retry-after", "1") } else { response };
    response.body(body).unwrap()
}

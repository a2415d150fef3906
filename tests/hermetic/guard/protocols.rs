//! HTTP/2 with and without TLS, and TLS towards the upstream: the same answers, the same refusals.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http2;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::json;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::talk::{path, read_reply, request};
use super::upstream::{OWNERS, RELEASED, Upstream, json as answer};
use super::world::{Plan, token};

struct Identity {
    certificate: String,
    key: String,
}

impl Identity {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = vec![CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = builder.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    fn connector(&self, protocol: &[u8]) -> TlsConnector {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()).unwrap();
        let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

type Sender = http2::SendRequest<Full<Bytes>>;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn clear(address: SocketAddr) -> Sender {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn get(
    sender: &mut Sender,
    target: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> (StatusCode, Vec<String>, Bytes) {
    let mut request = Request::builder().uri(format!("http://guard{target}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    let mut names: Vec<String> = response.headers().keys().map(|name| name.as_str().to_owned()).collect();
    names.sort_unstable();
    (status, names, response.into_body().collect().await.unwrap().to_bytes())
}

#[test]
fn http2_gives_the_same_answers_and_refusals() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    runtime().block_on(async {
        let mut sender = clear(world.address).await;
        let bearer = format!("Bearer {}", token("deed-tax"));
        let known = ("authorization", bearer.as_str());
        let (status, names, body) = get(&mut sender, &path("1"), &[known], "").await;
        assert_eq!((status.as_u16(), &*body), (200, RELEASED.as_bytes()));
        assert_eq!(names, ["cache-control", "content-length", "content-type", "datashare-record", "date"]);

        for (target, headers, body, code) in [
            (path("1"), vec![], "", "credential-missing"),
            (path("1"), vec![known, known], "", "request-invalid"),
            (path("1"), vec![known, ("datashare-user", "a"), ("datashare-user", "a")], "", "request-invalid"),
            (path("1"), vec![known], "a body", "request-invalid"),
            (path("1"), vec![known, ("range", "bytes=0-1")], "", "request-invalid"),
            (path("%2e%2e"), vec![known], "", "request-invalid"),
            (path("1%2F2"), vec![known], "", "parameter-refused"),
            (path("all"), vec![known], "", "operation-not-granted"),
        ] {
            let (_, _, body) = get(&mut sender, &target, &headers, body).await;
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["code"], code, "{target} {headers:?}");
        }

        // many at once on one connection
        let calls = (0..40).map(|_| {
            let mut sender = sender.clone();
            let bearer = bearer.clone();
            tokio::spawn(async move { get(&mut sender, &path("1"), &[("authorization", &bearer)], "").await.0 })
        });
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(call.await.unwrap(), StatusCode::OK);
        }
    });
    assert_eq!(
        world.entries().1.values().filter(|entry| entry.bytes.is_some() && entry.status == Some(200)).count(),
        41
    );
}

#[test]
fn a_panic_ends_its_stream_and_no_other() {
    // an upstream that answers when it is told to
    let (reached, at_upstream) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel();
    let (reached, may_go) = (Mutex::new(reached), Mutex::new(may_go));
    let upstream = Upstream::new(move |_, stream| {
        // only the first is waited for
        let _ = reached.lock().send(());
        may_go.lock().recv().unwrap();
        stream.write_all(&answer(OWNERS)).is_ok()
    });
    let world = Plan::new(upstream.address).start();
    runtime().block_on(async {
        let mut sender = clear(world.address).await;
        let bearer = format!("Bearer {}", token("deed-tax"));
        let call = || {
            let head = Request::builder().uri(format!("http://guard{}", path("1"))).header("authorization", &bearer);
            head.body(Full::default()).unwrap()
        };
        let open = tokio::spawn(sender.send_request(call()));
        tokio::task::spawn_blocking(move || at_upstream.recv().unwrap()).await.unwrap();
        world.panic(true);
        let error = sender.send_request(call()).await.unwrap_err();
        world.panic(false);
        go.send(()).unwrap();
        assert_eq!(open.await.unwrap().unwrap().status(), StatusCode::OK, "beside {error}");
        go.send(()).unwrap();
        assert_eq!(sender.send_request(call()).await.unwrap().status(), StatusCode::OK);
    });
}

#[test]
fn tls_serves_both_protocols() {
    let identity = Identity::new();
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.tls = Some(identity.acceptor());
    let world = plan.start();
    runtime().block_on(async {
        let name = ServerName::try_from("localhost").unwrap();
        let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let stream = identity.connector(b"h2").connect(name.clone(), stream).await.unwrap();
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let bearer = format!("Bearer {}", token("deed-tax"));
        let (status, _, body) = get(&mut sender, &path("1"), &[("authorization", &bearer)], "").await;
        assert_eq!((status.as_u16(), &*body), (200, RELEASED.as_bytes()));

        let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let stream = identity.connector(b"http/1.1").connect(name, stream).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::builder().uri(path("1")).header("host", "guard").header("authorization", &bearer);
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
    });
    // plain text on a TLS port gets nothing
    let mut stream = TcpStream::connect(world.address).unwrap();
    stream.write_all(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes()).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(!String::from_utf8_lossy(&rest).contains("HTTP/1.1 200"));
}

#[test]
fn an_upstream_is_believed_only_with_the_named_certificate() {
    let (trusted, other) = (Identity::new(), Identity::new());
    let address = tls_upstream(&trusted);
    let mut plan = Plan::new(address);
    plan.resource["interface"]["upstream"] = json!({
        "url": format!("https://localhost:{}", address.port()), "timeout": "5s", "caRef": {"name": "ca", "key": "pem"},
    });
    let resource = plan.resource.clone();
    let world = plan.start();
    assert_eq!(world.get("deed-tax", "1").code(), "upstream-unreachable");
    world.secret("ca", "pem", &other.certificate);
    assert_eq!(world.get("deed-tax", "1").code(), "upstream-unreachable");
    world.secret("ca", "pem", &trusted.certificate);
    world.put_resource(&resource);
    let reply = world.get("deed-tax", "1");
    assert_eq!(String::from_utf8_lossy(&reply.body), RELEASED);
    let mut public = resource;
    public["interface"]["upstream"].as_object_mut().unwrap().remove("caRef");
    world.put_resource(&public);
    assert_eq!(world.get("deed-tax", "1").code(), "upstream-unreachable");
}

/// Answers as the usual upstream does, behind TLS.
fn tls_upstream(identity: &Identity) -> SocketAddr {
    let plain = Upstream::usual();
    let acceptor = identity.acceptor();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        runtime().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut tls) = acceptor.accept(stream).await else { continue };
                let mut onward = tokio::net::TcpStream::connect(plain.address).await.unwrap();
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut tls, &mut onward).await });
            }
        });
    });
    address
}

#[test]
fn a_reply_is_read_as_it_was_written() {
    let mut bytes: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nokmore";
    let reply = read_reply(&mut bytes, false).unwrap();
    assert_eq!((reply.status, &*reply.body, reply.header("x")), (200, b"ok".as_slice(), Some("y")));
    assert_eq!(bytes, b"more");
}

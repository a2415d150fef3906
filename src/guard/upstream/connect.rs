//! One new connection to an upstream: name, TCP, TLS, HTTP/1.1, all within one time limit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::failure::Failure;

/// Handle of an open connection: one call at a time.
pub type Sender = http1::SendRequest<Empty<Bytes>>;

/// Most bytes of an answer's head, and of its body read ahead.
const READ_BUFFER: usize = 256 * 1024;

/// Where and how to connect.
#[derive(Debug)]
pub struct Connector {
    pub host: Box<str>,
    pub port: u16,
    /// Connect here instead of asking for the host's address.
    pub instead: Option<SocketAddr>,
    pub tls: Option<Arc<ClientConfig>>,
    pub timeout: Duration,
}

impl Connector {
    /// Connects, or says that the upstream cannot be reached; the cause goes to the operator's log.
    pub async fn connect(&self) -> Result<Sender, Failure> {
        let connected = tokio::time::timeout(self.timeout, self.open()).await;
        connected.unwrap_or_else(|_| {
            tracing::debug!(host = &*self.host, port = self.port, "upstream does not accept in time");
            Err(Failure::Unreachable)
        })
    }

    async fn open(&self) -> Result<Sender, Failure> {
        let tcp = match self.instead {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect((&*self.host, self.port)).await,
        };
        let tcp = tcp.and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp)).map_err(|error| self.unreachable(&error))?;
        let Some(tls) = &self.tls else { return handshake(TokioIo::new(tcp)).await };
        let name = ServerName::try_from(&*self.host).map_err(|error| self.unreachable(&error))?.to_owned();
        let stream = TlsConnector::from(tls.clone()).connect(name, tcp).await;
        handshake(TokioIo::new(stream.map_err(|error| self.unreachable(&error))?)).await
    }

    fn unreachable(&self, error: &impl std::fmt::Display) -> Failure {
        tracing::debug!(host = &*self.host, port = self.port, %error, "upstream cannot be reached");
        Failure::Unreachable
    }
}

async fn handshake<T>(io: T) -> Result<Sender, Failure>
where
    T: Read + Write + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(READ_BUFFER).max_headers(100).writev(false);
    let (sender, connection) = builder.handshake(io).await.map_err(|_| Failure::Unreachable)?;
    tokio::spawn(async move {
        // what goes wrong here, the call that waits for the answer is told
        let _ = connection.await;
    });
    Ok(sender)
}

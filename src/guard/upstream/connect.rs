//! A new connection to a provider.

use std::time::Duration;

use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::endpoint::{Address, Endpoint};
use super::{Sender, unreachable};
use crate::judge::refusal::Refusal;

const CONNECT: Duration = Duration::from_secs(5);
/// Header section of an answer.
const MAX_HEAD: usize = 64 * 1024;

pub async fn connect(endpoint: &Endpoint) -> Result<Sender, Refusal> {
    match tokio::time::timeout(CONNECT.min(endpoint.timeout), open(endpoint)).await {
        Ok(sender) => sender,
        Err(_) => Err(unreachable("connecting to the provider took too long")),
    }
}

async fn open(endpoint: &Endpoint) -> Result<Sender, Refusal> {
    let stream = match &endpoint.address {
        Address::Name(name, port) => TcpStream::connect((name.as_str(), *port)).await,
        Address::Socket(socket) => TcpStream::connect(socket).await,
    };
    let stream = stream.map_err(|_| unreachable("the provider does not accept connections"))?;
    // a small request must not wait for another
    stream.set_nodelay(true).map_err(|_| unreachable("the connection to the provider broke"))?;
    match &endpoint.tls {
        None => handshake(TokioIo::new(stream)).await,
        Some((config, name)) => {
            let connecting = TlsConnector::from(config.clone()).connect(name.clone(), stream);
            let stream = connecting.await.map_err(|_| unreachable("the provider's certificate is not trusted"))?;
            handshake(TokioIo::new(stream)).await
        }
    }
}

async fn handshake<T: Read + Write + Unpin + Send + 'static>(io: T) -> Result<Sender, Refusal> {
    let made = http1::Builder::new().max_buf_size(MAX_HEAD * 8).max_headers(100).handshake(io).await;
    let (sender, connection) = made.map_err(|_| unreachable("the connection to the provider broke"))?;
    // ends when the sender is dropped or the provider closes
    tokio::spawn(connection);
    Ok(sender)
}

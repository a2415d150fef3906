//! One guard's answer, taken to its end into a file that nobody else sees.

use std::fs::File;
use std::io::{BufWriter, Seek as _, Write as _};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Missing;
use super::caller::Caller;
use super::guards::{Guard, Told};
use crate::audit::MAX_LINE;
use crate::cli::audit::plain;
use crate::guard::inquiry::wire::{End, PATH, Question, SERVER_NAME, refusal};

/// To be reached, and to begin to answer; whoever asks at the same time is waited for.
const CONNECT: Duration = Duration::from_secs(10);
const BEGIN: Duration = Duration::from_mins(1);
/// Between two pieces of an answer.
const BETWEEN: Duration = Duration::from_mins(1);
const LONGEST_REFUSAL: usize = 64 * 1024;

/// A whole answer.
pub struct Part {
    pub guard: String,
    /// Its entries, one a line; to be read from the beginning.
    pub lines: File,
    pub end: End,
}

pub async fn ask(caller: &Caller, guard: &Guard, question: &Question) -> Result<Part, Missing> {
    let door = match &guard.told {
        Told::Gone => return Err(Missing::Gone),
        Told::NoDoor => return Err(Missing::NoDoor),
        Told::Door(door) => door,
    };
    let place = guard.way.clone().or_else(|| door.address.map(|address| address.to_string()));
    let place = place.ok_or(Missing::NoAddress)?;
    let unreached = |why: String| Missing::Unreached(place.clone(), why);
    let tls = caller.tls(&door.certificate).map_err(unreached)?;
    let connect = async {
        let stream = TcpStream::connect(&place).await.map_err(|error| error.to_string())?;
        let name = ServerName::try_from(SERVER_NAME).map_err(|error| error.to_string())?;
        let stream = TlsConnector::from(tls).connect(name, stream).await.map_err(|error| error.to_string())?;
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())
    };
    let connected = timeout(CONNECT, connect).await.map_err(|_| unreached("no answer in time".to_owned()))?;
    let (mut sender, connection) = connected.map_err(unreached)?;
    let connection = tokio::spawn(connection);
    let body = serde_json::to_vec(question).unwrap_or_default();
    let mut request = Request::post(PATH).header(HOST, SERVER_NAME).header(CONTENT_TYPE, "application/json");
    if let Some(authorization) = &caller.authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|error| unreached(error.to_string()))?;
    let answered = timeout(BEGIN, sender.send_request(request)).await;
    let answered = answered.map_err(|_| Missing::BrokeOff("no answer in time".to_owned()))?;
    let response = answered.map_err(|error| Missing::BrokeOff(error.to_string()))?;
    let part = if response.status() == 200 { take(guard, response).await } else { Err(refused(response).await) };
    connection.abort();
    part
}

async fn refused(response: Response<Incoming>) -> Missing {
    let status = response.status();
    let body = timeout(BETWEEN, Limited::new(response.into_body(), LONGEST_REFUSAL).collect()).await;
    let bytes = body.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let detail = refusal(&bytes).unwrap_or_else(|| "it does not say why".to_owned());
    Missing::Refused(format!("{} ({})", plain(&detail), status.as_u16()))
}

async fn take(guard: &Guard, response: Response<Incoming>) -> Result<Part, Missing> {
    let broke = |error: &dyn std::fmt::Display| Missing::BrokeOff(error.to_string());
    let mut body = response.into_body();
    let mut lines = BufWriter::new(tempfile::tempfile().map_err(|error| broke(&error))?);
    let mut rest = BytesMut::new();
    let mut end = None;
    loop {
        let frame = timeout(BETWEEN, body.frame()).await.map_err(|_| broke(&"nothing comes any more"))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| broke(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        rest.extend_from_slice(&data);
        while let Some(at) = memchr::memchr(b'\n', &rest) {
            let line = rest.split_to(at + 1);
            if end.is_some() {
                return Err(broke(&"it goes on after its end"));
            }
            match End::read(line.trim_ascii_end()) {
                Some(read) => end = Some(read.map_err(|error| broke(&error))?),
                None => lines.write_all(&line).map_err(|error| broke(&error))?,
            }
        }
        if rest.len() > MAX_LINE + 1 {
            return Err(broke(&"a line is longer than an entry can be"));
        }
    }
    let end = end.filter(|_| rest.is_empty()).ok_or_else(|| broke(&"it has no end"))?;
    if end.more {
        return Err(Missing::More);
    }
    let mut lines = lines.into_inner().map_err(|error| broke(&error))?;
    lines.rewind().map_err(|error| broke(&error))?;
    Ok(Part { guard: guard.name.clone(), lines, end })
}

//! One guard's answer, taken to its end: entries into a file that nobody else sees, or its record into a copy.

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
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Missing;
use super::caller::Caller;
use super::guards::{Guard, Told};
use crate::audit::MAX_LINE;
use crate::audit::copy::{self, Copy};
use crate::cli::audit::plain;
use crate::guard::inquiry::wire::{COPY, End, PATH, Piece, Question, SERVER_NAME, refusal};

/// To be reached, and to begin to answer; whoever asks at the same time is waited for.
const CONNECT: Duration = Duration::from_secs(10);
const BEGIN: Duration = Duration::from_mins(1);
/// Between two pieces of an answer.
const BETWEEN: Duration = Duration::from_mins(1);
const LONGEST_REFUSAL: usize = 64 * 1024;
/// The line before a piece of a file is no longer.
const LONGEST_NAME: usize = 1024;

/// A whole answer.
pub struct Part {
    pub guard: String,
    /// Its entries, one a line; to be read from the beginning.
    pub lines: File,
    pub end: End,
}

/// Asks for entries.
pub async fn ask(caller: &Caller, guard: &Guard, question: &Question) -> Result<Part, Missing> {
    let (response, _connection) = put(caller, guard, PATH, question).await?;
    take(guard, response).await
}

/// Asks for the whole record, and adds it to a copy; gives how many bytes came.
pub async fn fetch(caller: &Caller, guard: &Guard, copy: &Copy, step: impl Fn(u64)) -> Result<u64, Missing> {
    let (response, _connection) = put(caller, guard, COPY, &Question::default()).await?;
    take_files(response, copy, step).await
}

/// Puts a question to a guard; the answer comes as long as the connection is held.
async fn put(
    caller: &Caller,
    guard: &Guard,
    path: &str,
    question: &Question,
) -> Result<(Response<Incoming>, JoinSet<()>), Missing> {
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
    let mut held = JoinSet::new();
    // what ends it early is seen in the answer
    held.spawn(async move { drop(connection.await) });
    let body = serde_json::to_vec(question).unwrap_or_default();
    let mut request = Request::post(path).header(HOST, SERVER_NAME).header(CONTENT_TYPE, "application/json");
    if let Some(authorization) = &caller.authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|error| unreached(error.to_string()))?;
    let answered = timeout(BEGIN, sender.send_request(request)).await;
    let answered = answered.map_err(|_| Missing::BrokeOff("no answer in time".to_owned()))?;
    let response = answered.map_err(|error| Missing::BrokeOff(error.to_string()))?;
    if response.status() == 200 { Ok((response, held)) } else { Err(refused(response).await) }
}

async fn refused(response: Response<Incoming>) -> Missing {
    let status = response.status();
    let body = timeout(BETWEEN, Limited::new(response.into_body(), LONGEST_REFUSAL).collect()).await;
    let bytes = body.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let detail = refusal(&bytes).unwrap_or_else(|| "it does not say why".to_owned());
    Missing::Refused(format!("{} ({})", plain(&detail), status.as_u16()))
}

/// Files as they come, piece by piece.
#[derive(Default)]
struct Pieces {
    rest: BytesMut,
    /// The piece whose bytes are to come.
    next: Option<Piece>,
    taken: u64,
    end: Option<End>,
}

impl Pieces {
    /// Adds what is whole of it to the copy.
    fn take(&mut self, data: &[u8], copy: &Copy) -> Result<(), String> {
        self.rest.extend_from_slice(data);
        loop {
            if let Some(piece) = &self.next {
                if self.rest.len() < piece.bytes {
                    return Ok(());
                }
                let bytes = self.rest.split_to(piece.bytes);
                copy.take(&piece.stream, &piece.file, &bytes).map_err(|error| error.to_string())?;
                self.taken += bytes.len() as u64;
                self.next = None;
            }
            let Some(at) = memchr::memchr(b'\n', &self.rest) else {
                let long = self.rest.len() > LONGEST_NAME;
                return if long { Err("it is no copy of a record".to_owned()) } else { Ok(()) };
            };
            let line = self.rest.split_to(at + 1);
            if self.end.is_some() {
                return Err("it goes on after its end".to_owned());
            }
            if let Some(end) = End::read(line.trim_ascii_end()) {
                self.end = Some(end.map_err(|error| error.to_string())?);
                continue;
            }
            let piece = Piece::read(&line).map_err(|error| error.to_string())?;
            if piece.bytes > copy::TOGETHER {
                return Err("a piece of it is too long".to_owned());
            }
            self.next = Some(piece);
        }
    }

    /// How many bytes there were, if that is all of it.
    fn end(self) -> Result<u64, String> {
        let whole = self.rest.is_empty() && self.next.is_none();
        let end = self.end.filter(|end| whole && end.found == self.taken);
        end.map(|end| end.found).ok_or_else(|| "it has no end".to_owned())
    }
}

async fn take_files(response: Response<Incoming>, copy: &Copy, step: impl Fn(u64)) -> Result<u64, Missing> {
    let mut body = response.into_body();
    let mut pieces = Pieces::default();
    loop {
        let frame = timeout(BETWEEN, body.frame()).await;
        let frame = frame.map_err(|_| Missing::BrokeOff("nothing comes any more".to_owned()))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| Missing::BrokeOff(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        step(data.len() as u64);
        pieces.take(&data, copy).map_err(Missing::BrokeOff)?;
    }
    pieces.end().map_err(Missing::BrokeOff)
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

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn sent(pieces: &[(String, Vec<u8>)], end: u64) -> Vec<u8> {
        let mut all = Vec::new();
        for (stream, bytes) in pieces {
            let piece = Piece { stream: stream.clone(), file: "checkpoints.jsonl".to_owned(), bytes: bytes.len() };
            all.extend(piece.line());
            all.extend(bytes);
        }
        all.extend(End { found: end, ..End::default() }.line());
        all
    }

    fn took(sent: &[u8], cut: usize, folder: &std::path::Path) -> Result<u64, String> {
        let copy = Copy::new(folder).unwrap();
        let mut pieces = Pieces::default();
        for part in sent.chunks(cut) {
            pieces.take(part, &copy)?;
        }
        pieces.end()
    }

    proptest! {
        #[test]
        fn what_is_sent_arrives_however_it_is_cut_and_a_part_is_never_the_whole(
            pieces in prop::collection::vec(("[a-c]", prop::collection::vec(any::<u8>(), 0..300)), 0..6), cut in 1usize..400, short in 1usize..200,
        ) {
            let total: u64 = pieces.iter().map(|(_, bytes)| bytes.len() as u64).sum();
            let all = sent(&pieces, total);
            let folder = tempfile::tempdir().unwrap();
            prop_assert_eq!(took(&all, cut, folder.path()), Ok(total));
            for stream in ["a", "b", "c"] {
                let expected: Vec<u8> = pieces.iter().filter(|(name, _)| name == stream).flat_map(|(_, b)| b.clone()).collect();
                let arrived = fs::read(folder.path().join(stream).join("checkpoints.jsonl")).unwrap_or_default();
                prop_assert_eq!(arrived, expected);
            }
            let other = tempfile::tempdir().unwrap();
            prop_assert!(took(&all[..all.len().saturating_sub(short)], cut, other.path()).is_err());
            prop_assert!(took(&sent(&pieces, total + 1), cut, tempfile::tempdir().unwrap().path()).is_err());
        }

        #[test]
        fn any_bytes_are_a_copy_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let folder = tempfile::tempdir().unwrap();
            prop_assert!(took(&bytes, 7, folder.path()).is_err());
        }
    }
}

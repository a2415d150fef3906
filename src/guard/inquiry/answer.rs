//! The entry that tells of a question, and what answers it: read from the record while it is taken, so that an answer
//! holds no more memory than a few pieces.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tokio::sync::mpsc;

use super::super::Guard;
use super::access::Asked;
use super::problem::Problem;
use super::wire::{End, MOST, Piece, Question};
use crate::audit::copy;
use crate::audit::{Entry, Event, Outcome, Parameter, Person, Receipt, SiteKey, query};

/// Lines that are sent together.
const TOGETHER: usize = 64 * 1024;
/// Such pieces that wait for the reader.
const WAITING: usize = 4;

/// A body that comes piece by piece, or at once.
pub enum Body {
    Whole(Option<Bytes>),
    Pieces(mpsc::Receiver<Bytes>),
}

impl Body {
    pub fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(pieces) => pieces.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
        }
    }
}

/// Puts on record who asked for what, and whether it is answered.
pub async fn record(guard: &Guard, asked: &Asked<'_>, allowed: bool) -> Result<Receipt, Problem> {
    let retain = guard.retentions.day_at_least(guard);
    let pending = {
        let parameters = asked.question.parameters(&guard.site_key);
        let parameters: Vec<Parameter<'_>> = parameters.iter().map(|(name, value)| Parameter { name, value }).collect();
        let mut entry = Entry::<&str>::new(Event::Audit);
        entry.user = Some(&asked.who.user);
        entry.source = Some(asked.peer);
        entry.operation = Some(asked.operation);
        entry.parameters = &parameters;
        entry.outcome = Some(if allowed { Outcome::Released } else { Outcome::Refused });
        entry.code = (!allowed).then_some("forbidden");
        entry.status = Some(if allowed { 200 } else { 403 });
        entry.retain = Some(retain);
        guard.log.append(&entry)
    };
    pending.await.map_err(|error| Problem::Unrecorded(error.to_string()))
}

/// Answers with every entry asked for, and the end.
pub fn stream(log: PathBuf, question: Question, key: SiteKey, receipt: &Receipt, place: Place) -> Response<Body> {
    let (out, pieces) = mpsc::channel(WAITING);
    // reading blocks, and so does waiting for a slow reader; it ends with the connection
    tokio::task::spawn_blocking(move || {
        let person = question.person.as_deref().map(|value| Person::new(value, &key));
        let mut lines = Lines { out, piece: Vec::with_capacity(TOGETHER), count: 0 };
        let ended = query::run(&log, &question.filter(person), question.limit, &mut |found| lines.add(&found.line));
        let end = match ended {
            Ok(summary) => End::of(&summary),
            Err(query::QueryError::Write(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                End { found: MOST, more: true, ..End::default() }
            }
            // without its end nobody takes the answer for whole
            Err(error) => return tracing::warn!("an auditor's question was not answered to its end: {error}"),
        };
        lines.piece.extend_from_slice(&end.line());
        // nobody listens any more: then it does not matter
        let _ = lines.send();
        drop(place);
    });
    coming(pieces, "application/jsonl", receipt)
}

/// Answers with all files of the record, and the end.
pub fn copy(log: PathBuf, receipt: &Receipt, place: Place) -> Response<Body> {
    let (out, pieces) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut bytes = 0;
        let send = |bytes: Vec<u8>| -> io::Result<()> {
            out.blocking_send(Bytes::from(bytes)).map_err(|_| io::ErrorKind::BrokenPipe.into())
        };
        let given = copy::give(&log, &mut |stream, file, more| {
            let piece = Piece { stream: stream.to_owned(), file: file.to_owned(), bytes: more.len() };
            let mut whole = piece.line();
            whole.extend_from_slice(more);
            bytes += more.len() as u64;
            send(whole)
        });
        match given {
            // nobody listens any more: then it does not matter
            Ok(()) => drop(send(End { found: bytes, ..End::default() }.line())),
            Err(error) => tracing::warn!("an auditor's copy of the record was not given to its end: {error}"),
        }
        drop(place);
    });
    coming(pieces, "application/octet-stream", receipt)
}

fn coming(pieces: mpsc::Receiver<Bytes>, form: &'static str, receipt: &Receipt) -> Response<Body> {
    let mut response = Response::new(Body::Pieces(pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(receipt) = HeaderValue::try_from(receipt.to_string()) {
        headers.insert("datashare-record", receipt);
    }
    response
}

/// Room for one more look at the record, until it is dropped.
pub type Place = tokio::sync::OwnedSemaphorePermit;

struct Lines {
    out: mpsc::Sender<Bytes>,
    piece: Vec<u8>,
    count: u64,
}

impl Lines {
    fn add(&mut self, line: &str) -> io::Result<()> {
        if self.count == MOST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.count += 1;
        self.piece.extend_from_slice(line.as_bytes());
        self.piece.push(b'\n');
        if self.piece.len() >= TOGETHER { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(TOGETHER));
        self.out.blocking_send(Bytes::from(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

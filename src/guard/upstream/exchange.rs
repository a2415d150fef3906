//! One call upstream, within one time limit. It is sent again only when a connection that had waited
//! turns out to be closed: if nothing was written, or if asking twice means the same as asking once.

use std::pin::pin;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::{Body, Bytes, Incoming};
use hyper::{Method, Request, Response};

use super::answer::{self, Fetched};
use super::failure::Failure;
use super::pool::Taken;
use super::request::Outgoing;
use super::route::Route;
use crate::clock::Stopwatch;

/// An answer of no use may take this long to end before its connection is given up.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// How a call upstream went.
#[derive(Debug)]
pub struct Exchange {
    /// The status, if an answer began.
    pub status: Option<u16>,
    pub took: Duration,
    pub result: Result<Fetched, Failure>,
}

impl Route {
    /// Sends one call and reads its answer, of at most `limit` body bytes.
    pub async fn fetch(&self, outgoing: &Outgoing<'_>, limit: usize) -> Exchange {
        let started = Stopwatch::start();
        let mut status = None;
        let answered = {
            // large: it stays where it is, instead of being moved into its time limit
            let exchange = pin!(self.exchange(outgoing, limit, started, &mut status));
            tokio::time::timeout_at(started.after(self.timeout).into(), exchange).await
        };
        let ended = Stopwatch::start();
        let result = answered.unwrap_or(Err(Failure::Timeout)).map(|(fetched, taken)| {
            self.pool.put(taken, ended);
            fetched
        });
        Exchange { status, took: ended.since(started), result }
    }

    async fn exchange(
        &self,
        outgoing: &Outgoing<'_>,
        limit: usize,
        started: Stopwatch,
        status: &mut Option<u16>,
    ) -> Result<(Fetched, Taken), Failure> {
        let (response, taken) = self.send(outgoing, started).await?;
        let code = response.status().as_u16();
        *status = Some(code);
        let judged = answer::admissible(code, response.headers());
        let mut body = response.into_body();
        if let Err(failure) = judged {
            self.discard(body, taken);
            return Err(failure);
        }
        let bytes = answer::collect(&mut body, limit).await?;
        Ok((if code == 204 { Fetched::NoContent } else { Fetched::Json(bytes) }, taken))
    }

    async fn send(&self, outgoing: &Outgoing<'_>, started: Stopwatch) -> Result<(Response<Incoming>, Taken), Failure> {
        let message = outgoing.message(self).ok_or(Failure::NotSetUp)?;
        let again = message.method() == Method::GET;
        let mut taken = self.pool.take(started).await?;
        let mut error = match taken.sender.try_send_request(message).await {
            Ok(response) => return Ok((response, taken)),
            Err(error) => error,
        };
        let unsent: Option<Request<Empty<Bytes>>> = error.take_message();
        let error = error.into_error();
        let repeatable = unsent.is_some() || (again && !error.is_parse());
        if !taken.reused || !repeatable {
            return Err(failure(&error));
        }
        let message = unsent.or_else(|| outgoing.message(self)).ok_or(Failure::NotSetUp)?;
        let mut taken = self.pool.renew(taken).await?;
        match taken.sender.try_send_request(message).await {
            Ok(response) => Ok((response, taken)),
            Err(error) => Err(failure(error.error())),
        }
    }

    /// Keeps the connection if the rest of an answer of no use is little and comes soon.
    fn discard(&self, body: Incoming, taken: Taken) {
        if body.is_end_stream() {
            self.pool.put(taken, Stopwatch::start());
            return;
        }
        let pool = self.pool.clone();
        tokio::spawn(async move {
            if let Ok(true) = tokio::time::timeout(DISCARD_TIME, answer::discard(body)).await {
                pool.put(taken, Stopwatch::start());
            }
        });
    }
}

fn failure(error: &hyper::Error) -> Failure {
    if error.is_parse() { Failure::Broken } else { Failure::Unreachable }
}

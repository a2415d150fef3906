//! The last step: the only functions that make an answer for a caller. Each takes by value what must
//! have happened before, so that a path which forgets the permit, the projection or the record does
//! not compile.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::answer::Answer;
use super::headers::UNKNOWN;
use super::introspection::Description;
use super::problem;
use super::record::{Refused, Released};
use crate::audit::Receipt;
use crate::judge::permit::Permit;
use crate::judge::refusal::{Code, Refusal};

const RECORD: HeaderName = HeaderName::from_static("datashare-record");

/// An answer ready to be written.
pub type Reply = Response<Full<Bytes>>;

/// Refusals of callers whose credential is not known, or that cannot be recorded: all that may be said
/// without a receipt.
#[derive(Debug)]
pub enum Unrecorded {
    ViewStale,
    NoCredential(Refusal),
    CredentialInvalid,
    RecordUnavailable,
}

impl Unrecorded {
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::ViewStale => Code::ViewStale,
            Self::NoCredential(refusal) => refusal.code,
            Self::CredentialInvalid => Code::CredentialInvalid,
            Self::RecordUnavailable => Code::RecordUnavailable,
        }
    }
}

impl From<Unrecorded> for Refusal {
    fn from(reason: Unrecorded) -> Self {
        match reason {
            Unrecorded::ViewStale => {
                Self::new(Code::ViewStale, "the guard cannot prove that its view is recent; try again later")
            }
            Unrecorded::NoCredential(refusal) => refusal,
            Unrecorded::CredentialInvalid => Self::new(Code::CredentialInvalid, UNKNOWN),
            Unrecorded::RecordUnavailable => {
                Self::new(Code::RecordUnavailable, "what cannot be recorded is not answered; try again later")
            }
        }
    }
}

/// Lets an answer out.
pub fn release(_: Permit, answer: Answer, entry: &Released) -> Reply {
    let (status, body) = match answer.into_body() {
        Some(body) => (StatusCode::OK, body),
        None => (StatusCode::NO_CONTENT, Bytes::new()),
    };
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    if status == StatusCode::OK {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    record(&mut reply, entry.receipt());
    reply
}

/// Says why there is no answer, to a caller whose call is on record.
pub fn refuse(refusal: &Refusal, retry_after: Option<Duration>, entry: &Refused) -> Reply {
    let mut reply = problem::response(refusal, retry_after);
    record(&mut reply, entry.receipt());
    reply
}

/// Says why there is no answer where nothing can be on record.
pub fn refuse_unrecorded(reason: Unrecorded) -> Reply {
    problem::response(&reason.into(), None)
}

/// Tells a holder what its own grant says; no data of the provider is in it.
pub fn describe(description: &Description<'_>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(description.to_json())));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

fn record(reply: &mut Reply, receipt: &Receipt) {
    // a stream's name is a-z, 0-9 and -, so its receipt is a header value
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(receipt.to_bytes())) {
        reply.headers_mut().insert(RECORD, value);
    }
}

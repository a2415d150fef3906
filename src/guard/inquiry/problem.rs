//! Why an auditor gets no answer: a closed set of codes, each with what to do.

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde_json::json;

use super::answer::Body;
use super::wire::{COPY, PATH, RESOURCE};

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("there are only POST {PATH} and POST {COPY} here")]
    NoSuchPlace,
    #[error("a guard answers people as themselves: ask without impersonation (--as)")]
    Impersonation,
    #[error("the question cannot be read: {0}")]
    Question(String),
    #[error("say who you are: with the bearer token or the client certificate with which you speak to the API server")]
    Nobody,
    #[error("the API server does not know this token; log in again")]
    Unknown,
    #[error("{} may not get {}.{}{}; bind the ClusterRole datashare-auditor to them", .user, RESOURCE.1, RESOURCE.0, place(.namespace.as_deref()))]
    Forbidden { user: String, namespace: Option<String> },
    #[error("others are asking; try again in a moment")]
    Busy,
    #[error("the API server does not say who may ask: {0}")]
    Unreviewed(String),
    #[error("that you ask cannot be put on record, so nothing is answered: {0}")]
    Unrecorded(String),
}

fn place(namespace: Option<&str>) -> String {
    namespace.map_or_else(
        || " of every namespace (ask for those of one with --namespace)".to_owned(),
        |namespace| format!(" of the namespace {namespace}"),
    )
}

impl Problem {
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoSuchPlace => (StatusCode::NOT_FOUND, "no-such-place"),
            Self::Impersonation => (StatusCode::BAD_REQUEST, "impersonation"),
            Self::Question(_) => (StatusCode::BAD_REQUEST, "question-invalid"),
            Self::Nobody => (StatusCode::UNAUTHORIZED, "identity-missing"),
            Self::Unknown => (StatusCode::UNAUTHORIZED, "identity-invalid"),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, "busy"),
            Self::Unreviewed(_) => (StatusCode::SERVICE_UNAVAILABLE, "review-unavailable"),
            Self::Unrecorded(_) => (StatusCode::SERVICE_UNAVAILABLE, "record-unavailable"),
        }
    }

    /// As RFC 9457 says.
    pub fn response(&self) -> Response<Body> {
        let (status, code) = self.code();
        let problem = json!({
            "type": format!("https://datashare.dev/problems/{code}"), "title": code.replace('-', " "),
            "status": status.as_u16(), "code": code, "detail": self.to_string(),
        });
        let mut response = Response::new(Body::whole(Bytes::from(problem.to_string())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

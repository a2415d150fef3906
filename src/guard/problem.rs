//! Refusals as RFC 9457 problems. Nothing of what the caller or the provider sent is in them.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use crate::audit::Receipt;
use crate::judge::refusal::{Code, Refusal};

/// Body of every answer.
pub type Body = Full<Bytes>;

/// The problem for a refusal. `receipt` is there for every refusal of a known credential.
pub fn problem(refusal: &Refusal, receipt: Option<&Receipt>, retry_after: Option<i64>) -> Response<Body> {
    let code = refusal.code;
    let body = serde_json::json!({
        "type": format!("https://datashare.dev/problems/{}", code.as_str()),
        "title": code.title(),
        "status": code.status(),
        "code": code.as_str(),
        "detail": refusal.detail,
    });
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(receipt) = receipt.and_then(|r| HeaderValue::try_from(r.to_string()).ok()) {
        headers.insert("datashare-record", receipt);
    }
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if matches!(code, Code::CredentialMissing | Code::CredentialInvalid | Code::CredentialExpired) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"datashare\""));
    }
    response
}

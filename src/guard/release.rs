//! Steps 7 to 9: what of the provider's answer may go out, and the only function that lets it out.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::problem::Body;
use super::upstream::Answer;
use crate::audit::Receipt;
use crate::fields::Scratch;
use crate::judge::permit::Permit;
use crate::judge::refusal::{Code, Refusal};

/// What would be released: made under a permit, let out with a receipt.
#[derive(Debug)]
pub enum Projected {
    Json {
        body: Vec<u8>,
        items: u64,
        digest: [u8; 32],
    },
    /// The provider answered 204.
    Nothing,
}

/// Projects the provider's answer to the granted fields, or refuses it whole.
pub fn project(permit: &Permit, answer: &Answer, scratch: &mut Scratch) -> Result<Projected, Refusal> {
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NO_CONTENT => return Ok(Projected::Nothing),
        StatusCode::NOT_FOUND => return Err(Refusal::new(Code::UpstreamNotFound, "the provider has no such record")),
        _ => {
            return Err(Refusal::new(
                Code::UpstreamStatus,
                "the provider answered with a status that releases nothing",
            ));
        }
    }
    if !is_json(&answer.headers) {
        return Err(Refusal::new(Code::UpstreamInvalid, "the provider's answer is not plain JSON"));
    }
    let mut body = Vec::with_capacity(answer.body.len().min(64 * 1024));
    let projected = permit.plan().projection.project_with(scratch, &answer.body, &mut body);
    let projected = projected.map_err(|error| Refusal::new(Code::UpstreamInvalid, error.to_string()))?;
    let digest = Sha256::digest(&body).into();
    Ok(Projected::Json { body, items: projected.items, digest })
}

/// `application/json` or `application/*+json`, once, and in no encoding.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(Ok(text)), None) = (types.next().map(HeaderValue::to_str), types.next()) else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = essence == "application/json"
        || (essence.starts_with("application/")
            && essence.ends_with("+json")
            && essence.len() > "application/+json".len());
    let charset = text.split(';').skip(1).filter_map(|p| p.trim().split_once('='));
    let utf8 = charset
        .filter(|(name, _)| name.eq_ignore_ascii_case("charset"))
        .all(|(_, value)| value.trim_matches('"').eq_ignore_ascii_case("utf-8"));
    let plain = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    json && utf8 && plain
}

/// The answer. Permit, projection and receipt: a path that has not got all three does not compile.
pub fn release(_permit: &Permit, projected: Projected, receipt: &Receipt) -> Response<Body> {
    let mut response = match projected {
        Projected::Json { body, .. } => {
            let mut response = Response::new(Full::new(Bytes::from(body)));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Projected::Nothing => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // a stream's name and a number are always a header value
    if let Ok(receipt) = HeaderValue::try_from(receipt.to_string()) {
        headers.insert("datashare-record", receipt);
    }
    response
}

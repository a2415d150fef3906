//! The header fields a call may carry, each once and in one place only.

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Version};

use super::target::decode;
use crate::judge::refusal::{Code, Refusal};

const MAX_VALUE: usize = 128;
const MAX_TOKEN: usize = 512;

static USER: HeaderName = HeaderName::from_static("datashare-user");
static CASE: HeaderName = HeaderName::from_static("datashare-case");
static CONSENT: HeaderName = HeaderName::from_static("datashare-consent");

/// What a call names in its header.
#[derive(Debug, Default)]
pub struct Named {
    pub user: Option<String>,
    pub case: Option<String>,
    pub consent: Option<String>,
}

/// The bearer token, from the one place where it may stand.
pub fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let missing = || Refusal::new(Code::CredentialMissing, "send 'Authorization: Bearer <token>'");
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(missing)?;
    if values.next().is_some() {
        return Err(Refusal::new(Code::RequestInvalid, "Authorization must be there once"));
    }
    let text = value.to_str().map_err(|_| Refusal::new(Code::RequestInvalid, "Authorization must be visible ASCII"))?;
    let (scheme, token) = text.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(missing());
    }
    if token.len() > MAX_TOKEN || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Refusal::new(Code::CredentialInvalid, "the credential is not known"));
    }
    Ok(token)
}

impl Named {
    pub fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        Ok(Self { user: named(headers, &USER)?, case: named(headers, &CASE)?, consent: named(headers, &CONSENT)? })
    }
}

fn named(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Refusal> {
    let invalid = |why: &'static str| Refusal::new(Code::RequestInvalid, why);
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid("each Datashare header must be there once"));
    }
    let bytes = value.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_VALUE || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(invalid("a Datashare header must be 1 to 128 visible ASCII characters; percent-encode the rest"));
    }
    let text = value.to_str().ok().and_then(decode).filter(|text| !text.is_empty());
    text.map(Some).ok_or_else(|| invalid("a Datashare header is not percent-encoded UTF-8"))
}

/// Refuses what an operation without a body never needs and what proxies understand differently.
pub fn check_shape<B>(request: &Request<B>) -> Result<(), Refusal> {
    let invalid = |why: &'static str| Err(Refusal::new(Code::RequestInvalid, why));
    let headers = request.headers();
    let http2 = request.version() == Version::HTTP_2;
    if request.method() == Method::CONNECT {
        return invalid("CONNECT is not for this proxy");
    }
    if !http2 && (request.uri().scheme().is_some() || request.uri().authority().is_some()) {
        return invalid("the request target must be a path, not a URL");
    }
    if headers.contains_key(header::TRANSFER_ENCODING) || headers.contains_key(header::CONTENT_ENCODING) {
        return invalid("no operation takes a body");
    }
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    if lengths.next().is_some_and(|length| length != HeaderValue::from_static("0")) || lengths.next().is_some() {
        return invalid("no operation takes a body");
    }
    for refused in [header::UPGRADE, header::RANGE, header::EXPECT, header::TRAILER, header::IF_RANGE] {
        if headers.contains_key(refused) {
            return invalid("upgrades, ranges, expectations and trailers are not answered");
        }
    }
    if headers.get_all(header::HOST).iter().count() > 1 {
        return invalid("Host must be there once");
    }
    Ok(())
}

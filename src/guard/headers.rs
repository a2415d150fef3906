//! The headers a call may carry, read in one pass. What names the caller stands once or not at all;
//! what would change how the message is read is refused.

use std::borrow::Cow;

use hyper::body::Body;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Version};

use super::target;
use crate::judge::refusal::{Code, Refusal};

/// Longest value of `Datashare-User`, `-Case` and `-Consent`, and of what is passed on.
const MAX_VALUE: usize = 128;
/// Longest token.
const MAX_TOKEN: usize = 512;

/// What the headers say.
#[derive(Debug)]
pub struct Headers<'a> {
    /// The bearer token, or why there is none.
    pub token: Result<&'a [u8], Refusal>,
    pub user: Option<Cow<'a, str>>,
    pub case: Option<Cow<'a, str>>,
    pub consent: Option<Cow<'a, str>>,
    /// Passed on upstream when well formed.
    pub traceparent: Option<&'a HeaderValue>,
    pub accept_language: Option<&'a HeaderValue>,
    /// The first thing that makes the message unreadable.
    pub fault: Option<Refusal>,
}

impl<'a> Headers<'a> {
    /// Reads the head of a request whose body is `body`.
    pub fn read(parts: &'a Parts, body: &impl Body) -> Self {
        let mut read = Self {
            token: Err(missing()),
            user: None,
            case: None,
            consent: None,
            traceparent: None,
            accept_language: None,
            fault: message_fault(parts, body.is_end_stream()).map(invalid),
        };
        let (mut authorizations, mut traces, mut languages) = (0, 0, 0);
        for (name, value) in &parts.headers {
            let fault = match name.as_str() {
                "authorization" => {
                    authorizations += 1;
                    read.token = if authorizations == 1 { bearer(value) } else { Err(invalid(DOUBLED)) };
                    None
                }
                "datashare-user" => name_once(&mut read.user, value, "Datashare-User"),
                "datashare-case" => name_once(&mut read.case, value, "Datashare-Case"),
                "datashare-consent" => name_once(&mut read.consent, value, "Datashare-Consent"),
                "traceparent" => {
                    traces += 1;
                    read.traceparent = Some(value).filter(|value| traces == 1 && is_trace(value));
                    None
                }
                "accept-language" => {
                    languages += 1;
                    read.accept_language = Some(value).filter(|value| languages == 1 && is_language(value));
                    None
                }
                other => unwanted(other, value).map(invalid),
            };
            if read.fault.is_none() {
                read.fault = fault;
            }
        }
        read
    }
}

const DOUBLED: &str = "Authorization is given twice; give it once";

fn missing() -> Refusal {
    Refusal::new(Code::CredentialMissing, "give the token as `Authorization: Bearer …`")
}

fn invalid(detail: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::RequestInvalid, detail)
}

/// What the message itself has wrong, whatever its fields say.
fn message_fault(parts: &Parts, no_body: bool) -> Option<&'static str> {
    let http2 = parts.version == Version::HTTP_2;
    let mut given = parts.headers.get_all(header::HOST).iter();
    let host = given.next();
    let hosts = usize::from(host.is_some()) + usize::from(given.next().is_some());
    let authority = parts.uri.authority();
    if parts.method == Method::CONNECT {
        Some("CONNECT is not served")
    } else if !http2 && authority.is_some() {
        Some("write the request target as a path, without scheme and host")
    } else if hosts > 1 || (hosts == 0 && parts.version == Version::HTTP_11) {
        Some("Host must be given once")
    } else if host.zip(authority).is_some_and(|(host, authority)| host.as_bytes() != authority.as_str().as_bytes()) {
        Some("Host and :authority must be the same")
    } else if !no_body {
        Some("no operation takes a body; send none")
    } else {
        None
    }
}

/// Fields that ask for what the guard does not do.
fn unwanted(name: &str, value: &HeaderValue) -> Option<&'static str> {
    match name {
        "upgrade" | "http2-settings" => Some("upgrades are not served"),
        "connection" if lists(value, "upgrade") => Some("upgrades are not served"),
        "range" | "if-range" => Some("ranges are not served"),
        "expect" => Some("Expect is not served"),
        "trailer" => Some("trailers are not served"),
        "content-encoding" | "transfer-encoding" => Some("no operation takes a body; send none"),
        "content-length" if value != "0" => Some("no operation takes a body; send none"),
        "content-type" if begins(value, "multipart/") => Some("multipart is not served"),
        _ => None,
    }
}

fn begins(value: &HeaderValue, prefix: &str) -> bool {
    value.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn lists(value: &HeaderValue, word: &str) -> bool {
    value.as_bytes().split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

/// The token behind `Bearer`, in the alphabet of RFC 6750.
fn bearer(value: &HeaderValue) -> Result<&[u8], Refusal> {
    let bytes = value.as_bytes();
    let scheme = bytes.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
    let token = scheme.and_then(|_| bytes.get(7..)).ok_or_else(missing)?.trim_ascii_start();
    let fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    if token.is_empty() {
        return Err(missing());
    }
    if token.len() > MAX_TOKEN || !token.iter().all(fine) {
        return Err(Refusal::new(Code::CredentialInvalid, UNKNOWN));
    }
    Ok(token)
}

/// Said of every token that is not known, whatever the cause.
pub const UNKNOWN: &str = "the token is not known here";

/// Takes a name that may stand once: visible ASCII, percent-encoded UTF-8 for the rest.
fn name_once<'a>(slot: &mut Option<Cow<'a, str>>, value: &'a HeaderValue, header: &str) -> Option<Refusal> {
    let refuse = |what: &str| Some(invalid(format!("{header} {what}")));
    if slot.is_some() {
        return refuse("is given twice; give it once");
    }
    let bytes = value.as_bytes();
    if bytes.len() > MAX_VALUE {
        return refuse("is longer than 128 characters");
    }
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|_| bytes.iter().all(u8::is_ascii_graphic)) else {
        return refuse("may hold visible ASCII only; percent-encode the rest");
    };
    let decoded = if text.contains('%') {
        match target::percent_decode(text, |_| true) {
            Ok(decoded) => Cow::Owned(decoded),
            Err(_) => return refuse("has a broken percent-encoding, or is not UTF-8 behind it"),
        }
    } else {
        Cow::Borrowed(text)
    };
    if decoded.trim() != decoded || decoded.is_empty() || decoded.chars().any(char::is_control) {
        return refuse("is empty, or has blanks around it or control characters in it");
    }
    *slot = Some(decoded);
    None
}

/// W3C trace context, version 00.
fn is_trace(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    bytes.len() == 55
        && bytes.iter().enumerate().all(|(at, byte)| if matches!(at, 2 | 35 | 52) { *byte == b'-' } else { hex(byte) })
}

fn is_language(value: &HeaderValue) -> bool {
    let fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"-*,;=. ".contains(byte);
    (1..=MAX_VALUE).contains(&value.len()) && value.as_bytes().iter().all(fine)
}

/// Every value of a field, in order.
pub fn all<'m>(headers: &'m HeaderMap, name: &'static str) -> impl DoubleEndedIterator<Item = &'m HeaderValue> {
    headers.get_all(name).iter()
}

#[cfg(test)]
mod tests;

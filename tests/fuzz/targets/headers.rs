//! The head of a call: what names the caller stands once or counts for nothing, nothing that changes the
//! message passes, and the source is the last forwarded address that is no gateway.
#![no_main]

use std::net::{IpAddr, SocketAddr};

use datashare::judge;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Uri};
use ipnet::IpNet;
use judge::refusal::Code;
use libfuzzer_sys::fuzz_target;

#[path = "../../../src/guard/headers.rs"]
#[allow(dead_code)]
mod headers;
#[path = "../../../src/guard/source_address.rs"]
#[allow(dead_code)]
mod source_address;
#[path = "../../../src/guard/target.rs"]
#[allow(dead_code)]
mod target;

use headers::Headers;

const NEVER: [&str; 8] =
    ["upgrade", "http2-settings", "range", "if-range", "expect", "trailer", "content-encoding", "transfer-encoding"];

fn fields(input: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(64) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) =
            (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(line[colon + 1..].trim_ascii()));
        if let (Ok(name), Ok(value)) = (name, value) {
            fields.append(name, value);
        }
    }
    fields
}

fn address(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed = inner.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    parsed.map(|address: IpAddr| address.to_canonical())
}

/// The rule as one would explain it: all entries in one list, read from the right.
fn source(trusted: &IpNet, peer: IpAddr, fields: &HeaderMap) -> Option<IpAddr> {
    let joined: Vec<&[u8]> = fields.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes).collect();
    if joined.is_empty() {
        return Some(peer);
    }
    let joined = joined.join(&b',');
    for entry in joined.rsplit(|byte| *byte == b',') {
        let address = address(std::str::from_utf8(entry).ok()?.trim())?;
        if !trusted.contains(&address) {
            return Some(address);
        }
    }
    Some(peer)
}

fuzz_target!(|input: &[u8]| {
    let fields = fields(input);
    let (trusted, peer): (IpNet, IpAddr) = ("10.0.0.0/8".parse().unwrap(), "10.0.0.1".parse().unwrap());
    let found = source_address::find(peer, &[trusted], &fields);
    assert_eq!(found.ok(), source(&trusted, peer, &fields));
    assert_eq!(
        source_address::find("192.0.2.1".parse().unwrap(), &[trusted], &fields).unwrap().to_string(),
        "192.0.2.1"
    );

    let mut request = Request::new(String::new());
    *request.uri_mut() = Uri::from_static("/n/r/a");
    *request.headers_mut() = fields;
    let (parts, body) = request.into_parts();
    let read = Headers::read(&parts, &body);
    let count = |name: &str| parts.headers.get_all(name).iter().count();

    match &read.token {
        Ok(token) => {
            assert_eq!(count("authorization"), 1);
            assert!((1..=512).contains(&token.len()) && token.iter().all(u8::is_ascii_graphic));
            let value = parts.headers.get("authorization").unwrap().as_bytes();
            assert!(value[..7].eq_ignore_ascii_case(b"bearer ") && value.ends_with(token));
        }
        Err(refusal) => {
            assert!(matches!(refusal.code, Code::CredentialMissing | Code::CredentialInvalid | Code::RequestInvalid));
        }
    }
    for (name, passed) in [("traceparent", read.traceparent), ("accept-language", read.accept_language)] {
        assert!(passed.is_none() || count(name) == 1, "{name} given more than once is not passed on");
        assert!(passed.is_none_or(|value| value.as_bytes().iter().all(|byte| (b' '..0x7f).contains(byte))));
    }
    if read.fault.is_some() {
        return;
    }
    assert_eq!(count("host"), 1);
    assert!(NEVER.iter().all(|name| count(name) == 0));
    for (name, value) in
        [("datashare-user", &read.user), ("datashare-case", &read.case), ("datashare-consent", &read.consent)]
    {
        assert_eq!(count(name), usize::from(value.is_some()), "{name}");
        if let Some(value) = value {
            assert!(
                !value.is_empty() && value.len() <= 128 && value.trim() == value && !value.contains(char::is_control)
            );
        }
    }
});

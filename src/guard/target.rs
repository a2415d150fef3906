//! The request target, parsed exactly once. What goes upstream is rebuilt from what was understood
//! here, so there is nothing left for anyone to understand differently.

use crate::judge::refusal::{Code, Refusal};

/// Path segments below namespace and resource, and query pairs, decoded once.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    pub namespace: String,
    pub resource: String,
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
}

/// Longest target the guard reads.
const MAX_TARGET: usize = 16 * 1024;
/// Most segments or pairs; operations have fewer.
const MAX_PARTS: usize = 64;

impl Target {
    pub fn parse(path: &str, query: Option<&str>) -> Result<Self, Refusal> {
        let invalid = |why: &'static str| Refusal::new(Code::RequestInvalid, why);
        if path.len() + query.map_or(0, str::len) > MAX_TARGET {
            return Err(invalid("the request target is too long"));
        }
        let rest = path.strip_prefix('/').ok_or_else(|| invalid("the request target must be a path"))?;
        let mut segments = Vec::new();
        for segment in rest.split('/') {
            let decoded = decode(segment).ok_or_else(|| invalid("the path is not percent-encoded UTF-8"))?;
            let dots = decoded == "." || decoded == "..";
            if decoded.is_empty() || dots || decoded.contains('/') || decoded.contains('\\') {
                return Err(invalid("the path has an empty segment, a dot segment or an encoded separator"));
            }
            segments.push(decoded);
            if segments.len() > MAX_PARTS {
                return Err(invalid("the path has too many segments"));
            }
        }
        let mut segments = segments.into_iter();
        let (namespace, resource) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let mut pairs = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(Refusal::new(Code::ParameterRefused, "the query is not percent-encoded UTF-8"));
            };
            pairs.push((name, value));
            if pairs.len() > MAX_PARTS {
                return Err(Refusal::new(Code::ParameterRefused, "the query has too many parameters"));
            }
        }
        Ok(Self { namespace, resource, segments: segments.collect(), query: pairs })
    }
}

/// Percent-decoding, once; `+` is a plus (RFC 3986). Controls and what is not UTF-8 are not read.
pub fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |b: Option<u8>| char::from(b?).to_digit(16);
            let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok().filter(|text| !text.chars().any(char::is_control))
}

/// Percent-encoding of everything but unreserved characters.
pub fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0')));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_target_once() {
        let target = Target::parse("/ns/res/a/%E6%B5%8E", Some("x=1%2B2&y=%2541")).unwrap();
        assert_eq!((target.namespace.as_str(), target.resource.as_str()), ("ns", "res"));
        assert_eq!(target.segments, ["a", "济"]);
        assert_eq!(target.query, [("x".into(), "1+2".into()), ("y".into(), "%41".into())]);
    }

    #[test]
    fn refuses_what_others_may_read_differently() {
        for path in [
            "",
            "a",
            "//a",
            "/a//b",
            "/a/../b",
            "/a/%2e%2E/b",
            "/a/b%2Fc",
            "/a/%",
            "/a/%0g",
            "/a/%00",
            "/a/%ff",
            "/a/b%5Cc",
            "/a/./b",
        ] {
            assert!(Target::parse(path, None).is_err(), "{path}");
        }
        assert!(Target::parse("/a/b", Some("x=%0a")).is_err());
    }

    #[test]
    fn encoding_undoes_decoding() {
        for text in ["a b/c?d#e%f+g", "济南", "-._~", "&=;"] {
            let mut encoded = String::new();
            encode(text, &mut encoded);
            assert_eq!(decode(&encoded).as_deref(), Some(text));
        }
    }
}

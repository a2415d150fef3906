//! The request target, parsed exactly once: path segments and query pairs, percent-decoded once. What
//! is written in two ways here cannot be read in two ways upstream, because what goes upstream is
//! built anew from these values.

use std::borrow::Cow;

/// Segments of a path and pairs of a query beyond which a target is refused.
const MAX_PARTS: usize = 64;

/// Path and query after decoding.
#[derive(Debug, PartialEq, Eq)]
pub struct Target<'a> {
    pub segments: Vec<Cow<'a, str>>,
    pub query: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// What is wrong with a target; its text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("the request target must be a path that begins with one slash")]
    NotAPath,
    #[error("the path has an empty segment or too many of them; write each slash once and none at the end")]
    EmptySegment,
    #[error("the path has a segment '.' or '..'; write the path without them")]
    DotSegment,
    #[error("the target has a byte that must be percent-encoded, or a broken percent-encoding")]
    Encoding,
    #[error("the target is not UTF-8 after percent-decoding")]
    NotUtf8,
    #[error("the query has too many parameters")]
    TooMany,
}

impl<'a> Target<'a> {
    /// Reads path and query as they stand on the request line.
    pub fn parse(path: &'a str, query: Option<&'a str>) -> Result<Self, TargetError> {
        let rest = path.strip_prefix('/').ok_or(TargetError::NotAPath)?;
        let mut segments = Vec::with_capacity(6);
        for raw in rest.split('/') {
            if raw.is_empty() || segments.len() == MAX_PARTS {
                return Err(TargetError::EmptySegment);
            }
            let segment = decode(raw, in_segment)?;
            // %2e is the same dot to everyone who normalises
            if matches!(&*segment, "." | "..") {
                return Err(TargetError::DotSegment);
            }
            segments.push(segment);
        }
        let mut pairs = Vec::new();
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            for pair in query.split('&') {
                if pairs.len() == MAX_PARTS {
                    return Err(TargetError::TooMany);
                }
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                pairs.push((decode(name, in_query)?, decode(value, in_query)?));
            }
        }
        Ok(Self { segments, query: pairs })
    }
}

/// RFC 3986 `pchar` without the percent sign.
fn in_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

fn in_query(byte: u8) -> bool {
    in_segment(byte) || matches!(byte, b'/' | b'?')
}

/// Decodes once; `+` is a plus. Every byte must be allowed as it stands, or be percent-encoded.
fn decode(raw: &str, allowed: fn(u8) -> bool) -> Result<Cow<'_, str>, TargetError> {
    if raw.bytes().all(allowed) {
        return Ok(Cow::Borrowed(raw));
    }
    percent_decode(raw, allowed).map(Cow::Owned)
}

/// The text behind percent-encodings; other bytes must be `allowed`.
pub(super) fn percent_decode(raw: &str, allowed: fn(u8) -> bool) -> Result<String, TargetError> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (Some(high), Some(low)) = (bytes.next().and_then(hex), bytes.next().and_then(hex)) else {
                return Err(TargetError::Encoding);
            };
            out.push(high << 4 | low);
        } else if allowed(byte) {
            out.push(byte);
        } else {
            return Err(TargetError::Encoding);
        }
    }
    String::from_utf8(out).map_err(|_| TargetError::NotUtf8)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(target: &str) -> Result<Target<'_>, TargetError> {
        match target.split_once('?') {
            Some((path, query)) => Target::parse(path, Some(query)),
            None => Target::parse(target, None),
        }
    }

    #[test]
    fn decodes_once_and_keeps_the_plus() {
        let target = parse("/a/%25%32%35/x+y?q=1%2B1+2&r=%E5%BC%A0").unwrap();
        assert_eq!(target.segments, ["a", "%25", "x+y"]);
        assert_eq!(target.query, [("q".into(), "1+1+2".into()), ("r".into(), "张".into())]);
        assert!(parse("/a?").unwrap().query.is_empty());
        assert_eq!(parse("/a?b").unwrap().query, [("b".into(), "".into())]);
    }

    #[test]
    fn refuses_what_two_readers_could_read_differently() {
        for (target, error) in [
            ("a", TargetError::NotAPath),
            ("*", TargetError::NotAPath),
            ("/", TargetError::EmptySegment),
            ("//a", TargetError::EmptySegment),
            ("/a//b", TargetError::EmptySegment),
            ("/a/", TargetError::EmptySegment),
            ("/a/./b", TargetError::DotSegment),
            ("/a/../b", TargetError::DotSegment),
            ("/a/%2e%2E/b", TargetError::DotSegment),
            ("/a/.%2e", TargetError::DotSegment),
            ("/a/%", TargetError::Encoding),
            ("/a/%4", TargetError::Encoding),
            ("/a/%zz", TargetError::Encoding),
            ("/a/%+1", TargetError::Encoding),
            ("/a/b\\c", TargetError::Encoding),
            ("/a/张", TargetError::Encoding),
            ("/a/b c", TargetError::Encoding),
            ("/a/\u{0}", TargetError::Encoding),
            ("/a/%c3", TargetError::NotUtf8),
            ("/a/%c0%af", TargetError::NotUtf8),
            ("/a?x=%ff", TargetError::NotUtf8),
            ("/a?x=#", TargetError::Encoding),
        ] {
            assert_eq!(parse(target), Err(error), "{target}");
        }
        let many = "/a".repeat(65);
        assert_eq!(parse(&many), Err(TargetError::EmptySegment));
        let many = format!("/a?{}", "a&".repeat(65));
        assert_eq!(parse(&many), Err(TargetError::TooMany));
    }

    #[test]
    fn encoded_slashes_stay_inside_their_segment() {
        assert_eq!(parse("/a/b%2Fc").unwrap().segments, ["a", "b/c"]);
    }

    fn encoded(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back_part_for_part(
            segments in prop::collection::vec("\\PC{1,8}|[%./?&=#\\\\\0]{1,4}", 1..6),
            query in prop::collection::vec(("\\PC{0,8}", "[%&=#+/?\\PC]{0,8}"), 0..5),
        ) {
            prop_assume!(!segments.iter().any(|segment| matches!(segment.as_str(), "." | "..")));
            prop_assume!(query != [(String::new(), String::new())]);
            let path: String = segments.iter().map(|segment| format!("/{}", encoded(segment))).collect();
            let pairs: Vec<_> = query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
            let pairs = pairs.join("&");
            let target = Target::parse(&path, Some(&pairs)).unwrap();
            prop_assert_eq!(target.segments, segments);
            let read: Vec<_> = target.query.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            prop_assert_eq!(read, query);
        }

        #[test]
        fn no_part_climbs_or_is_empty(text in "(/|[.]|%2[eEfF5]|[a-z]|%|\\PC){0,24}") {
            if let Ok(target) = parse(&format!("/{text}")) {
                prop_assert!(target.segments.iter().all(|segment| !matches!(&**segment, "" | "." | "..")));
            }
        }
    }
}

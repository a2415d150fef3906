//! An upstream's answer, as far as it may be looked at: 200 with a JSON body no longer than allowed,
//! or 204. Trailers, informational answers and every other header end here.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

use super::failure::Failure;

/// What may be projected.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetched {
    Json(Bytes),
    NoContent,
}

/// Body bytes of other answers that are read for the sake of the connection.
const DISCARD: usize = 16 * 1024;
/// Room taken before the first byte has come.
const FIRST_ROOM: usize = 256 * 1024;

/// Judges status and headers.
pub(super) fn admissible(status: u16, headers: &HeaderMap) -> Result<(), Failure> {
    match status {
        200 => {}
        204 => return Ok(()),
        404 => return Err(Failure::NotFound),
        other => return Err(Failure::Status(other)),
    }
    let identity = |value: &hyper::header::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(identity) {
        return Err(Failure::Encoded);
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    match (types.next(), types.next()) {
        (Some(only), None) if is_json(only.as_bytes()) => Ok(()),
        _ => Err(Failure::ContentType),
    }
}

/// `application/json` and `application/*+json`, in no other charset than UTF-8, and one of them only.
fn is_json(value: &[u8]) -> bool {
    if value.contains(&b',') {
        return false;
    }
    let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let essence = parts.next().unwrap_or_default();
    let other_charset = |part: &[u8]| {
        let part = part.to_ascii_lowercase();
        part.strip_prefix(b"charset=").is_some_and(|set| !matches!(set, b"utf-8" | b"\"utf-8\"" | b"utf8"))
    };
    if parts.any(other_charset) {
        return false;
    }
    let Some((kind, subtype)) = essence.split_at_checked(12) else { return false };
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(byte);
    let suffix = subtype.len().checked_sub(5).and_then(|at| subtype.split_at_checked(at));
    let structured = suffix.is_some_and(|(name, end)| !name.is_empty() && end.eq_ignore_ascii_case(b"+json"));
    kind.eq_ignore_ascii_case(b"application/")
        && (subtype.eq_ignore_ascii_case(b"json") || structured && subtype.iter().all(token))
}

/// Reads what is left of an answer that is of no use, if it is little: tells whether the connection is.
pub(super) async fn discard(mut body: Incoming) -> bool {
    collect(&mut body, DISCARD).await.is_ok()
}

/// Reads a body to its end, and gives up as soon as it is longer than allowed.
pub(super) async fn collect(body: &mut Incoming, limit: usize) -> Result<Bytes, Failure> {
    let expected = body.size_hint();
    if expected.lower() > limit as u64 {
        return Err(Failure::TooLarge);
    }
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Failure::Broken)?.into_data() else { continue };
        let so_far = first.as_ref().map_or(all.len(), Bytes::len);
        if data.len() > limit.saturating_sub(so_far) {
            return Err(Failure::TooLarge);
        }
        match first.take() {
            // most answers come in one piece and are never copied
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(earlier) => {
                let known = usize::try_from(expected.lower()).unwrap_or(limit).min(limit).min(FIRST_ROOM);
                all.reserve(known.max(earlier.len() + data.len()));
                all.extend_from_slice(&earlier);
                all.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_goes_by_its_registered_names() {
        for yes in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
            "application/a.b+JSON ;x",
            "application/json;charset=\"UTF-8\"",
        ] {
            assert!(is_json(yes.as_bytes()), "{yes}");
        }
        for no in [
            "",
            "application/json; charset=gbk",
            "text/json",
            "application/jsonp",
            "application/+json",
            "application/json,text/html",
            "application/json;x=y, text/html",
            "application/x+jsonx",
            "application",
            "text/html",
            "application/a b+json",
        ] {
            assert!(!is_json(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn only_200_and_204_are_admissible() {
        let mut headers = HeaderMap::new();
        assert_eq!(admissible(200, &headers), Err(Failure::ContentType));
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        assert_eq!(admissible(200, &headers), Ok(()));
        assert_eq!(admissible(204, &headers), Ok(()));
        assert_eq!(admissible(404, &headers), Err(Failure::NotFound));
        for status in [101, 201, 206, 301, 302, 304, 400, 401, 500, 503] {
            assert_eq!(admissible(status, &headers), Err(Failure::Status(status)));
        }
        headers.append(CONTENT_TYPE, "application/json".parse().unwrap());
        assert_eq!(admissible(200, &headers), Err(Failure::ContentType));
        headers.remove(CONTENT_TYPE);
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        headers.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(admissible(200, &headers), Err(Failure::Encoded));
        headers.insert(CONTENT_ENCODING, "Identity".parse().unwrap());
        assert_eq!(admissible(200, &headers), Ok(()));
    }
}

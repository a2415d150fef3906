//! The request that goes upstream, built from nothing but the catalogue's own words, the checked values
//! of declared parameters, and an allow-list of headers.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT,
};
use hyper::{Method, Request, Uri};

use super::route::Route;
use crate::api::v1alpha1::shared_resource;
use crate::guard::operation::Values;
use crate::judge::served::{Operation, Segment};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// What one call sends.
#[derive(Debug)]
pub struct Outgoing<'a> {
    pub operation: &'a Operation,
    pub values: &'a Values<'a>,
    pub traceparent: Option<&'a HeaderValue>,
    pub accept_language: Option<&'a HeaderValue>,
}

impl Outgoing<'_> {
    /// The message for this upstream; `None` when its path would not be one.
    #[must_use]
    pub fn message(&self, route: &Route) -> Option<Request<Empty<Bytes>>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.target(&route.base.prefix)?;
        if self.operation.method == shared_resource::Method::POST {
            *request.method_mut() = Method::POST;
            // some servers answer 411 to a POST that does not say that it has no body
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let headers = request.headers_mut();
        headers.reserve(8);
        headers.insert(HOST, route.base.authority.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("datashare/", env!("CARGO_PKG_VERSION"))));
        if let Some(value) = self.traceparent {
            headers.insert(TRACEPARENT, value.clone());
        }
        if let Some(value) = self.accept_language {
            headers.insert(ACCEPT_LANGUAGE, value.clone());
        }
        // last, so that nothing stands in its place
        if let Some((name, value)) = &route.credential {
            headers.insert(name.clone(), value.clone());
        }
        Some(request)
    }

    fn target(&self, prefix: &str) -> Option<Uri> {
        let mut target = String::with_capacity(128);
        target.push_str(prefix);
        for segment in &self.operation.path {
            target.push('/');
            match segment {
                Segment::Literal(text) => target.push_str(text),
                Segment::Parameter(at) => encode(&mut target, self.value(*at)?),
            }
        }
        let mut mark = '?';
        for (at, value) in &self.values.0 {
            let parameter = self.operation.parameters.get(*at)?;
            if !parameter.in_path {
                target.push(mark);
                mark = '&';
                encode(&mut target, &parameter.name);
                target.push('=');
                encode(&mut target, value);
            }
        }
        Uri::try_from(target).ok()
    }

    fn value(&self, at: usize) -> Option<&str> {
        self.values.0.iter().find(|(given, _)| *given == at).map(|(_, value)| *value)
    }
}

/// Canonical: everything but RFC 3986's unreserved characters is percent-encoded.
fn encode(target: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            target.push(char::from(byte));
        } else {
            target.push('%');
            for digit in [byte >> 4, byte & 15] {
                target.extend(DIGITS.get(usize::from(digit)).copied().map(char::from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::served::Parameter;

    #[test]
    fn values_are_encoded_canonically() {
        let parameter =
            |name: &str, in_path| Parameter { name: name.into(), in_path, required: true, sensitive: false };
        let operation = Operation {
            name: "by-id".into(),
            method: shared_resource::Method::GET,
            path: [Segment::Literal("a".into()), Segment::Parameter(1)].into(),
            parameters: [parameter("q", false), parameter("id", true), parameter("r.s", false)].into(),
        };
        let values = Values(vec![(0, "a&b=c#/?"), (1, "张 +%2F;..\\"), (2, "1")]);
        let outgoing = Outgoing { operation: &operation, values: &values, traceparent: None, accept_language: None };
        let target = outgoing.target("/v1").unwrap();
        assert_eq!(target.to_string(), "/v1/a/%E5%BC%A0%20%2B%252F%3B..%5C?q=a%26b%3Dc%23%2F%3F&r.s=1");
    }
}

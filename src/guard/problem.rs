//! Refusals as RFC 9457 says: a code to act on and a sentence to read, never a value of the caller's
//! or the provider's.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::judge::refusal::Refusal;

/// Where each code is explained.
const TYPE_BASE: &str = "https://datashare.dev/problems/";

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
}

/// The answer that says why there is none.
#[must_use]
pub fn response(refusal: &Refusal, retry_after: Option<Duration>) -> Response<Full<Bytes>> {
    let code = refusal.code;
    let problem = Problem {
        r#type: format!("{TYPE_BASE}{}", code.as_str()),
        title: code.title(),
        status: code.status(),
        code: code.as_str(),
        detail: &refusal.detail,
    };
    // a struct of strings and a number always has a JSON form
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if code.status() == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(wait) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    response
}

/// The same, for a message whose end nobody should look for on this connection.
pub fn close(response: &mut Response<Full<Bytes>>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// Rounded up, at least one: whoever waits that long is not too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::judge::refusal::Code;

    #[test]
    fn says_what_rfc_9457_asks() {
        let response = response(&Refusal::new(Code::QuotaExceeded, "so \"many\""), Some(Duration::from_millis(1001)));
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "2");
        let body = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(response.into_body().collect())
            .unwrap()
            .to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            problem,
            serde_json::json!({
                "type": "https://datashare.dev/problems/quota-exceeded", "title": Code::QuotaExceeded.title(),
                "status": 429, "code": "quota-exceeded", "detail": "so \"many\"",
            })
        );
    }

    #[test]
    fn every_code_has_a_status_and_401_names_the_scheme() {
        for code in Code::ALL {
            let response = response(&Refusal::new(*code, ""), None);
            assert_eq!(response.status().as_u16(), code.status());
            assert_eq!(response.headers().contains_key("www-authenticate"), code.status() == 401);
        }
        assert_eq!(whole_seconds(Duration::ZERO), 1);
    }
}

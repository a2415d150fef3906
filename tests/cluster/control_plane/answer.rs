//! One request to the API server with everything it answers: the status, the warnings, which no typed client shows,
//! and the body.

use hyper::Request;
use kube::Client;
use kube::client::Body;
use serde_json::Value;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub warnings: Vec<String>,
    pub body: Value,
}

/// `type_` is the media type of a patch; whole objects are JSON.
pub async fn ask(client: &Client, method: &str, uri: &str, type_: &str, body: &Value) -> Answer {
    let content = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(uri).header("content-type", type_);
    let response = client.send(request.body(Body::from(content)).unwrap()).await.unwrap();
    let warnings = response.headers().get_all("warning").iter().map(|text| text.to_str().unwrap().to_owned());
    let (status, warnings) = (response.status().as_u16(), warnings.collect());
    let body = response.into_body().collect_bytes().await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into());
    Answer { status, warnings, body }
}

impl Answer {
    /// Where and why an object was refused: the member, and the sentence after the server's own words.
    pub fn causes(&self) -> Vec<(String, String)> {
        let causes = self.body["details"]["causes"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        causes.map(|cause| (text(&cause["field"]), text(&cause["message"]))).collect()
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

//! Step 6: asking the provider. One worker, one pool; what goes out is rebuilt from what was
//! understood, with our own credential and nothing of the consumer's.

mod connect;
mod endpoint;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Body as _;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::delivery::secrets::Secrets;
use crate::judge::facts::{Key, Resource};
use crate::judge::refusal::{Code, Refusal};
use crate::judge::served::Plan;

pub(super) use endpoint::Endpoint;

/// Idle connections kept for one endpoint by one worker.
const IDLE: usize = 64;
/// Body bytes reserved before any has come.
const RESERVE: usize = 256 * 1024;

type Sender = SendRequest<Empty<Bytes>>;

/// Where hosts below `.example` (RFC 2606) are answered: by the built-in sample, if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resolver {
    pub sample: Option<SocketAddr>,
}

/// Connections and endpoints of one worker.
#[derive(Default)]
pub struct Pool {
    endpoints: Mutex<HashMap<Key, Known>>,
}

struct Known {
    resource: Arc<Resource>,
    endpoint: Arc<Endpoint>,
    idle: Arc<Mutex<Vec<Sender>>>,
}

/// What the provider answered, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

fn unreachable(why: &'static str) -> Refusal {
    Refusal::new(Code::UpstreamUnreachable, why)
}

impl Pool {
    /// The endpoint of a resource, worked out once for each version of it and again when its
    /// credential may have changed.
    pub(super) fn endpoint(
        &self,
        plan: &Plan,
        secrets: &Secrets,
        resolver: Resolver,
        clock: &Clock,
    ) -> Result<(Arc<Endpoint>, Arc<Mutex<Vec<Sender>>>), Refusal> {
        let mut endpoints = self.endpoints.lock();
        let now = clock.now();
        if let Some(known) = endpoints.get(&plan.resource.key)
            && Arc::ptr_eq(&known.resource, &plan.resource)
            && known.endpoint.is_current(now)
        {
            return Ok((known.endpoint.clone(), known.idle.clone()));
        }
        let endpoint = Arc::new(Endpoint::of(&plan.resource, secrets, resolver, now)?);
        let same = endpoints.get(&plan.resource.key).filter(|known| known.endpoint.same_peer(&endpoint));
        let idle = same.map(|known| known.idle.clone()).unwrap_or_default();
        let known = Known { resource: plan.resource.clone(), endpoint: endpoint.clone(), idle: idle.clone() };
        endpoints.insert(plan.resource.key.clone(), known);
        Ok((endpoint, idle))
    }
}

/// Asks once, over an idle connection where there is one, within the endpoint's time.
pub(super) async fn ask(
    endpoint: &Endpoint,
    idle: &Mutex<Vec<Sender>>,
    method: &Method,
    target: &str,
    client: &HeaderMap,
    limit: usize,
) -> Result<Answer, Refusal> {
    let exchange = exchange(endpoint, idle, method, target, client, limit);
    match tokio::time::timeout(endpoint.timeout, exchange).await {
        Ok(answer) => answer,
        Err(_) => Err(Refusal::new(Code::UpstreamTimeout, "the provider did not answer in time")),
    }
}

async fn exchange(
    endpoint: &Endpoint,
    idle: &Mutex<Vec<Sender>>,
    method: &Method,
    target: &str,
    client: &HeaderMap,
    limit: usize,
) -> Result<Answer, Refusal> {
    let mut request = outgoing(endpoint, method, target, client)?;
    loop {
        let reused = idle.lock().pop();
        let (mut sender, fresh) = match reused {
            Some(sender) => (sender, false),
            None => (connect::connect(endpoint).await?, true),
        };
        if !fresh && (sender.is_closed() || sender.ready().await.is_err()) {
            continue;
        }
        match sender.try_send_request(request).await {
            Ok(response) => {
                let answer = collect(response, limit).await?;
                let mut idle = idle.lock();
                if idle.len() < IDLE && !sender.is_closed() {
                    idle.push(sender);
                }
                return Ok(answer);
            }
            // an idle connection that the provider had closed: nothing was sent, so ask again
            Err(mut error) => match error.take_message() {
                Some(unsent) if !fresh => request = unsent,
                _ if !fresh && error.error().is_incomplete_message() && *method == Method::GET => {
                    request = outgoing(endpoint, method, target, client)?;
                    idle.lock().clear();
                }
                _ if error.error().is_parse() => {
                    return Err(Refusal::new(Code::UpstreamInvalid, "the provider's answer is not HTTP"));
                }
                _ => return Err(unreachable("the connection to the provider broke")),
            },
        }
    }
}

fn outgoing(
    endpoint: &Endpoint,
    method: &Method,
    target: &str,
    client: &HeaderMap,
) -> Result<Request<Empty<Bytes>>, Refusal> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = method.clone();
    *request.uri_mut() = target.parse().map_err(|_| unreachable("the resource's upstream URL cannot be used"))?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, endpoint.host.clone());
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("datashare"));
    if let Some((name, value)) = &endpoint.credential {
        headers.insert(name.clone(), value.clone());
    }
    // for tracing only, and only when it has the one form it may have (W3C Trace Context)
    if let Some(trace) = client.get("traceparent").filter(|value| is_traceparent(value)) {
        headers.insert("traceparent", trace.clone());
    }
    Ok(request)
}

fn is_traceparent(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    bytes.len() == 55
        && bytes.iter().enumerate().all(|(at, b)| match at {
            2 | 35 | 52 => *b == b'-',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(b),
        })
}

async fn collect(response: Response<hyper::body::Incoming>, limit: usize) -> Result<Answer, Refusal> {
    let too_large = || Refusal::new(Code::ResponseTooLarge, "the provider's answer is larger than the resource allows");
    let (head, mut body) = response.into_parts();
    let announced = body.size_hint().exact().unwrap_or(0);
    if announced > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let mut whole: Option<Bytes> = None;
    let mut gathered: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| unreachable("the provider's answer broke off"))?;
        // trailers are dropped
        let Ok(data) = frame.into_data() else { continue };
        let have = whole.as_ref().map_or(gathered.len(), Bytes::len);
        if have + data.len() > limit {
            return Err(too_large());
        }
        if have == 0 {
            whole = Some(data);
            continue;
        }
        if let Some(first) = whole.take() {
            let expected = usize::try_from(announced).unwrap_or(0).min(RESERVE);
            gathered.reserve(expected.max(first.len() + data.len()));
            gathered.extend_from_slice(&first);
        }
        gathered.extend_from_slice(&data);
    }
    let body = whole.unwrap_or_else(|| Bytes::from(gathered));
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// Longest time one answer may take when the resource says nothing.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

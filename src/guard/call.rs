//! A call, from its first header to its last byte. The nine steps of the contract are the lines of
//! [`answer`] and [`known`]; each is a function of another file.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::HeaderMap;
use hyper::{Request, Response, StatusCode};
use jiff::Timestamp;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::headers::{self, Named};
use super::operation::{self, Given};
use super::problem::{Body, problem};
use super::recording::{End, Known, record};
use super::release::{Projected, project, release};
use super::source::source;
use super::target::Target;
use super::upstream::{Answer, Pool, ask};
use super::{Guard, introspection};
use crate::clock::Stopwatch;
use crate::fields::Scratch;
use crate::judge::permit::{Call, Holder, Permit};
use crate::judge::refusal::{Code, Refusal};

/// One worker: its connections and the memory it uses from answer to answer.
pub struct Worker {
    pub guard: Arc<Guard>,
    pub pool: Pool,
    pub scratch: Mutex<Scratch>,
}

/// A refusal on its way out.
struct Refused {
    refusal: Refusal,
    retry_after: Option<i64>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, retry_after: None }
    }
}

/// What a forwarded call has come to so far.
#[derive(Default)]
struct Progress<'a> {
    operation: Option<Arc<str>>,
    parameters: Vec<Given<'a>>,
    upstream: Option<(Option<StatusCode>, u64)>,
    forwarded: bool,
}

/// Answers one call.
pub async fn answer<B>(worker: &Worker, peer: IpAddr, request: &Request<B>) -> Response<Body> {
    let guard = &*worker.guard;
    let watch = Stopwatch::start();
    guard.metrics.open.inc();
    // dropped with the call, also when the client goes away
    let _open = OpenCall(guard);
    let now = guard.clock.now();
    let response = if guard.view.is_fresh(now) {
        authenticated(worker, peer, request, now).await
    } else {
        plain(guard, &Refusal::new(Code::ViewStale, "the guard cannot prove that its view is current; try again later"))
    };
    guard.metrics.observe_call(watch.elapsed());
    response
}

struct OpenCall<'a>(&'a Guard);

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        self.0.metrics.open.dec();
    }
}

/// Step 2: whose token is it? Nobody learns why one is not known.
async fn authenticated<B>(worker: &Worker, peer: IpAddr, request: &Request<B>, now: Timestamp) -> Response<Body> {
    let guard = &*worker.guard;
    let token = match headers::token(request.headers()) {
        Ok(token) => token,
        Err(refusal) => {
            guard.unknown.count();
            return plain(guard, &refusal);
        }
    };
    let hash = Sha256::digest(token.as_bytes()).into();
    let named = Named::read(request.headers());
    let user = named.as_ref().ok().and_then(|named| named.user.as_deref());
    let holder = guard.index.read().identify(&hash, user, now);
    let Some(holder) = holder else {
        guard.unknown.count();
        return plain(guard, &Refusal::new(Code::CredentialInvalid, "the credential is not known"));
    };
    known(worker, peer, request, &holder, named, now).await
}

/// A refusal that belongs to no known credential: counted, not recorded one by one.
fn plain(guard: &Guard, refusal: &Refusal) -> Response<Body> {
    guard.metrics.count(Some(refusal.code));
    problem(refusal, None, None)
}

/// Steps 3 to 9, for a known credential: whatever happens is recorded before it is answered.
async fn known<B>(
    worker: &Worker,
    peer: IpAddr,
    request: &Request<B>,
    holder: &Holder,
    named: Result<Named, Refusal>,
    now: Timestamp,
) -> Response<Body> {
    let guard = &*worker.guard;
    let (named, unnamed) = match named {
        Ok(named) => (named, None),
        Err(refusal) => (Named::default(), Some(refusal)),
    };
    let from = guard.view.with_gateways(|gateways| source(peer, request.headers(), gateways));
    if request.uri().path() == introspection::PATH
        && request.method() == hyper::Method::GET
        && let Ok(served) = &holder.standing
    {
        return introspection::answer(guard, holder, served, now);
    }
    let target = Target::parse(request.uri().path(), request.uri().query());
    let mut progress = Progress::default();
    let result = match &target {
        _ if holder.standing.is_err() => Err(stands(holder)),
        _ if unnamed.is_some() => Err(unnamed.map_or_else(|| stands(holder), Refused::from)),
        Err(refusal) => Err(refusal.clone().into()),
        Ok(target) => forwarded(worker, request, holder, &named, from, target, &mut progress, now).await,
    };
    let known = Known {
        holder,
        named: &named,
        source: from,
        operation: progress.operation.as_deref(),
        parameters: &progress.parameters,
        upstream: progress.upstream,
    };
    let end = match &result {
        Ok((_, projected)) => End::Released(projected),
        Err(refused) => End::Refused(&refused.refusal, progress.forwarded),
    };
    let watch = Stopwatch::start();
    let receipt = record(guard, &known, &end, now).await;
    guard.metrics.observe_record(watch.elapsed());
    match (result, receipt) {
        (Ok((permit, projected)), Ok(receipt)) => {
            guard.metrics.count(None);
            release(&permit, projected, &receipt)
        }
        (Err(refused), Ok(receipt)) => {
            guard.metrics.count(Some(refused.refusal.code));
            problem(&refused.refusal, Some(&receipt), refused.retry_after)
        }
        (_, Err(_)) => {
            plain(guard, &Refusal::new(Code::RecordUnavailable, "the call cannot be recorded, so it is not answered"))
        }
    }
}

fn stands(holder: &Holder) -> Refused {
    let fallback = || Refusal::new(Code::GrantSuspended, "the grant does not stand at the moment");
    holder.standing.as_ref().err().cloned().unwrap_or_else(fallback).into()
}

/// Steps 4 to 7: permit, quota, forward, project.
#[allow(clippy::too_many_arguments)] // the parts of one call, each borrowed from its owner
async fn forwarded<'a, B>(
    worker: &Worker,
    request: &Request<B>,
    holder: &'a Holder,
    named: &Named,
    from: Option<IpAddr>,
    target: &'a Target,
    progress: &mut Progress<'a>,
    now: Timestamp,
) -> Result<(Permit, Projected), Refused> {
    let guard = &*worker.guard;
    let served = holder.standing.as_ref().map_err(|refusal| Refused::from(refusal.clone()))?;
    headers::check_shape(request)?;
    let from = from.ok_or_else(|| Refusal::new(Code::SourceRefused, "the gateway's X-Forwarded-For cannot be read"))?;
    let call = Call {
        source: from,
        operation: operation::find(&served.plan, request.method(), target),
        user: named.user.as_deref(),
        case: named.case.as_deref(),
        consent: named.consent.as_deref(),
    };
    let permit = holder.permit(&call)?;
    let operation = call.operation.and_then(|at| served.plan.operations.get(at));
    let operation =
        operation.ok_or_else(|| Refusal::new(Code::OperationNotGranted, "no operation of this grant fits"))?;
    progress.operation = Some(operation.name.clone());
    progress.parameters = operation::parameters(operation, target)?;
    let taken = guard.quotas.take(&served.grant, guard.index.read().site(), now);
    taken.map_err(|over| Refused { refusal: over.refusal, retry_after: Some(over.retry_after.as_secs()) })?;
    progress.forwarded = true;
    let answer = asked(worker, request.method(), request.headers(), &permit, operation, progress).await?;
    // a Revocation that came while the provider was answering wins
    guard.index.read().still(&permit, guard.clock.now())?;
    let projected = project(&permit, &answer, &mut worker.scratch.lock())?;
    Ok((permit, projected))
}

/// Step 6: asks the provider with what was understood, and nothing else.
async fn asked(
    worker: &Worker,
    method: &hyper::Method,
    client: &HeaderMap,
    permit: &Permit,
    operation: &crate::judge::served::Operation,
    progress: &mut Progress<'_>,
) -> Result<Answer, Refusal> {
    let guard = &*worker.guard;
    let watch = Stopwatch::start();
    let plan = permit.plan();
    let (endpoint, idle) = worker.pool.endpoint(plan, &guard.secrets, guard.resolver, &guard.clock)?;
    let target = operation::upstream_target(&endpoint.base, operation, &progress.parameters);
    let answer = ask(&endpoint, &idle, method, &target, client, plan.max_response_bytes).await;
    let took = watch.elapsed();
    guard.metrics.observe_upstream(took);
    let status = answer.as_ref().ok().map(|answer| answer.status);
    progress.upstream = Some((status, u64::try_from(took.as_micros()).unwrap_or(u64::MAX)));
    answer
}

//! One call, in the nine steps of the contract.

use std::net::IpAddr;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::Body;
use hyper::http::request::Parts;
use hyper::{Method, Request, Version};
use jiff::Timestamp;

use super::admission::{self, Denied};
use super::answer::Answer;
use super::headers::Headers;
use super::introspection::{self, Description};
use super::metrics::{How, Open};
use super::quota::Day;
use super::release::{self, Reply, Unrecorded};
use super::subject::Subject;
use super::target::Target;
use super::upstream::{Exchange, Outgoing, Routes};
use super::{Guard, authenticate, problem, record, source_address};
use crate::audit::Upstream;
use crate::clock::Stopwatch;
use crate::judge::permit::{Call, Holder, Permit};
use crate::judge::refusal::{Code, Refusal};

/// One thread's part of the guard: its own connections upstream.
pub struct Worker {
    pub guard: Arc<Guard>,
    pub routes: Routes,
}

/// Whose call it is, and when.
struct Known {
    holder: Holder,
    now: Timestamp,
    today: Day,
}

/// What a caller gets, and how the call is counted.
struct Ended {
    reply: Reply,
    how: How,
}

impl Worker {
    /// Answers one call of a peer.
    pub async fn answer<B: Body>(&self, peer: IpAddr, request: Request<B>) -> Reply {
        let started = Stopwatch::start();
        let _open = Open::count(&self.guard.metrics.open_calls);
        let (parts, body) = request.into_parts();
        let headers = Headers::read(&parts, &body);
        let mut ended = match self.known(&headers) {
            Ok(known) => self.of_holder(&known, &headers, &parts, peer).await,
            Err(reason) => unrecorded(reason),
        };
        // where the message was not understood, nobody should look for the next one behind it: whoever is
        // between us and the caller may have found its end elsewhere
        let unclear = headers.fault.is_some() || ended.how == How::Refused(Code::RequestInvalid);
        if unclear && parts.version != Version::HTTP_2 {
            problem::close(&mut ended.reply);
        }
        // hyper leaves the body of an answer to HEAD away in HTTP/1.1 only
        if parts.method == Method::HEAD && parts.version == Version::HTTP_2 {
            *ended.reply.body_mut() = Full::default();
        }
        self.guard.metrics.ended(ended.how, started.elapsed());
        ended.reply
    }

    /// Steps 1 and 2: a recent view, and a credential it knows.
    fn known(&self, headers: &Headers<'_>) -> Result<Known, Unrecorded> {
        let guard = &*self.guard;
        let now = guard.clock.now();
        if !guard.view.is_fresh(now) {
            return Err(Unrecorded::ViewStale);
        }
        // a record that has failed refuses everything, also what would be no entry of its own
        if guard.log.has_failed() {
            return Err(Unrecorded::RecordUnavailable);
        }
        let token = match &headers.token {
            Ok(token) => *token,
            Err(refusal) if refusal.code == Code::CredentialInvalid => {
                guard.unknown.count();
                return Err(Unrecorded::CredentialInvalid);
            }
            Err(refusal) => return Err(Unrecorded::NoCredential(refusal.clone())),
        };
        let index = guard.index.read();
        let Some(holder) = index.identify(&authenticate::hash(token), headers.user.as_deref(), now) else {
            // everything is being read anew since a moment ago
            if !guard.view.is_fresh(now) {
                return Err(Unrecorded::ViewStale);
            }
            guard.unknown.count();
            return Err(Unrecorded::CredentialInvalid);
        };
        Ok(Known { holder, now, today: guard.calendar.day(index.site(), now) })
    }

    /// Everything after: whatever becomes of it is recorded.
    async fn of_holder(&self, known: &Known, headers: &Headers<'_>, parts: &Parts, peer: IpAddr) -> Ended {
        let guard = &*self.guard;
        let Known { holder, now, today } = known;
        let source = guard.view.with_gateways(|trusted| source_address::find(peer, trusted, &parts.headers));
        let target = Target::parse(parts.uri.path(), parts.uri.query());
        let shown = source.as_ref().copied().unwrap_or(peer);
        let mut subject = Subject::read(holder, headers, &parts.method, target.as_ref().ok(), shown, &guard.site_key);
        subject.keep(&guard.retentions, today.date);

        let denied = if parts.uri.path() == introspection::PATH {
            let used = guard.quotas.used(&holder.grant().key, today.ends);
            match describe(&subject, parts, source, used) {
                Ok(description) => return Ended { reply: release::describe(&description), how: How::Described },
                Err(refusal) => refusal.into(),
            }
        } else {
            let target = target.as_ref().map(|_| ());
            let target = target.map_err(|error| Refusal::new(Code::RequestInvalid, error.to_string()));
            match admission::admit(&subject, target, source, &guard.quotas, *now, today.ends) {
                Ok(permit) => match self.permitted(&subject, permit).await {
                    Ok(ended) => return ended,
                    Err(denied) => denied,
                },
                Err(denied) => denied,
            }
        };
        match record::refused(&guard.log, &guard.metrics, &subject, &denied).await {
            Ok(entry) => Ended {
                reply: release::refuse(&denied.refusal, denied.retry_after, &entry),
                how: How::Refused(denied.refusal.code),
            },
            Err(_) => unrecorded(Unrecorded::RecordUnavailable),
        }
    }

    /// Steps 6 to 9: forward, project, record, release.
    async fn permitted(&self, subject: &Subject<'_>, permit: Permit) -> Result<Ended, Denied> {
        let guard = &*self.guard;
        let Exchange { status, took, result } = self.forward(subject, &permit).await?;
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let upstream = Upstream { status, microseconds };
        guard.metrics.upstream.observe(took.as_secs_f64());

        self.still(&permit, upstream)?;
        let fetched = result.map_err(|failure| Denied::failed(failure, Some(upstream)))?;
        let answer = Answer::project(&permit, &fetched).map_err(|refusal| Denied::failed(refusal, Some(upstream)))?;
        let recorded = record::released(&guard.log, &guard.metrics, subject, &permit, &answer, upstream).await;
        let Ok(entry) = recorded else { return Ok(unrecorded(Unrecorded::RecordUnavailable)) };
        // the disk took its time: a Revocation that came meanwhile still wins
        self.still(&permit, upstream)?;
        Ok(Ended { reply: release::release(permit, answer, &entry), how: How::Released })
    }

    async fn forward(&self, subject: &Subject<'_>, permit: &Permit) -> Result<Exchange, Denied> {
        let guard = &*self.guard;
        let plan = permit.plan();
        let route = self.routes.find(&plan.resource, &guard.secrets, guard.resolver, guard.limits.upstream).await;
        let route = route.map_err(|failure| Denied::failed(failure, None))?;
        let (Some(operation), Ok(values)) = (permit.operation(), &subject.values) else {
            return Err(
                Refusal::new(Code::OperationNotGranted, "method and path fit no operation of this grant").into()
            );
        };
        let outgoing = Outgoing {
            operation,
            values,
            traceparent: subject.headers.traceparent,
            accept_language: subject.headers.accept_language,
        };
        Ok(route.fetch(&outgoing, plan.max_response_bytes).await)
    }

    /// Whether the permit holds at this moment, by a view that is fresh at this moment: a guard that has
    /// heard of nothing since the call began must not release it. What was read upstream is on record in
    /// any case.
    fn still(&self, permit: &Permit, upstream: Upstream) -> Result<(), Denied> {
        let guard = &*self.guard;
        let now = guard.clock.now();
        let held = if guard.view.is_fresh(now) {
            guard.index.read().still(permit, now)
        } else {
            Err(Unrecorded::ViewStale.into())
        };
        held.map_err(|refusal| {
            // what the index no longer has may only not be there again yet
            let refusal = if guard.view.is_fresh(now) { refusal } else { Unrecorded::ViewStale.into() };
            Denied { upstream: Some(upstream), ..refusal.into() }
        })
    }
}

/// What a holder may know of its own grant, from where it may call.
fn describe<'h>(
    subject: &Subject<'h>,
    parts: &Parts,
    source: Result<IpAddr, Refusal>,
    used_today: u32,
) -> Result<Description<'h>, Refusal> {
    let description = Description::of(subject.holder, used_today)?;
    subject.headers.fault.clone().map_or(Ok(()), Err)?;
    let nowhere = Call { source: source?, operation: None, user: None, case: None, consent: None };
    match subject.holder.permit(&nowhere) {
        Err(refusal) if refusal.code != Code::OperationNotGranted => return Err(refusal),
        _ => {}
    }
    if parts.method != Method::GET {
        return Err(Refusal::new(Code::OperationNotGranted, "the description of a grant answers GET only"));
    }
    if parts.uri.query().is_some() {
        return Err(Refusal::new(Code::ParameterRefused, "the description of a grant takes no parameters"));
    }
    Ok(description)
}

fn unrecorded(reason: Unrecorded) -> Ended {
    Ended { how: How::Refused(reason.code()), reply: release::refuse_unrecorded(reason) }
}

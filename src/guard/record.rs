//! The entry of a call, and the receipt without which nothing is said to its caller. A receipt for a
//! refusal releases no answer: they are different types.

use crate::audit::{Event, Log, Outcome, Receipt, RecordUnavailable, Upstream, own_waker};
use crate::clock::Stopwatch;
use crate::judge::permit::Permit;

use super::admission::Denied;
use super::answer::Answer;
use super::metrics::Metrics;
use super::subject::Subject;

/// The entry that says what was released is durable.
#[derive(Debug)]
pub struct Released(Receipt);

/// The entry that says why nothing was released is durable.
#[derive(Debug)]
pub struct Refused(Receipt);

impl Released {
    pub(super) fn receipt(&self) -> &Receipt {
        &self.0
    }
}

impl Refused {
    pub(super) fn receipt(&self) -> &Receipt {
        &self.0
    }
}

/// Records that this answer goes to this call.
pub async fn released(
    log: &Log,
    metrics: &Metrics,
    subject: &Subject<'_>,
    permit: &Permit,
    answer: &Answer,
    upstream: Upstream,
) -> Result<Released, RecordUnavailable> {
    let waker = own_waker().await;
    let pending = {
        let mut parameters = Vec::new();
        let mut entry = subject.entry(Event::Call, &mut parameters);
        entry.outcome = Some(Outcome::Released);
        let body = answer.body();
        entry.status = Some(if body.is_some() { 200 } else { 204 });
        entry.fields = if body.is_some() { &permit.plan().fields } else { &[] };
        entry.items = Some(answer.items());
        entry.bytes = Some(body.map_or(0, |body| body.len() as u64));
        entry.digest = answer.digest();
        entry.upstream = Some(upstream);
        log.append_for(&entry, &waker)
    };
    timed(metrics, pending).await.map(Released)
}

/// Records that nothing goes to this call, and why.
pub async fn refused(
    log: &Log,
    metrics: &Metrics,
    subject: &Subject<'_>,
    denied: &Denied,
) -> Result<Refused, RecordUnavailable> {
    let waker = own_waker().await;
    let pending = {
        let mut parameters = Vec::new();
        let event = if denied.admitted { Event::Call } else { Event::Refusal };
        let mut entry = subject.entry(event, &mut parameters);
        entry.outcome = Some(if denied.admitted { Outcome::Failed } else { Outcome::Refused });
        entry.code = Some(denied.refusal.code.as_str());
        entry.status = Some(denied.refusal.code.status());
        entry.upstream = denied.upstream;
        log.append_for(&entry, &waker)
    };
    timed(metrics, pending).await.map(Refused)
}

async fn timed(
    metrics: &Metrics,
    pending: impl Future<Output = Result<Receipt, RecordUnavailable>>,
) -> Result<Receipt, RecordUnavailable> {
    let started = Stopwatch::start();
    let receipt = pending.await;
    metrics.record.observe(started.elapsed().as_secs_f64());
    if let Err(reason) = &receipt {
        tracing::debug!(%reason, "a call was not recorded and is refused");
    }
    receipt
}

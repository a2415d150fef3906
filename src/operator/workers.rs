//! The controllers at work: one for each kind, each with its own queue and its own number of workers, so that one kind
//! never holds up another. Revocations come first to whoever waits for a turn of the machine.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::metrics::Outcome;
use super::queue::Again;
use super::trouble::{Class, Trouble};
use super::{grant, policy, request, resource, revocation};
use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;

/// Nothing is left unlooked at for longer.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// How soon a world that is not whole is asked again.
const SOON: SignedDuration = SignedDuration::from_millis(500);

/// How soon a world is asked again that was in the middle of a change.
const AT_ONCE: SignedDuration = SignedDuration::from_millis(50);

/// What a look at an object found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It is not there: nothing is looked at again before it is.
    Gone,
    /// It is as it should be, until then.
    There { next: Option<Timestamp> },
}

fn workers(kind: Kind) -> usize {
    match kind {
        Kind::AccessGrant => 16,
        Kind::DataShareRequest => 8,
        Kind::SharedResource | Kind::Revocation => 4,
        Kind::AuditPolicy => 1,
    }
}

/// Works until stopped; what has begun is finished.
pub async fn work(context: Arc<Context>, stop: CancellationToken) {
    let mut all = JoinSet::new();
    for kind in Kind::ALL {
        let Some(queue) = context.queue(kind) else { continue };
        let (context, stop) = (context.clone(), stop.clone());
        all.spawn(async move {
            let work = move |key: Key| {
                let context = context.clone();
                async move { reconcile(&context, kind, &key).await }
            };
            queue.work(workers(kind), &stop, work).await;
        });
    }
    while all.join_next().await.is_some() {}
}

async fn reconcile(context: &Context, kind: Kind, key: &Key) -> Again {
    if !context.is_ready() {
        return Again::At(later(context.clock.now(), SOON));
    }
    let outcome = match kind {
        Kind::SharedResource => resource::reconcile(context, key).await,
        Kind::DataShareRequest => request::reconcile(context, key).await,
        Kind::AccessGrant => Box::pin(grant::reconcile(context, key)).await,
        Kind::AuditPolicy => policy::reconcile(context, key).await,
        Kind::Revocation => revocation::reconcile(context, key).await,
    };
    if let Err(trouble) = &outcome
        && trouble.is_unsettled()
    {
        return Again::At(later(context.clock.now(), AT_ONCE));
    }
    if let Err(trouble) = &outcome
        && !trouble.is_conflict()
    {
        tracing::warn!("{} {key}: {}: {trouble}", kind.name(), trouble.reason);
    }
    let ended = match &outcome {
        Ok(_) => Outcome::Done,
        Err(trouble) => match trouble.class {
            Class::Stalled => Outcome::Stalled,
            Class::Waiting => Outcome::Waiting,
            Class::Retry => Outcome::Retry,
        },
    };
    context.metrics.looked(kind.name(), ended);
    again(outcome, context.clock.now())
}

/// When to look again: at the time asked for, and never later than in an hour, since events can be missed.
fn again(outcome: Result<Looked, Trouble>, now: Timestamp) -> Again {
    let longest = later(now, LONGEST);
    match outcome {
        Ok(Looked::Gone) => Again::OnChange,
        Ok(Looked::There { next }) => Again::At(next.unwrap_or(longest).min(longest)),
        Err(trouble) if trouble.class == Class::Stalled => Again::At(longest),
        Err(_) => Again::AfterFailure,
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

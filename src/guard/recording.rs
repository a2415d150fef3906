//! Step 8: what is written of a call before anything of it is answered.

use std::net::IpAddr;

use hyper::StatusCode;
use jiff::Timestamp;

use super::Guard;
use super::headers::Named;
use super::operation::Given;
use super::release::Projected;
use crate::audit::{
    Entry, Event, GrantRef, Hashed, NameRef, Outcome, Parameter, Receipt, RecordUnavailable, UnitRef, Upstream,
};
use crate::judge::permit::Holder;
use crate::judge::refusal::Refusal;

/// What is known of a call at the moment it is recorded.
pub struct Known<'a> {
    pub holder: &'a Holder,
    pub named: &'a Named,
    pub source: Option<IpAddr>,
    pub operation: Option<&'a str>,
    pub parameters: &'a [Given<'a>],
    pub upstream: Option<(Option<StatusCode>, u64)>,
}

/// How a call ended.
pub enum End<'a> {
    Released(&'a Projected),
    /// Refused by us; `forwarded` when the provider had been asked.
    Refused(&'a Refusal, bool),
}

/// Records a call; the receipt is made by the disk.
pub async fn record(
    guard: &Guard,
    known: &Known<'_>,
    end: &End<'_>,
    now: Timestamp,
) -> Result<Receipt, RecordUnavailable> {
    let grant = &known.holder.grant;
    let digest = grant.terms.to_string();
    let hashed: Vec<Option<Hashed>> =
        known.parameters.iter().map(|p| p.sensitive.then(|| guard.site_key.hash(&p.value))).collect();
    let parameters: Vec<Parameter<'_>> = known
        .parameters
        .iter()
        .zip(&hashed)
        .map(|(p, hash)| Parameter { name: p.name, value: hash.as_ref().map_or(&*p.value, Hashed::as_str) })
        .collect();
    let event = match end {
        End::Released(_) | End::Refused(_, true) => Event::Call,
        End::Refused(_, false) => Event::Refusal,
    };
    let mut entry: Entry<'_, std::sync::Arc<str>> = Entry::new(event);
    entry.grant = Some(GrantRef {
        namespace: &grant.key.namespace,
        name: &grant.key.name,
        serial: &grant.serial,
        digest: &digest,
    });
    entry.request = Some(NameRef { namespace: &grant.request.namespace, name: &grant.request.name });
    if let Some(request) = &known.holder.request {
        entry.unit = Some(UnitRef { code: &request.unit.code, name: &request.unit.name });
        entry.system = Some(&request.system);
    }
    entry.user = known.named.user.as_deref();
    entry.case = known.named.case.as_deref();
    entry.consent = known.named.consent.as_deref();
    entry.source = known.source;
    entry.resource = Some(NameRef { namespace: &grant.key.namespace, name: &grant.resource });
    entry.operation = known.operation;
    entry.parameters = &parameters;
    entry.upstream =
        known.upstream.map(|(status, microseconds)| Upstream { status: status.map(|s| s.as_u16()), microseconds });
    let today = guard.index.read().site().day(now);
    let served = known.holder.standing.as_ref().ok();
    entry.retain = Some(match served {
        Some(served) => guard.retentions.day(&served.plan, today),
        None => guard.retentions.longest(today),
    });
    match end {
        End::Released(projected) => {
            entry.outcome = Some(Outcome::Released);
            match projected {
                Projected::Json { body, items, digest } => {
                    entry.status = Some(200);
                    entry.fields = served.map(|served| &*served.plan.fields).unwrap_or_default();
                    entry.items = Some(*items);
                    entry.bytes = Some(u64::try_from(body.len()).unwrap_or(u64::MAX));
                    entry.digest = Some(*digest);
                }
                Projected::Nothing => entry.status = Some(204),
            }
        }
        End::Refused(refusal, forwarded) => {
            entry.outcome = Some(if *forwarded { Outcome::Failed } else { Outcome::Refused });
            entry.code = Some(refusal.code.as_str());
            entry.status = Some(refusal.code.status());
        }
    }
    // queued before the wait, so that nothing borrowed lives across it
    let pending = guard.log.append(&entry);
    pending.await
}

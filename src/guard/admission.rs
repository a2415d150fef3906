//! Steps 3 to 5: may this call go upstream? The judge says so with a permit; the guard adds what only
//! it knows, the form of the message, the parameters and the quota.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;

use super::quota::{Ceiling, Quotas};
use super::subject::Subject;
use crate::audit::Upstream;
use crate::judge::permit::{Call, Permit};
use crate::judge::refusal::{Code, Refusal};

/// A call that gets no answer, as it is recorded.
#[derive(Debug)]
pub struct Denied {
    pub refusal: Refusal,
    /// It was forwarded, or would have been if the upstream could be reached.
    pub admitted: bool,
    pub retry_after: Option<Duration>,
    pub upstream: Option<Upstream>,
}

impl Denied {
    /// A permitted call whose upstream gave nothing that may be released.
    pub fn failed(refusal: impl Into<Refusal>, upstream: Option<Upstream>) -> Self {
        Self { refusal: refusal.into(), admitted: true, retry_after: None, upstream }
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, admitted: false, retry_after: None, upstream: None }
    }
}

/// Decides on a call. `target` and `source` are what could not be read of it.
pub fn admit(
    subject: &Subject<'_>,
    target: Result<(), Refusal>,
    source: Result<IpAddr, Refusal>,
    quotas: &Quotas,
    now: Timestamp,
    midnight: Timestamp,
) -> Result<Permit, Denied> {
    let headers = subject.headers;
    subject.holder.served().map_err(Clone::clone)?;
    headers.fault.clone().map_or(Ok(()), Err)?;
    target?;
    let permit = subject.holder.permit(&Call {
        source: source?,
        operation: subject.operation.map(|(at, _)| at),
        user: headers.user.as_deref(),
        case: headers.case.as_deref(),
        consent: headers.consent.as_deref(),
    })?;
    subject.values.as_ref().map_err(Clone::clone)?;
    quotas.take(subject.holder.grant(), now, midnight).map_err(|exhausted| {
        let detail = match exhausted.ceiling {
            Ceiling::Second => "the grant's calls per second are used up",
            Ceiling::Day => "the grant's calls for today are used up",
        };
        let retry_after = Some(exhausted.retry_after);
        Denied { retry_after, ..Refusal::new(Code::QuotaExceeded, detail).into() }
    })?;
    Ok(permit)
}

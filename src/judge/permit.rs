//! The permit: without it a guard can neither forward nor release, and only the judge makes one.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::facts::{Grant, Request};
use super::index::seats::SeatNumber;
use super::refusal::{Code, Refusal};
use super::served::{Operation, Plan, Served};

/// Whose token it is, and how the grant stands.
#[derive(Clone, Debug)]
pub struct Holder {
    pub(super) seat: SeatNumber,
    pub credential: Arc<Credential>,
    pub(super) door: Door,
}

/// The grant ready to serve, or the first thing that stands against it: an old credential, the verdict,
/// or a bar of unit, system or person.
#[derive(Clone, Debug)]
pub(super) enum Door {
    Open(Arc<Served>),
    Shut { grant: Arc<Grant>, request: Option<Arc<Request>>, refusal: Refusal },
}

/// One live token, by what may be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub id: Arc<str>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// When the next one is minted.
    pub rotate_by: Timestamp,
}

/// What a call names besides its token.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub source: IpAddr,
    /// Position in the plan's operations; `None`: none of them fits.
    pub operation: Option<usize>,
    pub user: Option<&'a str>,
    pub case: Option<&'a str>,
    pub consent: Option<&'a str>,
}

/// Leave to forward one call and to release its answer.
#[derive(Debug)]
pub struct Permit {
    seat: SeatNumber,
    served: Arc<Served>,
    operation: usize,
    credential: Arc<Credential>,
    user: Option<Box<str>>,
}

impl Holder {
    #[must_use]
    pub fn grant(&self) -> &Arc<Grant> {
        match &self.door {
            Door::Open(served) => &served.grant,
            Door::Shut { grant, .. } => grant,
        }
    }

    /// What was asked for, if it is there.
    #[must_use]
    pub fn request(&self) -> Option<&Arc<Request>> {
        match &self.door {
            Door::Open(served) => Some(&served.request),
            Door::Shut { request, .. } => request.as_ref(),
        }
    }

    /// The grant ready to serve, or why it is not.
    pub fn served(&self) -> Result<&Arc<Served>, &Refusal> {
        match &self.door {
            Door::Open(served) => Ok(served),
            Door::Shut { refusal, .. } => Err(refusal),
        }
    }

    /// Decides on one call. Source and operation come before what the call must name.
    pub fn permit(&self, call: &Call<'_>) -> Result<Permit, Refusal> {
        let served = self.served().map_err(Clone::clone)?;
        let source = unmapped(call.source);
        if !served.sources.iter().any(|range| range.contains(&source)) {
            return Err(Refusal::new(Code::SourceRefused, "calls must come from the addresses the request names"));
        }
        let operation = call.operation.filter(|at| served.plan.operations.get(*at).is_some());
        let Some(operation) = operation else {
            return Err(Refusal::new(Code::OperationNotGranted, "method and path fit no operation of this grant"));
        };
        match (call.user, &served.users) {
            (None, _) if served.requires.user => {
                return Err(Refusal::new(Code::UserRequired, "name the person who looks in Datashare-User"));
            }
            (Some(user), Some(users)) if !users.contains(user) => {
                return Err(Refusal::new(Code::UserRefused, "the grant lists the people who may look"));
            }
            _ => {}
        }
        if served.requires.case && call.case.is_none() {
            return Err(Refusal::new(Code::CaseRequired, "name the case in Datashare-Case"));
        }
        if served.requires.consent && call.consent.is_none() {
            let detail = "name the authorisation of the person or enterprise in Datashare-Consent (promise 3)";
            return Err(Refusal::new(Code::ConsentRequired, detail));
        }
        Ok(Permit {
            seat: self.seat,
            served: served.clone(),
            operation,
            credential: self.credential.clone(),
            user: call.user.map(Box::from),
        })
    }
}

impl Permit {
    #[must_use]
    pub fn served(&self) -> &Arc<Served> {
        &self.served
    }

    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.served.plan
    }

    /// The operation that was permitted.
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        self.served.plan.operations.get(self.operation)
    }

    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    pub(super) fn seat(&self) -> SeatNumber {
        self.seat
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

/// An IPv4 address that came in as IPv6 is the same address.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

//! The verdict on one grant: an ordered list of checks, of which the first that fails gives reason
//! and message. The same for the operator, every guard, `up`, `check` and `plan`.

mod approvals;
mod scope;

use std::cell::OnceCell;

use jiff::Timestamp;

use super::facts::{Grant, Key, Request, Resource, Site};
use super::ledger::{Cause, Scope, SerialRecord};
use super::reason::Reason;
use crate::api::v1alpha1::access_grant::Decision;
use crate::approval::canonical::Digest;
use crate::approval::signers::Signers;

pub use approvals::{Counted, Flaw};

/// Everything there is to know about one grant at one moment.
#[derive(Clone)]
pub struct Evidence<'a> {
    pub grant: &'a Grant,
    pub request: Option<&'a Request>,
    pub resource: Option<&'a Resource>,
    /// Digest of the slice of `resource` for this grant as it is now.
    pub slice: Option<Digest>,
    pub signers: &'a Signers,
    pub site: &'a Site,
    /// What the ledger knows of its serial.
    pub record: Option<&'a SerialRecord>,
    /// Another fully signed grant has its serial.
    pub rival: Option<&'a Key>,
    /// What the grant that it supersedes is for, where that is known.
    pub superseded: Option<Scope>,
    pub now: Timestamp,
    /// Its approvals, sorted out when first asked for.
    pub counted: OnceCell<Counted>,
}

/// Whether a grant serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It serves until `not_after`; the earliest approval that counts was given at `approved`.
    Serves { approved: Timestamp },
    /// It does not, and this is the first thing that stands against it.
    Refused(Finding),
}

/// The first check that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub reason: Reason,
    pub message: String,
}

type Outcome = Result<(), Finding>;

fn refuse(reason: Reason, message: impl Into<String>) -> Outcome {
    Err(Finding { reason, message: message.into() })
}

/// The checks, in their order. Final ends come first, so that nobody is told to mend what is over.
const CHECKS: &[fn(&Evidence<'_>) -> Outcome] = &[
    not_revoked,
    not_superseded,
    not_expired,
    not_denied,
    scope::request_is_the_reviewed_one,
    scope::resource_is_the_requested_one,
    scope::resource_is_shared,
    scope::fields_are_covered,
    scope::operations_are_covered,
    scope::users_are_covered,
    scope::slice_is_the_reviewed_one,
    scope::ends_in_time,
    scope::consent_or_basis,
    scope::developer_is_approved,
    approvals::are_enough,
    not_suspended,
    serial_is_its_own,
    serial_is_unambiguous,
    supersedes_its_like,
    has_begun,
];

/// Judges one grant.
#[must_use]
pub fn verdict(evidence: &Evidence<'_>) -> Verdict {
    for check in CHECKS {
        if let Err(finding) = check(evidence) {
            return Verdict::Refused(finding);
        }
    }
    let counted = approvals(evidence);
    Verdict::Serves { approved: counted.earliest.unwrap_or(Timestamp::MIN) }
}

/// The approvals of a grant, counted: which do, which do not and why, and whether they are enough.
#[must_use]
pub fn approvals<'e>(evidence: &'e Evidence<'_>) -> &'e Counted {
    evidence.counted.get_or_init(|| approvals::count(evidence))
}

/// The next moment at which time alone can change the verdict.
#[must_use]
pub fn next_change(grant: &Grant, now: Timestamp) -> Option<Timestamp> {
    let moments = grant.approvals.iter().map(|a| a.approved_at).chain([grant.not_before, grant.not_after]);
    moments.filter(|moment| *moment > now).min()
}

fn not_revoked(e: &Evidence<'_>) -> Outcome {
    match ended(e, Cause::Revoked) {
        Some(by) => refuse(
            Reason::Revoked,
            format!("Revocation {by} ended this serial for good; a new decision needs a new serial"),
        ),
        None => Ok(()),
    }
}

fn not_superseded(e: &Evidence<'_>) -> Outcome {
    match ended(e, Cause::Superseded) {
        Some(by) => refuse(Reason::Superseded, format!("the grant with serial {by} took its place for good")),
        None => Ok(()),
    }
}

fn ended<'a>(e: &Evidence<'a>, cause: Cause) -> Option<&'a str> {
    let ends = e.record?.ends.iter().filter(|end| end.cause == cause);
    ends.filter(|end| {
        let same = end.scope.as_ref().is_none_or(|scope| {
            *scope.resource == *e.grant.resource
                && e.request.is_none_or(|r| *scope.unit == *r.unit.code && *scope.system == *r.system)
        });
        same && super::facts::revocation_covers(end.resources.as_deref(), &e.grant.resource)
    })
    .map(|end| &*end.by)
    .next()
}

fn not_expired(e: &Evidence<'_>) -> Outcome {
    if e.grant.decision == Decision::Approved && e.now >= e.grant.not_after {
        return refuse(Reason::Expired, format!("ended at {}; file a new request to go on", e.grant.not_after));
    }
    match ended(e, Cause::Expired) {
        Some(_) => refuse(Reason::Expired, "this serial has expired before; file a new request to go on"),
        None => Ok(()),
    }
}

fn not_denied(e: &Evidence<'_>) -> Outcome {
    if e.grant.decision == Decision::Approved {
        return Ok(());
    }
    // it decides on the request that was reviewed and no other; and who may sign, the resource says
    scope::request_is_the_reviewed_one(e)?;
    scope::resource_is_the_requested_one(e)?;
    if approvals(e).valid.is_empty() {
        return refuse(
            Reason::Pending,
            "a denial needs one valid signature of an approving role ('datashare approve')",
        );
    }
    refuse(Reason::Denied, "the decision is no; its reason is in the grant")
}

/// Who clears a suspension signs the same terms once more, later than it.
fn not_suspended(e: &Evidence<'_>) -> Outcome {
    let Some(suspension) = e.record.and_then(|record| record.suspended.as_ref()) else { return Ok(()) };
    if approvals(e).latest.is_some_and(|latest| latest > suspension.at) {
        return Ok(());
    }
    let receipt = suspension.receipt.as_ref().map_or_else(String::new, |receipt| format!(" (receipt {receipt})"));
    refuse(
        Reason::Suspended,
        format!(
            "the inspection of {} found {:?}{receipt}; an approver who has looked into it clears it by signing once more ('datashare approve GRANT.yaml --again')",
            suspension.at, suspension.check
        ),
    )
}

fn serial_is_its_own(e: &Evidence<'_>) -> Outcome {
    match e.record.and_then(|record| record.enforced.as_ref()) {
        Some((digest, _, _)) if *digest != e.grant.terms => refuse(
            Reason::SerialTaken,
            "other terms were enforced under this serial before; sign these under a new serial, or bring the first terms back",
        ),
        _ => Ok(()),
    }
}

fn serial_is_unambiguous(e: &Evidence<'_>) -> Outcome {
    match e.rival {
        Some(rival) => refuse(
            Reason::SerialAmbiguous,
            format!("{} has the same serial and is fully signed too; remove one of the two", rival.name),
        ),
        None => Ok(()),
    }
}

fn supersedes_its_like(e: &Evidence<'_>) -> Outcome {
    let (Some(scope), Some(request)) = (&e.superseded, e.request) else { return Ok(()) };
    let same =
        *scope.resource == *e.grant.resource && *scope.unit == *request.unit.code && *scope.system == *request.system;
    if same {
        return Ok(());
    }
    refuse(
        Reason::SupersedesOther,
        "the grant named in supersedes is for another resource, unit or system; name one of the same, or none",
    )
}

fn has_begun(e: &Evidence<'_>) -> Outcome {
    if e.now < e.grant.not_before {
        return refuse(Reason::NotYetValid, format!("begins at {}", e.grant.not_before));
    }
    Ok(())
}

//! Looking ahead: the judge's own verdict on the grant as it will be once signed, so that nobody signs
//! what could never count.

use std::cell::OnceCell;

use jiff::Timestamp;

use super::case::Case;
use super::{ApproveArgs, ApproveError};
use crate::api::v1alpha1::validate::syntax;
use crate::api::v1alpha1::{Kind, bounds};
use crate::approval::canonical::CanonicalError;
use crate::approval::digests;
use crate::approval::signing::SigningKey;
use crate::approval::sshsig::SignedBy;
use crate::judge::facts::{Grant, Key, Request, Resource, Signed, Unreadable};
use crate::judge::reason::Reason;
use crate::judge::verdict::{self, Evidence, Verdict};

/// What will be the case after signing.
pub(super) struct Foreseen {
    /// Roles that still need signatures: role, how many, from whom.
    pub(super) missing: Vec<(String, usize, Vec<String>)>,
    /// Signatures of others that do not count.
    pub(super) flaws: Vec<String>,
}

/// Judges the grant with the signature that is about to be made.
pub(super) fn foresee(
    case: &Case<'_>,
    args: &ApproveArgs,
    approved_at: &str,
    key: &SigningKey,
    now: Timestamp,
) -> Result<Foreseen, ApproveError> {
    let (role, principal) = (args.role.as_str(), args.principal.as_str());
    let approvals = case.spec.approvals.as_deref().unwrap_or_default();
    let has_signed = approvals.iter().any(|approval| approval.role == role && approval.principal == principal);
    if has_signed && !args.again {
        let message = format!("{principal} has signed as {role} already; to clear a suspension give --again");
        return Err(ApproveError::Refused(message));
    }
    is_asked_for(case, role)?;
    within_bounds(case)?;
    let unreadable = |error: Unreadable| ApproveError::Refused(error.to_string());
    let grant_key = Key::new(case.namespace.as_str(), case.name.as_str());
    let mut grant = Grant::read(grant_key.clone(), &case.spec, &case.site).map_err(unreadable)?;
    let request = Request::read(grant.request.clone(), &case.request).map_err(unreadable)?;
    let resource_key = Key::new(grant_key.namespace.clone(), grant.resource.clone());
    let resource = Resource::read(resource_key, case.resource).map_err(unreadable)?;
    let slice = digests::slice(
        &case.namespace,
        &grant.resource,
        case.resource,
        &grant.fields,
        &grant.operations,
        request.mode,
    )?;
    let position = grant.approvals.len();
    let mut signed = grant.approvals.into_vec();
    signed.push(Signed {
        role: role.into(),
        principal: principal.into(),
        approved_at: syntax::time(approved_at).unwrap_or(now),
        by: Ok(SignedBy { key: key.id(), algorithm: key.algorithm(), user_present: true }),
    });
    grant.approvals = signed.into();
    let evidence = Evidence {
        grant: &grant,
        request: Some(&request),
        resource: Some(&resource),
        slice: Some(slice),
        signers: &case.signers,
        site: &case.site,
        record: None,
        rival: None,
        superseded: case.superseded_scope.clone(),
        now,
        counted: OnceCell::new(),
    };
    supersedes_its_like(case, &grant, &request)?;
    let counted = verdict::approvals(&evidence);
    if let Some(own) = counted.flaws.iter().find(|flaw| flaw.position == position) {
        return Err(ApproveError::Refused(own.message.clone()));
    }
    match verdict::verdict(&evidence) {
        Verdict::Refused(finding) if !passing(finding.reason) => {
            let hint = if case.is_new { hint(finding.reason) } else { "" };
            return Err(ApproveError::Refused(format!("{}{hint}", finding.message)));
        }
        _ => {}
    }
    let flaws = counted.flaws.iter().map(|flaw| flaw.message.clone()).collect();
    Ok(Foreseen { missing: counted.missing.clone(), flaws })
}

/// A misspelt role is easier to mend when the right ones are named.
fn is_asked_for(case: &Case<'_>, role: &str) -> Result<(), ApproveError> {
    let rules = &case.resource.approval;
    if rules.iter().any(|rule| rule.role == role) {
        return Ok(());
    }
    let asked: Vec<_> = rules.iter().map(|rule| format!("{} ({})", rule.role, rule.principals.join(", "))).collect();
    Err(ApproveError::Refused(format!(
        "nobody is listed for the role {role} in the resource; it asks for {}",
        asked.join(" and ")
    )))
}

/// The bounds of the schema, which reading the written file would find too late.
fn within_bounds(case: &Case<'_>) -> Result<(), ApproveError> {
    let spec = serde_json::to_value(&case.spec).map_err(|error| CanonicalError::Unwritable(error.to_string()))?;
    match bounds::violations(Kind::AccessGrant, &spec).into_iter().next() {
        Some(broken) => Err(ApproveError::Refused(format!("{} {}; {}", broken.member, broken.message, broken.fix))),
        None => Ok(()),
    }
}

/// The judge gets to this only when every signature is there, and the first signer should know.
fn supersedes_its_like(case: &Case<'_>, grant: &Grant, request: &Request) -> Result<(), ApproveError> {
    let Some(scope) = &case.superseded_scope else { return Ok(()) };
    if scope.resource == grant.resource && scope.unit == request.unit.code && scope.system == request.system {
        return Ok(());
    }
    let serial = grant.supersedes.as_deref().unwrap_or_default();
    Err(ApproveError::Refused(format!(
        "{serial} is for another resource, unit or system; name one of the same in supersedes, or none{}",
        if case.is_new { " (--supersedes)" } else { "" }
    )))
}

/// What stands against a grant now and need not for ever.
fn passing(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Pending | Reason::NotYetValid | Reason::Enforcing | Reason::Denied | Reason::ApprovalInvalid
    )
}

/// Which option of this command is the mend.
fn hint(reason: Reason) -> &'static str {
    match reason {
        Reason::ConsentMissing => " (--require consent, or --legal-basis)",
        Reason::FieldsNotRequested | Reason::FieldsNotInCatalogue => " (--fields)",
        Reason::OperationsMissing | Reason::OperationsNotRequested | Reason::OperationsNotOffered => " (--operations)",
        Reason::UsersMissing | Reason::UsersNotRequested => " (--users)",
        Reason::OutlivesRequest | Reason::Expired => " (--not-after)",
        _ => "",
    }
}

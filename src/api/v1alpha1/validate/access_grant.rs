//! Rules of an `AccessGrant`.

use jiff::SignedDuration;

use super::{Checks, Violation, syntax};
use crate::api::v1alpha1::access_grant::{CredentialPolicy, Decision};
use crate::api::v1alpha1::{AccessGrantSpec, messages};

/// The longest a grant may last.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

pub(super) fn violations(spec: &AccessGrantSpec) -> Vec<Violation> {
    let mut checks = Checks::default();
    checks.serial(&spec.serial, "spec.serial");
    checks.name(&spec.request_ref.namespace, "spec.requestRef.namespace");
    checks.name(&spec.request_ref.name, "spec.requestRef.name");
    checks.digest(&spec.request_ref.digest, "spec.requestRef.digest");
    checks.name(&spec.resource_ref.name, "spec.resourceRef.name");
    checks.digest(&spec.resource_ref.digest, "spec.resourceRef.digest");
    match spec.decision {
        Decision::Denied => denied(spec, &mut checks),
        Decision::Approved => checks.rule(
            spec.fields.as_ref().is_some_and(|f| !f.is_empty())
                && spec.not_before.is_some()
                && spec.not_after.is_some(),
            "spec",
            messages::APPROVED_MEMBERS,
            "add fields, notBefore and notAfter",
        ),
    }
    checks.unique(spec.fields.as_deref().unwrap_or_default(), "spec.fields", messages::UNIQUE);
    checks.unique(spec.operations.as_deref().unwrap_or_default(), "spec.operations", messages::UNIQUE);
    validity(spec, &mut checks);
    if let Some(policy) = &spec.credential {
        credential(policy, &mut checks);
    }
    checks.optional_text(spec.reason.as_ref(), "spec.reason");
    checks.optional_text(spec.legal_basis.as_ref(), "spec.legalBasis");
    if let Some(older) = &spec.supersedes {
        checks.serial(older, "spec.supersedes");
    }
    let other = spec.supersedes.as_ref() != Some(&spec.serial);
    checks.rule(other, "spec.supersedes", messages::SUPERSEDES_SELF, "name the serial of the older grant");
    if let Some(platform) = &spec.platform_approval {
        checks.text(&platform.number, "spec.platformApproval.number");
        checks.sha256(&platform.sha256, "spec.platformApproval.sha256");
    }
    for (at, approval) in spec.approvals.iter().flatten().enumerate() {
        checks.role(&approval.role, format!("spec.approvals[{at}].role"));
        checks.principal(&approval.principal, format!("spec.approvals[{at}].principal"));
        checks.time(&approval.approved_at, format!("spec.approvals[{at}].approvedAt"));
        let armored = approval.signature.starts_with("-----BEGIN SSH SIGNATURE-----");
        let fix = "paste the whole signature, from BEGIN to END";
        checks.rule(armored, format!("spec.approvals[{at}].signature"), messages::SIGNATURE, fix);
    }
    checks.0
}

fn denied(spec: &AccessGrantSpec, checks: &mut Checks) {
    checks.rule(spec.reason.is_some(), "spec.reason", messages::DENIED_REASON, "add reason");
    let grants_nothing = spec.fields.is_none()
        && spec.operations.is_none()
        && spec.users.is_none()
        && spec.quota.is_none()
        && spec.credential.is_none()
        && spec.supersedes.is_none();
    checks.rule(grants_nothing, "spec", messages::DENIED_MEMBERS, "remove them");
}

fn validity(spec: &AccessGrantSpec, checks: &mut Checks) {
    if let Some(text) = &spec.not_before {
        checks.time(text, "spec.notBefore");
    }
    if let Some(text) = &spec.not_after {
        checks.time(text, "spec.notAfter");
    }
    let from = spec.not_before.as_deref().and_then(syntax::time);
    let until = spec.not_after.as_deref().and_then(syntax::time);
    if let (Some(from), Some(until)) = (from, until) {
        let holds = until > from && until.duration_since(from) <= LONGEST;
        checks.rule(holds, "spec.notAfter", messages::VALIDITY, "choose an earlier end; renew by a new grant");
    }
}

fn credential(policy: &CredentialPolicy, checks: &mut Checks) {
    for (text, member) in
        [(&policy.rotate_every, "spec.credential.rotateEvery"), (&policy.overlap, "spec.credential.overlap")]
    {
        if let Some(text) = text {
            checks.duration(text, member);
        }
    }
    let every = syntax::duration(policy.rotate_every.as_deref().unwrap_or("90d"));
    let overlap = syntax::duration(policy.overlap.as_deref().unwrap_or("24h"));
    if let (Some(every), Some(overlap)) = (every, overlap) {
        checks.rule(overlap < every, "spec.credential", messages::ROTATION, "shorten overlap");
    }
}

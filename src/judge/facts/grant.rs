//! A grant: its terms, and for each approval who really signed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Key, Site, Unreadable, names};
use crate::api::v1alpha1::access_grant::{Approval, CredentialPolicy, Decision};
use crate::api::v1alpha1::common::Requires;
use crate::api::v1alpha1::validate::syntax;
use crate::api::v1alpha1::{AccessGrantSpec, messages};
use crate::approval::canonical::Digest;
use crate::approval::digests;
use crate::approval::sshsig::{self, SignatureError, SignedBy};
use crate::approval::statement::Statement;

/// The decision on a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub key: Key,
    pub serial: Arc<str>,
    pub decision: Decision,
    /// Digest of the terms that are signed.
    pub terms: Digest,
    pub request: Key,
    pub request_digest: Digest,
    /// Name of the resource, in the grant's own namespace.
    pub resource: Arc<str>,
    /// Digest of the slice that was reviewed.
    pub slice: Digest,
    pub fields: Box<[Arc<str>]>,
    pub operations: Box<[Arc<str>]>,
    /// `None`: any user the consumer system names.
    pub users: Option<Box<[Arc<str>]>>,
    pub requires: Requires,
    pub has_legal_basis: bool,
    /// A denial has no time; it is never valid.
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub quota: Quota,
    pub rotation: Rotation,
    pub supersedes: Option<Arc<str>>,
    pub approvals: Box<[Signed]>,
}

/// Ceilings on the number of calls; `None` is no ceiling of the grant's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    pub per_second: Option<u32>,
    pub per_day: Option<u32>,
}

/// How the credential changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    pub every: SignedDuration,
    pub overlap: SignedDuration,
}

impl Rotation {
    /// What the terms say about it; absent members have their defaults.
    pub fn read(policy: Option<&CredentialPolicy>) -> Result<Self, Unreadable> {
        let length = |text: Option<&String>, absent, member| match text {
            Some(text) => syntax::duration(text).ok_or_else(|| Unreadable::member(member, messages::DURATION)),
            None => Ok(SignedDuration::from_hours(absent)),
        };
        Ok(Self {
            every: length(policy.and_then(|p| p.rotate_every.as_ref()), 90 * 24, "spec.credential.rotateEvery")?,
            overlap: length(policy.and_then(|p| p.overlap.as_ref()), 24, "spec.credential.overlap")?,
        })
    }

    /// Of a token that begins at `begins`: when the next one is minted, and when it ends. None outlives its grant.
    #[must_use]
    pub fn of(self, begins: Timestamp, grant_ends: Timestamp) -> (Timestamp, Timestamp) {
        let rotate_by = begins.checked_add(self.every).unwrap_or(Timestamp::MAX).min(grant_ends);
        let not_after = rotate_by.checked_add(self.overlap).unwrap_or(Timestamp::MAX).min(grant_ends);
        (rotate_by, not_after)
    }
}

/// One approval after its signature was looked at. Whether the key may speak for the principal is
/// not decided here: that changes with the list of signers, the signature does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Signed {
    pub role: Arc<str>,
    pub principal: Arc<str>,
    pub approved_at: Timestamp,
    pub by: Result<SignedBy, SignatureError>,
}

impl Grant {
    /// Reads a grant, verifying the bytes of every signature for this site.
    pub fn read(key: Key, spec: &AccessGrantSpec, site: &Site) -> Result<Self, Unreadable> {
        Unreadable::first_of(spec)?;
        let terms = digests::terms(spec).map_err(|e| Unreadable::member("spec", e))?;
        let statement =
            Statement::new(&site.name, &key.namespace, &key.name, spec).map_err(|e| Unreadable::member("spec", e))?;
        let approvals = spec.approvals.iter().flatten().map(|a| signed(a, &statement)).collect::<Result<_, _>>()?;
        let moment = |text: &Option<String>, member| match text {
            Some(text) => syntax::time(text).ok_or_else(|| Unreadable::member(member, messages::TIME)),
            None => Ok(Timestamp::UNIX_EPOCH),
        };
        let digest = |text: &str, member| text.parse().map_err(|e| Unreadable::member(member, e));
        let quota = spec.quota.as_ref();
        let ceiling = |n: Option<i64>| n.map(|n| u32::try_from(n).unwrap_or(0));
        Ok(Self {
            serial: spec.serial.as_str().into(),
            decision: spec.decision,
            terms,
            request: Key::new(spec.request_ref.namespace.as_str(), spec.request_ref.name.as_str()),
            request_digest: digest(&spec.request_ref.digest, "spec.requestRef.digest")?,
            resource: spec.resource_ref.name.as_str().into(),
            slice: digest(&spec.resource_ref.digest, "spec.resourceRef.digest")?,
            fields: names(spec.fields.as_deref().unwrap_or_default()),
            operations: names(spec.operations.as_deref().unwrap_or_default()),
            users: spec.users.as_deref().map(names),
            requires: spec.requires.clone().unwrap_or_default(),
            has_legal_basis: spec.legal_basis.as_ref().is_some_and(|basis| !basis.trim().is_empty()),
            not_before: moment(&spec.not_before, "spec.notBefore")?,
            not_after: moment(&spec.not_after, "spec.notAfter")?,
            quota: Quota {
                per_second: ceiling(quota.and_then(|q| q.per_second)),
                per_day: ceiling(quota.and_then(|q| q.per_day)),
            },
            rotation: Rotation::read(spec.credential.as_ref())?,
            supersedes: spec.supersedes.as_deref().map(Arc::from),
            approvals,
            key,
        })
    }
}

fn signed(approval: &Approval, statement: &Statement) -> Result<Signed, Unreadable> {
    let approved_at = syntax::time(&approval.approved_at)
        .ok_or_else(|| Unreadable::member("spec.approvals[].approvedAt", messages::TIME))?;
    let bytes = statement
        .bytes(&approval.role, &approval.principal, &approval.approved_at)
        .map_err(|e| Unreadable::member("spec.approvals", e))?;
    Ok(Signed {
        role: approval.role.as_str().into(),
        principal: approval.principal.as_str().into(),
        approved_at,
        by: sshsig::verify(&approval.signature, &bytes),
    })
}

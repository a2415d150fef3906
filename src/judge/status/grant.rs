//! Status of a grant: is it approved, has it a token, has every guard seen it, and does it serve.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::conditions::condition;
use super::{View, full_second};
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::status::{AccessGrantStatus, Enforcement, RevocationProof};
use crate::judge::facts::{Grant, Key};
use crate::judge::index::Standing;
use crate::judge::ledger::{Cause, SerialRecord};
use crate::judge::reason::Reason;

impl View<'_> {
    /// Status of a grant; nothing when the judge does not have it.
    #[must_use]
    pub fn grant(&self, key: &Key) -> Option<AccessGrantStatus> {
        let grant = self.index.grant(key)?;
        let standing = self.index.standing(key, self.now)?;
        let record = self.index.ledger().serial(&key.namespace, &grant.serial);
        let own = record.filter(|record| record.enforced.as_ref().is_some_and(|(digest, _, _)| *digest == grant.terms));
        let noted = own.and_then(|record| record.enforced_at);
        let enforced_at = noted.and_then(|at| self.enforced_at(Kind::AccessGrant, key, at));
        let live = self.live(key);
        let usage = self.observed.usage.get(key);
        let guards = self.observed.guards;
        Some(AccessGrantStatus {
            observed_generation: None,
            conditions: Some(self.conditions(grant, &standing, record, enforced_at)),
            digest: Some(grant.terms.to_string()),
            credentials: (!live.is_empty()).then(|| live.iter().map(|token| token.hash.clone()).collect()),
            enforcement: noted.filter(|_| guards > 0).map(|_| Enforcement {
                guards: i64::from(guards),
                current: i64::from(self.current(Kind::AccessGrant, key)),
                enforced_at: enforced_at.map(|at| at.to_string()),
            }),
            revocation: record.and_then(|record| self.proof(key, &standing, record)),
            last_used: usage.map(|usage| full_second(usage.last).to_string()),
            calls_today: usage.map(|usage| {
                let site = self.index.site();
                let today = site.day(usage.last) == site.day(self.now);
                if today { i64::try_from(usage.calls).unwrap_or(i64::MAX) } else { 0 }
            }),
        })
    }

    fn conditions(
        &self,
        grant: &Grant,
        standing: &Standing,
        record: Option<&SerialRecord>,
        enforced_at: Option<Timestamp>,
    ) -> Vec<Condition> {
        let signed = grant.approvals.iter().map(|a| a.approved_at).max().unwrap_or(self.now);
        let since = since(grant, standing, record, signed, self.now);
        let (stands, reason, message) = match standing {
            Standing::Serves => (true, "Approved", "every role has signed, and nothing stands against it"),
            Standing::Refused(finding) => (false, finding.reason.as_str(), finding.message.as_str()),
        };
        let approved = stands || matches!(standing, Standing::Refused(f) if f.reason == Reason::NotYetValid);
        let live = self.live(&grant.key);
        let issued = live.last().map_or(since, |token| token.not_before);
        let enforced = stands && enforced_at.is_some();
        let serves = self.serves(&grant.key);
        let (ready_reason, ready_message) =
            match (stands, live.is_empty(), self.is_enforced(Kind::AccessGrant, &grant.key)) {
                (true, _, false) if !self.is_guarded() => ("NoGuard", "no guard is running; start one"),
                (true, _, false) => ("Waiting", "not every guard has seen it yet"),
                (true, true, true) => ("CredentialMissing", "its first token is not minted yet"),
                (true, false, true) => ("Serving", "calls are answered"),
                (false, ..) => (reason, message),
            };
        let token =
            if live.is_empty() { ("CredentialMissing", "no token is live") } else { ("Issued", "a token is live") };
        let seen = if enforced { ("Enforced", "every guard has it") } else { ("NotEnforced", ready_message) };
        vec![
            condition("Approved", approved, if approved { "Approved" } else { reason }, message, since),
            condition("CredentialIssued", !live.is_empty(), token.0, token.1, issued),
            condition("Enforced", enforced, seen.0, seen.1, enforced_at.unwrap_or(since)),
            condition("Ready", serves, ready_reason, ready_message, if serves { since.max(issued) } else { since }),
        ]
    }

    /// When the end was asked for and when it held.
    fn proof(&self, key: &Key, standing: &Standing, record: &SerialRecord) -> Option<RevocationProof> {
        let Standing::Refused(finding) = standing else { return None };
        let cause = match finding.reason {
            Reason::Revoked => Cause::Revoked,
            Reason::Superseded => Cause::Superseded,
            _ => return None,
        };
        let end = record.ends.iter().find(|end| end.cause == cause)?;
        Some(RevocationProof {
            requested_at: whole_second(end.at).to_string(),
            enforced_at: self.enforced_at(Kind::AccessGrant, key, end.at).map(|at| at.to_string()),
            cause: format!("{cause:?} by {}", end.by),
        })
    }
}

/// The second in which it happened.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Since when a grant stands as it does, as far as that is known.
fn since(
    grant: &Grant,
    standing: &Standing,
    record: Option<&SerialRecord>,
    signed: Timestamp,
    now: Timestamp,
) -> Timestamp {
    let ended = |cause| record.into_iter().flat_map(|r| &r.ends).find(|end| end.cause == cause).map(|end| end.at);
    match standing {
        Standing::Serves => signed.max(grant.not_before).min(now),
        Standing::Refused(finding) => match finding.reason {
            Reason::Expired => grant.not_after.min(now),
            Reason::Revoked => ended(Cause::Revoked).unwrap_or(now),
            Reason::Superseded => ended(Cause::Superseded).unwrap_or(now),
            Reason::Denied | Reason::Pending | Reason::NotYetValid => signed.min(now),
            _ => now,
        },
    }
}

//! Status of a Revocation: what it ended, since when, and whether the data came back.

use std::sync::Arc;

use jiff::Timestamp;

use super::View;
use super::conditions::condition;
use crate::api::v1alpha1::common::LocalReference;
use crate::api::v1alpha1::status::{RecallState, RevocationStatus};
use crate::api::v1alpha1::validate::syntax;
use crate::api::v1alpha1::{Kind, RevocationSpec};
use crate::judge::facts::{Bar, Key, Revocation, Site, Target};
use crate::judge::ledger::Cause;

/// Grants a status lists.
const MAX_MATCHED: usize = 100;

impl View<'_> {
    /// Status of a Revocation. `revocation` is it as the judge knows it.
    #[must_use]
    pub fn revocation(&self, revocation: &Revocation, spec: &RevocationSpec) -> RevocationStatus {
        let since = self.noted(revocation);
        let enforced = since.and_then(|at| self.enforced_at(Kind::Revocation, &revocation.key, at));
        let (reason, message) = match (since, enforced) {
            (_, Some(_)) => ("Enforced", "no call is served against it"),
            (_, None) if self.observed.guards == 0 => ("NoGuard", "no guard is running; it holds as soon as one does"),
            _ => ("Waiting", "not every guard has seen it yet"),
        };
        let matched = self.matched(revocation);
        let names = matched.iter().take(MAX_MATCHED).map(|key| LocalReference { name: key.name.to_string() });
        RevocationStatus {
            observed_generation: None,
            conditions: Some(vec![condition(
                "Ready",
                enforced.is_some(),
                reason,
                message,
                since.unwrap_or(self.now).min(self.now),
            )]),
            matched: Some(names.collect()),
            enforced_at: enforced.map(|at| at.to_string()),
            recall: recall(spec, self.index.site(), self.now),
        }
    }

    /// Grants that a Revocation closes, in order: for a person, those under which the person could look.
    #[must_use]
    pub fn matched(&self, revocation: &Revocation) -> Vec<Key> {
        let namespace = &revocation.key.namespace;
        let candidates = match &revocation.target {
            Target::Grant { serial } => self.index.grants_of_serial(namespace, serial).to_vec(),
            Target::Bar(_) => self.grants_of(namespace),
        };
        let closes = |key: &Key| {
            let Some(grant) = self.index.grant(key) else { return false };
            let unit = self.index.request(&grant.request).map(|request| (&request.unit.code, &request.system));
            revocation.covers(&grant.resource)
                && match &revocation.target {
                    Target::Grant { serial } => grant.serial == *serial,
                    Target::Bar(Bar::Unit { code }) => unit.is_some_and(|(unit, _)| unit == code),
                    Target::Bar(Bar::System { unit_code, name }) => unit == Some((unit_code, name)),
                    Target::Bar(Bar::Person { id, unit_code }) => {
                        let listed = grant.users.as_ref().is_none_or(|users| users.contains(id));
                        let of_unit = |code: &Arc<str>| unit.is_some_and(|(unit, _)| unit == code);
                        listed && unit_code.as_ref().is_none_or(of_unit)
                    }
                }
        };
        candidates.into_iter().filter(closes).collect()
    }

    /// When it was noticed.
    fn noted(&self, revocation: &Revocation) -> Option<Timestamp> {
        let ledger = self.index.ledger();
        match &revocation.target {
            Target::Grant { serial } => {
                let ends = &ledger.serial(&revocation.key.namespace, serial)?.ends;
                let own = ends.iter().filter(|end| end.cause == Cause::Revoked);
                own.filter(|end| end.resources.as_deref() == revocation.resources.as_deref()).map(|end| end.at).min()
            }
            Target::Bar(_) => ledger.standing_bar(&revocation.key).map(|bar| bar.since),
        }
    }
}

/// Whether the data was taken back.
#[must_use]
pub fn recall(spec: &RevocationSpec, site: &Site, now: Timestamp) -> Option<RecallState> {
    let due = syntax::date(&spec.recall.as_ref()?.due)?;
    Some(match spec.receipt {
        Some(_) => RecallState::Done,
        None if now >= site.end_of(due) => RecallState::Overdue,
        None => RecallState::Due,
    })
}

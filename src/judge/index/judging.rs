//! Judging the grants an event touched.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;

use super::relations::{resource_of, serial, serial_of};
use super::{Effects, Index};
use crate::api::v1alpha1::access_grant::Decision;
use crate::api::v1alpha1::common::Mode;
use crate::approval::canonical::Digest;
use crate::approval::digests;
use crate::judge::facts::{Grant, Key, Request};
use crate::judge::ledger::{Cause, LedgerEntry, Scope};
use crate::judge::reason::Reason;
use crate::judge::served::{Plan, Requires, Served};
use crate::judge::verdict::{self, Evidence, Finding, Verdict};

/// Grants with the same fields, operations and mode of one resource share their slice and their plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PlanKey {
    pub(super) resource: Key,
    fields: Box<[Arc<str>]>,
    operations: Box<[Arc<str>]>,
    mode: Mode,
}

/// A grant with its new verdict, before anything else knows.
struct Judged {
    grant: Arc<Grant>,
    verdict: Verdict,
    served: Option<Arc<Served>>,
    /// What must be durable before it can serve.
    ledger: Vec<LedgerEntry>,
}

/// Grants judged on all cores at once, from this many on.
const MANY: usize = 256;
/// And at most so many, for the memory that takes.
const SIDE_BY_SIDE: usize = 8192;

impl Index {
    pub(super) fn judge(&mut self, mut touched: BTreeSet<Key>, now: Timestamp, effects: &mut Effects) {
        // who is fully signed decides about others of the same serial
        let mut siblings = BTreeSet::new();
        for slot in touched.iter().filter_map(|key| self.grants.get(key)) {
            let serial = serial_of(&slot.grant);
            let others = self.relations.of_serial(&serial).iter().filter(|other| **other != slot.grant.key);
            siblings.extend(others.chain(self.relations.successors(&serial)).cloned());
        }
        touched.append(&mut siblings);
        let touched: Vec<Key> = touched.into_iter().collect();
        for keys in touched.chunks(SIDE_BY_SIDE) {
            for key in keys {
                self.prepare_plan(key);
            }
            // nearly always one grant; a first view has them all
            let judged: Vec<Judged> = if keys.len() < MANY {
                keys.iter().filter_map(|key| self.judge_one(key, now)).collect()
            } else {
                keys.par_iter().filter_map(|key| self.judge_one(key, now)).collect()
            };
            for one in judged {
                self.take_in(one, now, effects);
            }
        }
    }

    /// Judges one grant by the world as it is, changing nothing.
    fn judge_one(&self, key: &Key, now: Timestamp) -> Option<Judged> {
        let grant = self.grants.get(key)?.grant.clone();
        let verdict = verdict::verdict(&self.evidence(&grant, now));
        let mut judged = Judged { grant, verdict, served: None, ledger: Vec::new() };
        if let Verdict::Serves { approved } = judged.verdict {
            match self.serve(&judged.grant, approved, now) {
                Ok(ready) => judged.served = Some(ready),
                Err((finding, entries)) => (judged.verdict, judged.ledger) = (Verdict::Refused(finding), entries),
            }
        }
        Some(judged)
    }

    fn take_in(&mut self, judged: Judged, now: Timestamp, effects: &mut Effects) {
        let Judged { grant, verdict: judged, served, mut ledger } = judged;
        let key = &grant.key;
        effects.ledger.append(&mut ledger);
        self.remember_expiry(&grant, &judged, now, effects);
        let timer = verdict::next_change(&grant, now);
        let Some(slot) = self.grants.get_mut(key) else { return };
        if slot.verdict != judged {
            effects.changed.insert(key.clone());
        }
        slot.verdict = judged;
        if let Some(at) = std::mem::replace(&mut slot.timer, timer) {
            self.timers.remove(&(at, key.clone()));
        }
        if let Some(at) = timer {
            self.timers.insert((at, key.clone()));
        }
        self.grants.serve(key, served);
    }

    /// All that is known about a grant.
    pub(super) fn evidence<'a>(&'a self, grant: &'a Grant, now: Timestamp) -> Evidence<'a> {
        let others = self.relations.of_serial(&serial_of(grant)).iter().filter(|other| **other != grant.key);
        let rival = { others }.find(|other| self.is_fully_signed(other, now));
        Evidence { rival, ..self.evidence_alone(grant, now) }
    }

    /// Whether a grant owns its serial as far as signatures go; a denial does with one.
    fn is_fully_signed(&self, key: &Key, now: Timestamp) -> bool {
        self.grants.get(key).is_some_and(|slot| {
            let evidence = self.evidence_alone(&slot.grant, now);
            let counted = verdict::approvals(&evidence);
            counted.enough() || (slot.grant.decision == Decision::Denied && !counted.valid.is_empty())
        })
    }

    /// Without a look at others of the same serial.
    fn evidence_alone<'a>(&'a self, grant: &'a Grant, now: Timestamp) -> Evidence<'a> {
        let request = self.requests.get(&grant.request).map(|r| &**r);
        Evidence {
            grant,
            request,
            resource: self.resources.get(&resource_of(grant)).map(|r| &**r),
            slice: self.plan(grant, request).and_then(|(slice, _)| *slice),
            signers: &self.signers,
            site: &self.site,
            record: self.ledger.serial(&grant.key.namespace, &grant.serial),
            rival: None,
            superseded: self.superseded_scope(grant),
            now,
            counted: OnceCell::new(),
        }
    }

    fn plan(&self, grant: &Grant, request: Option<&Request>) -> Option<&(Option<Digest>, Option<Arc<Plan>>)> {
        self.plans.get(&plan_key(grant, request?))
    }

    /// Slice and plan are worked out once for all grants alike.
    fn prepare_plan(&mut self, grant: &Key) {
        let Some(grant) = self.grants.get(grant).map(|slot| &slot.grant) else { return };
        let Some(request) = self.requests.get(&grant.request) else { return };
        let key = plan_key(grant, request);
        if self.plans.contains_key(&key) {
            return;
        }
        let Some(resource) = self.resources.get(&key.resource) else { return };
        let (namespace, name) = (&resource.key.namespace, &resource.key.name);
        let slice = digests::slice(namespace, name, &resource.spec, &grant.fields, &grant.operations, request.mode);
        let plan = Plan::of(grant, resource).map(Arc::new);
        self.plans.insert(key, (slice.ok(), plan));
    }

    /// The grant ready to serve, or what must be durable first.
    fn serve(
        &self,
        grant: &Arc<Grant>,
        approved: Timestamp,
        now: Timestamp,
    ) -> Result<Arc<Served>, (Finding, Vec<LedgerEntry>)> {
        let closed =
            |message: &str, entries| (Finding { reason: Reason::Enforcing, message: message.to_owned() }, entries);
        let request = self.requests.get(&grant.request).ok_or_else(|| closed("no request", Vec::new()))?;
        let record = self.ledger.serial(&grant.key.namespace, &grant.serial);
        if record.is_none_or(|record| record.enforced.is_none()) {
            return Err(closed("its serial is being written down", enforcement(grant, request, now)));
        }
        let plan = self.plan(grant, Some(request)).and_then(|(_, plan)| plan.clone());
        let plan = plan
            .ok_or_else(|| closed("its fields cannot be projected: two paths lead through each other", Vec::new()))?;
        Ok(Arc::new(Served {
            not_before: grant.not_before,
            not_after: grant.not_after,
            approved,
            requires: Requires::of(grant, &plan.resource),
            plan,
            users: grant.users.as_ref().map(|users| Box::new(users.iter().cloned().collect())),
            sources: request.sources.iter().copied().collect(),
            grant: grant.clone(),
            request: request.clone(),
        }))
    }

    fn remember_expiry(&mut self, grant: &Grant, judged: &Verdict, now: Timestamp, effects: &mut Effects) {
        let expired = matches!(judged, Verdict::Refused(finding) if finding.reason == Reason::Expired);
        let record = self.ledger.serial(&grant.key.namespace, &grant.serial);
        let first = record.is_some_and(|record| {
            record.enforced.as_ref().is_some_and(|(digest, _, _)| *digest == grant.terms)
                && !record.ends.iter().any(|end| end.cause == Cause::Expired)
        });
        if expired && first {
            let (namespace, serial) = (grant.key.namespace.clone(), grant.serial.clone());
            let (cause, digest, by) = (Cause::Expired, Some(grant.terms), serial.clone());
            let entry =
                LedgerEntry::Ended { namespace, serial, cause, digest, scope: None, resources: None, by, at: now };
            self.ledger.take(&entry);
            effects.ledger.push(entry);
        }
    }

    /// What the grant that `grant` supersedes is for; one that differs, if there is such a one.
    fn superseded_scope(&self, grant: &Grant) -> Option<Scope> {
        let older = serial(&grant.key.namespace, grant.supersedes.as_ref()?);
        let remembered = self.ledger.serial(&older.namespace, &older.name).and_then(|r| r.enforced.as_ref());
        let present = self.relations.of_serial(&older).iter().filter_map(|key| {
            let older = &self.grants.get(key)?.grant;
            Some(scope(older, self.requests.get(&older.request)?))
        });
        let own = self.requests.get(&grant.request).map(|request| scope(grant, request));
        let mut known: Vec<Scope> = present.chain(remembered.map(|(_, scope, _)| scope.clone())).collect();
        let other = known.iter().position(|scope| Some(scope) != own.as_ref());
        if known.is_empty() { None } else { Some(known.swap_remove(other.unwrap_or(0))) }
    }
}

/// The facts that must be durable before the first call: its terms own the serial, and what it
/// supersedes has ended.
fn enforcement(grant: &Grant, request: &Request, now: Timestamp) -> Vec<LedgerEntry> {
    let (namespace, serial, scope) = (grant.key.namespace.clone(), grant.serial.clone(), scope(grant, request));
    let mut entries = vec![LedgerEntry::Enforced {
        namespace: namespace.clone(),
        serial: serial.clone(),
        digest: grant.terms,
        scope: scope.clone(),
        not_after: grant.not_after,
        at: now,
    }];
    if let Some(older) = &grant.supersedes {
        entries.push(LedgerEntry::Ended {
            namespace,
            serial: older.clone(),
            cause: Cause::Superseded,
            digest: None,
            scope: Some(scope),
            resources: None,
            by: serial,
            at: now,
        });
    }
    entries
}

fn scope(grant: &Grant, request: &Request) -> Scope {
    Scope { resource: grant.resource.clone(), unit: request.unit.code.clone(), system: request.system.clone() }
}

fn plan_key(grant: &Grant, request: &Request) -> PlanKey {
    PlanKey {
        resource: resource_of(grant),
        fields: grant.fields.clone(),
        operations: grant.operations.clone(),
        mode: request.mode,
    }
}

//! Events: objects come and go, signers change, time passes, facts become durable.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::relations::{serial, serial_of};
use super::{Effects, Index, Slot};
use crate::approval::signers::Signers;
use crate::judge::bars::Bars;
use crate::judge::facts::{Grant, Key, Request, Resource, Revocation, Target};
use crate::judge::ledger::{Cause, LedgerEntry};
use crate::judge::reason::Reason;
use crate::judge::verdict::{Finding, Verdict};

/// One event.
#[derive(Debug)]
pub enum Change {
    Request(Arc<Request>),
    RequestGone(Key),
    Grant(Arc<Grant>),
    GrantGone(Key),
    Resource(Resource),
    ResourceGone(Key),
    Revocation(Revocation),
    RevocationGone(Key),
    Signers(Signers),
}

impl From<Grant> for Change {
    fn from(grant: Grant) -> Self {
        Self::Grant(Arc::new(grant))
    }
}

impl From<Request> for Change {
    fn from(request: Request) -> Self {
        Self::Request(Arc::new(request))
    }
}

impl Index {
    /// Takes many events in and judges once at the end: for the first view.
    pub fn load(&mut self, changes: impl IntoIterator<Item = Change>, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        for change in changes {
            self.insert(change, now, &mut effects);
        }
        let all: BTreeSet<Key> = self.grants.keys().cloned().collect();
        self.judge(all, now, &mut effects);
        effects
    }

    /// Takes one event in and judges what depends on it.
    pub fn apply(&mut self, change: Change, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        let touched = self.insert(change, now, &mut effects);
        self.judge(touched, now, &mut effects);
        effects
    }

    /// Judges what time alone has changed.
    pub fn settle(&mut self, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        let due: BTreeSet<Key> =
            self.timers.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| key.clone()).collect();
        self.judge(due, now, &mut effects);
        effects
    }

    /// When [`Index::settle`] has something to do next.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// These facts are durable now.
    pub fn record(&mut self, entries: &[LedgerEntry], now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        let mut touched = BTreeSet::new();
        let mut barred = false;
        for entry in entries {
            let new = self.ledger.take(entry);
            barred |= new && matches!(entry, LedgerEntry::Barred { .. } | LedgerEntry::Lifted { .. });
            if let LedgerEntry::Enforced { namespace, serial: s, .. }
            | LedgerEntry::Ended { namespace, serial: s, .. }
            | LedgerEntry::Suspended { namespace, serial: s, .. } = entry
            {
                let serial = serial(namespace, s);
                touched.extend(self.relations.of_serial(&serial).iter().cloned());
                // what they claim to replace may be known only now, its grant being absent
                touched.extend(self.relations.successors(&serial).iter().cloned());
            }
        }
        if barred {
            // seen by whoever keeps the ledger, and perhaps never here
            self.bars = Bars::gather(self.revocations.values(), &self.ledger);
        }
        self.judge(touched, now, &mut effects);
        effects
    }

    /// Revocations that the ledger remembers and that are not there any more, noticed now: called
    /// once when the first view is complete.
    pub fn notice_absent(&mut self, now: Timestamp) -> Effects {
        let standing = self.ledger.bars().filter(|(key, record)| {
            let live = self.revocations.get(key).is_some_and(|live| same_bar(live, record));
            record.lifted.is_none() && !live
        });
        let gone: BTreeSet<Key> = standing.map(|(key, _)| key.clone()).collect();
        let mut effects = Effects::default();
        for key in gone {
            self.lift(&key, now, &mut effects);
            if let Some(live) = self.revocations.get(&key).cloned() {
                self.remember(&live, now, &mut effects);
            }
        }
        self.bars = Bars::gather(self.revocations.values(), &self.ledger);
        effects
    }

    fn insert(&mut self, change: Change, now: Timestamp, effects: &mut Effects) -> BTreeSet<Key> {
        match change {
            Change::Request(request) => {
                let key = request.key.clone();
                self.requests.insert(key.clone(), request);
                self.relations.of_request(&key).iter().cloned().collect()
            }
            Change::RequestGone(key) => {
                self.requests.remove(&key);
                self.relations.of_request(&key).iter().cloned().collect()
            }
            Change::Resource(resource) => {
                let key = resource.key.clone();
                self.forget_plans(&key);
                self.resources.insert(key.clone(), Arc::new(resource));
                self.relations.of_resource(&key).cloned().collect()
            }
            Change::ResourceGone(key) => {
                self.forget_plans(&key);
                self.resources.remove(&key);
                self.relations.of_resource(&key).cloned().collect()
            }
            Change::Grant(grant) => self.insert_grant(grant, effects),
            Change::GrantGone(key) => self.remove_grant(&key, effects),
            Change::Revocation(revocation) => self.insert_revocation(revocation, now, effects),
            Change::RevocationGone(key) => self.remove_revocation(&key, now, effects),
            Change::Signers(signers) => {
                self.signers = signers;
                self.grants.keys().cloned().collect()
            }
        }
    }

    fn insert_grant(&mut self, grant: Arc<Grant>, effects: &mut Effects) -> BTreeSet<Key> {
        let key = grant.key.clone();
        if self.grants.get(&key).is_some_and(|slot| slot.grant == grant) {
            return BTreeSet::from([key]);
        }
        let mut touched = self.remove_grant(&key, effects);
        self.relations.add(&grant);
        touched.extend(self.relations.of_serial(&serial_of(&grant)).iter().cloned());
        touched.extend(self.relations.successors(&serial_of(&grant)).iter().cloned());
        let verdict = Verdict::Refused(Finding { reason: Reason::Pending, message: String::new() });
        self.grants.insert(Slot { grant, verdict, timer: None });
        touched.insert(key);
        touched
    }

    fn remove_grant(&mut self, key: &Key, effects: &mut Effects) -> BTreeSet<Key> {
        let Some(slot) = self.grants.remove(key) else { return BTreeSet::new() };
        if let Some(at) = slot.timer {
            self.timers.remove(&(at, key.clone()));
        }
        effects.changed.insert(key.clone());
        self.relations.remove(&slot.grant);
        let serial = serial_of(&slot.grant);
        let siblings = self.relations.of_serial(&serial).iter();
        siblings.chain(self.relations.successors(&serial)).cloned().collect()
    }

    fn insert_revocation(&mut self, revocation: Revocation, now: Timestamp, effects: &mut Effects) -> BTreeSet<Key> {
        let key = revocation.key.clone();
        if self.revocations.get(&key) == Some(&revocation) {
            return BTreeSet::new();
        }
        // an edit is a deletion and a new Revocation
        let mut touched = self.remove_revocation(&key, now, effects);
        let standing = self.ledger.standing_bar(&key);
        if standing.is_some_and(|record| !same_bar(&revocation, record)) {
            self.lift(&key, now, effects);
            self.bars = Bars::gather(self.revocations.values(), &self.ledger);
        }
        self.remember(&revocation, now, effects);
        self.bars.add(&revocation);
        if let Target::Grant { serial: ended } = &revocation.target {
            touched.extend(self.relations.of_serial(&serial(&key.namespace, ended)).iter().cloned());
        }
        self.revocations.insert(key, revocation);
        touched
    }

    fn remove_revocation(&mut self, key: &Key, now: Timestamp, effects: &mut Effects) -> BTreeSet<Key> {
        let Some(revocation) = self.revocations.remove(key) else { return BTreeSet::new() };
        match &revocation.target {
            Target::Grant { serial: ended } => {
                self.relations.of_serial(&serial(&key.namespace, ended)).iter().cloned().collect()
            }
            Target::Bar(_) => {
                self.lift(key, now, effects);
                self.bars = Bars::gather(self.revocations.values(), &self.ledger);
                BTreeSet::new()
            }
        }
    }

    /// What closes is remembered at once; the shell makes it durable behind that.
    fn remember(&mut self, revocation: &Revocation, now: Timestamp, effects: &mut Effects) {
        let (namespace, name) = (revocation.key.namespace.clone(), revocation.key.name.clone());
        let resources = revocation.resources.as_ref().map(|list| list.to_vec());
        let entry = match &revocation.target {
            Target::Grant { serial: ended } => {
                let record = self.ledger.serial(&namespace, ended);
                if record.is_some_and(|r| r.ends.iter().any(|e| e.cause == Cause::Revoked && e.resources == resources))
                {
                    return;
                }
                let digest = record.and_then(|r| r.enforced.as_ref()).map(|(digest, _, _)| *digest);
                let (serial, cause) = (ended.clone(), Cause::Revoked);
                // the place where it was found is nothing a caller should read
                let name: Arc<str> = name.split(" (").next().unwrap_or_default().into();
                LedgerEntry::Ended { namespace, serial, cause, digest, scope: None, resources, by: name, at: now }
            }
            Target::Bar(bar) => {
                if self.ledger.standing_bar(&revocation.key).is_some_and(|record| same_bar(revocation, record)) {
                    return;
                }
                LedgerEntry::Barred { namespace, name, bar: bar.clone(), resources, at: now }
            }
        };
        self.ledger.take(&entry);
        effects.ledger.push(entry);
    }

    fn lift(&mut self, key: &Key, now: Timestamp, effects: &mut Effects) {
        if self.ledger.standing_bar(key).is_some() {
            let entry = LedgerEntry::Lifted { namespace: key.namespace.clone(), name: key.name.clone(), at: now };
            self.ledger.take(&entry);
            effects.ledger.push(entry);
        }
    }

    fn forget_plans(&mut self, resource: &Key) {
        self.plans.retain(|plan, _| plan.resource != *resource);
    }
}

fn same_bar(revocation: &Revocation, record: &crate::judge::ledger::BarRecord) -> bool {
    matches!(&revocation.target, Target::Bar(bar) if *bar == record.bar)
        && revocation.resources.as_deref() == record.resources.as_deref()
}

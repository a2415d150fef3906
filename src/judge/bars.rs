//! Who is kept out, whatever was granted: sets of their own, so that barring a unit with ten
//! thousand grants is one insert, looked up per call.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::facts::{Bar, Revocation, Target, revocation_covers};
use super::ledger::Ledger;
use super::refusal::{Code, Refusal};

/// Standing and lifted bars of every provider's namespace.
#[derive(Clone, Debug, Default)]
pub struct Bars {
    by_holder: HashMap<(Arc<str>, Bar), Vec<Shut>>,
}

/// One closed door: for everything, or for what was signed up to a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shut {
    revocation: Arc<str>,
    resources: Option<Box<[Arc<str>]>>,
    /// `None`: stands. Otherwise only approvals after this moment open it.
    lifted: Option<Timestamp>,
}

/// Whose call it is, for which resource, and when the first counted approval was given.
pub struct Caller<'a> {
    pub namespace: &'a Arc<str>,
    pub resource: &'a str,
    pub unit: &'a Arc<str>,
    pub system: &'a Arc<str>,
    pub user: Option<&'a str>,
    pub earliest_approval: Option<Timestamp>,
}

impl Bars {
    /// Every bar: those of the Revocations that are there, and those the ledger remembers.
    #[must_use]
    pub fn gather<'a>(live: impl Iterator<Item = &'a Revocation>, ledger: &Ledger) -> Self {
        let mut bars = Self::default();
        for revocation in live {
            bars.add(revocation);
        }
        for (key, record) in ledger.bars() {
            let resources = record.resources.as_deref().map(Box::from);
            bars.shut(
                &key.namespace,
                &record.bar,
                Shut { revocation: key.name.clone(), resources, lifted: record.lifted },
            );
        }
        bars
    }

    /// Closes what a Revocation closes.
    pub fn add(&mut self, revocation: &Revocation) {
        if let Target::Bar(bar) = &revocation.target {
            let name = revocation.key.name.clone();
            let shut = Shut { revocation: name, resources: revocation.resources.clone(), lifted: None };
            self.shut(&revocation.key.namespace, bar, shut);
        }
    }

    fn shut(&mut self, namespace: &Arc<str>, bar: &Bar, shut: Shut) {
        let all = self.by_holder.entry((namespace.clone(), bar.clone())).or_default();
        if !all.contains(&shut) {
            all.push(shut);
        }
    }

    /// The refusal for this caller, if a bar stands against it. Unit before system before person.
    #[must_use]
    pub fn against(&self, caller: &Caller<'_>) -> Option<Refusal> {
        if self.by_holder.is_empty() {
            return None;
        }
        let unit = Bar::Unit { code: caller.unit.clone() };
        if self.closed(caller, unit) {
            return Some(Refusal::new(
                Code::UnitRevoked,
                "a Revocation bars the unit (clause 4.3.2); ask the provider",
            ));
        }
        let system = Bar::System { unit_code: caller.unit.clone(), name: caller.system.clone() };
        if self.closed(caller, system) {
            return Some(Refusal::new(Code::SystemRevoked, "a Revocation bars the system; ask the provider"));
        }
        let id: Arc<str> = caller.user?.into();
        let everywhere = Bar::Person { id: id.clone(), unit_code: None };
        let in_unit = Bar::Person { id, unit_code: Some(caller.unit.clone()) };
        if self.closed(caller, everywhere) || self.closed(caller, in_unit) {
            return Some(Refusal::new(
                Code::PersonRevoked,
                "a Revocation bars the person (clause 4.3.1); ask the provider",
            ));
        }
        None
    }

    fn closed(&self, caller: &Caller<'_>, bar: Bar) -> bool {
        self.by_holder.get(&(caller.namespace.clone(), bar)).is_some_and(|all| {
            all.iter().any(|shut| {
                let in_time = match (shut.lifted, caller.earliest_approval) {
                    (None, _) | (Some(_), None) => true,
                    (Some(lifted), Some(approved)) => approved <= lifted,
                };
                in_time && revocation_covers(shut.resources.as_deref(), caller.resource)
            })
        })
    }
}

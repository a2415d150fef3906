//! What an inspection knows beside the record: what was approved and is, who may not, what is due. Taken
//! from the judge's world in short looks, so that nobody waits meanwhile, nor while the record is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::RwLock;

use super::outside_approval::SLACK;
use crate::api::v1alpha1::RevocationSpec;
use crate::api::v1alpha1::status::RecallState;
use crate::audit::filter::Onward;
use crate::audit::verify;
use crate::judge::facts::{Bar, Grant, Key, Request, Resource, Site, Target};
use crate::judge::index::{Index, Standing};
use crate::judge::ledger::{BarRecord, SerialRecord};
use crate::judge::permit::Credential;
use crate::judge::status::recall;
use crate::settings::LONGEST_STALENESS;

/// Grants that are looked at together.
const TOGETHER: usize = 1000;

/// What the judge's world does not have.
#[derive(Debug, Default)]
pub struct Beside<'a> {
    pub revocations: BTreeMap<Key, Arc<RevocationSpec>>,
    /// The policies that there are.
    pub policies: BTreeSet<Key>,
    /// By grant, over at least [`super::UNUSED`].
    pub last_used: HashMap<Key, Timestamp>,
    /// The oldest entry of the record that is here.
    pub oldest: Option<Timestamp>,
    /// What verification found, by stream; `None` where nobody verified yet.
    pub faults: Option<BTreeMap<String, Vec<verify::Finding>>>,
    /// From where on nothing was inspected yet, where that is known by place.
    pub onward: Option<Onward>,
    /// How old a view a guard may answer by; the longest that settings may say, where nobody knows.
    pub max_staleness: Option<SignedDuration>,
    /// Tokens of grants, where the index does not have them.
    pub tokens: Option<&'a HashMap<Key, Credential>>,
}

/// One grant of the policy's resources.
#[derive(Clone, Debug)]
pub struct GrantFacts {
    pub grant: Arc<Grant>,
    pub request: Option<Arc<Request>>,
    pub serves: bool,
    pub enforced_at: Option<Timestamp>,
    /// Its newest token.
    pub token: Option<Credential>,
}

/// A recall that is past its day.
#[derive(Clone, Debug)]
pub(super) struct OpenRecall {
    pub revocation: Key,
    pub due: String,
    pub resources: Option<Vec<Arc<str>>>,
    pub target: Target,
}

/// All of it.
#[derive(Debug)]
pub struct Facts {
    pub(super) site: Site,
    namespace: Arc<str>,
    /// Those of the policy, and those that no policy that is there is named for.
    pub(super) resources: BTreeMap<Key, Arc<Resource>>,
    /// Resources of the namespace that are another policy's.
    elsewhere: BTreeSet<Arc<str>>,
    pub(super) grants: BTreeMap<Key, GrantFacts>,
    pub(super) records: HashMap<Key, SerialRecord>,
    pub(super) bars: Vec<(Key, BarRecord)>,
    pub(super) recalls: Vec<OpenRecall>,
    pub(super) last_used: HashMap<Key, Timestamp>,
    pub(super) oldest: Option<Timestamp>,
    faults: Option<BTreeMap<String, Vec<verify::Finding>>>,
    pub(super) onward: Option<Onward>,
    max_staleness: SignedDuration,
}

impl Facts {
    /// What is so now, for the resources of a policy.
    #[must_use]
    pub fn gather(index: &Index, policy: &Key, beside: Beside<'_>, now: Timestamp) -> Self {
        let tokens = beside.tokens;
        let mut facts = Self::without_grants(index, policy, beside, now);
        let mut places = (0..).step_by(TOGETHER);
        while places.next().is_some_and(|from| facts.add_grants(index, tokens, from, now)) {}
        facts
    }

    /// The same of a world that goes on meanwhile: each grant is as it was at some moment of this.
    #[must_use]
    pub fn gather_from(index: &RwLock<Index>, policy: &Key, beside: Beside<'_>, now: Timestamp) -> Self {
        let tokens = beside.tokens;
        let mut facts = Self::without_grants(&index.read(), policy, beside, now);
        let mut places = (0..).step_by(TOGETHER);
        while places.next().is_some_and(|from| facts.add_grants(&index.read(), tokens, from, now)) {}
        facts
    }

    fn without_grants(index: &Index, policy: &Key, beside: Beside<'_>, now: Timestamp) -> Self {
        let others = |resource: &Resource| {
            let reference = resource.spec.audit_policy_ref.as_ref().filter(|at| *at.name != *policy.name);
            reference.is_some_and(|at| beside.policies.contains(&Key::new(policy.namespace.clone(), at.name.as_str())))
        };
        let mut resources = BTreeMap::new();
        let mut elsewhere = BTreeSet::new();
        for resource in index.resources().filter(|resource| resource.key.namespace == policy.namespace) {
            if others(resource) {
                elsewhere.insert(resource.key.name.clone());
            } else {
                resources.insert(resource.key.clone(), resource.clone());
            }
        }
        let of_namespace = |key: &Key| key.namespace == policy.namespace;
        let records = index.ledger().serials().filter(|(key, _)| of_namespace(key));
        let bars = index.ledger().bars().filter(|(key, _)| of_namespace(key));
        Self {
            site: index.site().clone(),
            grants: BTreeMap::new(),
            records: records.map(|(key, record)| (key.clone(), record.clone())).collect(),
            bars: bars.map(|(key, bar)| (key.clone(), bar.clone())).collect(),
            recalls: recalls(index, policy, &beside.revocations, now),
            last_used: beside.last_used,
            oldest: beside.oldest,
            faults: beside.faults,
            onward: beside.onward,
            max_staleness: beside.max_staleness.unwrap_or(LONGEST_STALENESS),
            namespace: policy.namespace.clone(),
            resources,
            elsewhere,
        }
    }

    /// Adds the grants in some places, if there are any left.
    fn add_grants(
        &mut self,
        index: &Index,
        tokens: Option<&HashMap<Key, Credential>>,
        from: usize,
        now: Timestamp,
    ) -> bool {
        let Some(grants) = index.some_grants(from, TOGETHER) else { return false };
        let token = |key: &Key| match tokens {
            Some(tokens) => tokens.get(key).cloned(),
            None => index.newest_token(key).cloned(),
        };
        for grant in grants {
            if !self.covers(&grant.key.namespace, &grant.resource) {
                continue;
            }
            let facts = GrantFacts {
                request: index.request(&grant.request).cloned(),
                serves: index.standing(&grant.key, now) == Some(Standing::Serves),
                enforced_at: index.ledger().serial(&grant.key.namespace, &grant.serial).and_then(|r| r.enforced_at),
                token: token(&grant.key),
                grant: grant.clone(),
            };
            self.grants.insert(grant.key.clone(), facts);
        }
        true
    }

    /// Whether a resource is inspected by the policy. One that is not there now, or names no policy that is, is by every
    /// policy of its namespace: nobody else looks at what was released of it.
    #[must_use]
    pub fn covers(&self, namespace: &str, name: &str) -> bool {
        *self.namespace == *namespace && !self.elsewhere.contains(name)
    }

    /// From where on nothing was inspected yet, where that is known by place.
    #[must_use]
    pub fn onward(&self) -> Option<&Onward> {
        self.onward.as_ref()
    }

    /// What verification found, by stream; `None` where nobody verified yet.
    #[must_use]
    pub fn faults(&self) -> Option<&BTreeMap<String, Vec<verify::Finding>>> {
        self.faults.as_ref()
    }

    pub fn grants(&self) -> impl Iterator<Item = &GrantFacts> {
        self.grants.values()
    }

    /// From when on what the ledger says of `at` surely held at every guard.
    pub(super) fn heard(&self, at: Timestamp) -> Timestamp {
        let slack = self.max_staleness.saturating_add(SLACK);
        at.checked_add(slack).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn resource(&self, grant: &Grant) -> Option<&Arc<Resource>> {
        self.resources.get(&Key::new(grant.key.namespace.clone(), grant.resource.clone()))
    }
}

impl OpenRecall {
    /// Whether the data was taken under this grant. Of a person, nobody knows where no grant or unit names them.
    pub(super) fn concerns(&self, facts: &GrantFacts) -> bool {
        let grant = &facts.grant;
        let covered = self.resources.as_ref().is_none_or(|names| names.contains(&grant.resource));
        let unit = facts.request.as_ref().map(|request| (&request.unit.code, &request.system));
        let target = match &self.target {
            Target::Grant { serial } => grant.serial == *serial,
            Target::Bar(Bar::Unit { code }) => unit.is_some_and(|(unit, _)| unit == code),
            Target::Bar(Bar::System { unit_code, name }) => unit == Some((unit_code, name)),
            Target::Bar(Bar::Person { id, unit_code: None }) => {
                grant.users.as_ref().is_some_and(|users| users.contains(id))
            }
            Target::Bar(Bar::Person { unit_code: Some(code), .. }) => unit.is_some_and(|(unit, _)| unit == code),
        };
        grant.key.namespace == self.revocation.namespace && covered && target
    }
}

fn recalls(index: &Index, policy: &Key, specs: &BTreeMap<Key, Arc<RevocationSpec>>, now: Timestamp) -> Vec<OpenRecall> {
    let own = specs.iter().filter(|(key, _)| key.namespace == policy.namespace);
    let overdue = own.filter(|(_, spec)| recall(spec, index.site(), now) == Some(RecallState::Overdue));
    let open = overdue.filter_map(|(key, spec)| {
        let revocation = index.revocation(key)?;
        Some(OpenRecall {
            revocation: key.clone(),
            due: spec.recall.as_ref()?.due.clone(),
            resources: revocation.resources.as_deref().map(<[_]>::to_vec),
            target: revocation.target.clone(),
        })
    });
    open.collect()
}

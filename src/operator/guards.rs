//! The guards as their Leases tell: who lives, and how far each has come. From that comes since when a grant or a
//! Revocation is enforced everywhere.

mod proofs;
mod uses;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::context::Context;
use super::record_keys::Keys;
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::status::InspectionResult;
use crate::audit::note::VerifyingKey;
use crate::clock::{Stopwatch, apart};
use crate::judge::facts::Key;
use crate::judge::ledger::LedgerEntry;
use crate::judge::status::{Ended, INSPECTED, InspectedBy, Kept, USED, UsedBy, full_second, together};
use crate::source::change::{Version, Watched};
use crate::source::cluster::told::{APPLIED, KEPT, KEYS, PREFIX, STREAM};
pub use proofs::Versions;
use proofs::{Proofs, applied};
use uses::Uses;

/// Label by which guards' Leases are found.
pub const GUARDS: &str = "app.kubernetes.io/component=guard";

/// Another number of guards is told of when it has stayed for so long.
const STAYS: SignedDuration = SignedDuration::from_secs(60);

/// How soon a guard is noticed that says nothing any more.
const SILENCE: Duration = Duration::from_secs(1);
/// After a start, a guard that lives tells how far it has come in less than this.
const SETTLED: Duration = Duration::from_secs(45);

/// One guard.
#[derive(Debug)]
struct Guard {
    stream: String,
    applied: Versions,
    /// How long its view may be old, as it wrote.
    lasts: Duration,
    /// Since we saw it renewed: it asked before that, so its view is no younger.
    seen: Stopwatch,
    version: String,
    inspected: Option<InspectedBy>,
    kept: Option<Kept>,
}

impl Guard {
    fn lives(&self) -> bool {
        self.seen.elapsed() <= self.lasts
    }

    fn has(&self, watched: Watched, version: Version) -> bool {
        self.applied.get(&watched).is_some_and(|applied| *applied >= version)
    }
}

/// How the last inspection by each policy ended, of all guards together.
fn inspections<'g>(guards: impl Iterator<Item = &'g Guard>) -> HashMap<Key, InspectionResult> {
    let mut all: BTreeMap<&str, Vec<&Ended>> = BTreeMap::new();
    for told in guards.filter_map(|guard| guard.inspected.as_ref()) {
        told.policies.iter().for_each(|(policy, ended)| all.entry(policy).or_default().push(ended));
    }
    let each = all.into_iter().filter_map(|(policy, ended)| {
        let (namespace, name) = policy.split_once('/')?;
        Some((Key::new(namespace, name), together(ended.into_iter())?))
    });
    each.collect()
}

/// The stream of the record that the guard of a Lease writes; its own name, if it says nothing.
fn stream(lease: &Lease) -> String {
    let name = lease.name_any();
    lease.annotations().get(STREAM).map_or_else(|| name.strip_prefix(PREFIX).unwrap_or(&name).to_owned(), Clone::clone)
}

/// The lines of a Lease that are keys of its stream.
fn published(lease: &Lease) -> Option<String> {
    let end = format!("/{}", stream(lease));
    let is_own = |line: &&str| line.parse::<VerifyingKey>().is_ok_and(|key| key.name().ends_with(&end));
    let own = lease.annotations().get(KEYS)?.lines().filter(is_own);
    let keys: String = own.flat_map(|line| [line, "\n"]).collect();
    Some(keys).filter(|keys| !keys.is_empty())
}

/// All guards, and what waits for them.
#[derive(Debug, Default)]
pub struct Guards {
    inner: Mutex<Inner>,
    /// One look at a time, so that an older one is never written over a newer one.
    looks: Mutex<()>,
    told: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    guards: BTreeMap<String, Guard>,
    proofs: Proofs,
    /// Those that were counted last.
    counted: Vec<String>,
    tally: Tally,
    /// Grants whose status was written while there was another number of guards than is told.
    miscounted: HashSet<Key>,
    /// Since all Leases were told for the first time.
    listed: Option<Stopwatch>,
    /// Since it was asked for the first time whether they have been.
    asked: Option<Stopwatch>,
    uses: Uses,
    /// Public keys of the streams that guards write, or wrote last.
    keys: Keys,
    /// What is looked at again once guards have told.
    left: HashSet<(Kind, Key)>,
}

impl Inner {
    fn settles(&mut self) -> bool {
        let Some(since) = &self.listed else {
            return self.asked.get_or_insert_with(Stopwatch::start).elapsed() < SETTLED;
        };
        since.elapsed() < SETTLED && self.proofs.has_old() && self.guards.values().any(Guard::lives)
    }
}

/// How many guards the grants' statuses tell of. That there is another number is told once it has stayed: while guards
/// are restarted one after the other, each of them would have every status written again.
#[derive(Debug, Default)]
struct Tally {
    told: usize,
    /// Another number than was told, and since when.
    other: Option<(usize, Timestamp)>,
}

impl Tally {
    /// Whether there are as many as is told.
    fn is_told(&self) -> bool {
        self.other.is_none()
    }

    /// Whether it is to be told now that there are so many.
    fn count(&mut self, living: usize, now: Timestamp) -> bool {
        if living == self.told {
            self.other = None;
            return false;
        }
        // from none to some, or to none, changes what is served, and is told at once
        let since = match self.other {
            Some((other, since)) if other == living => since,
            _ => now,
        };
        let stays = apart(now, since) >= STAYS || living == 0 || self.told == 0;
        self.other = (!stays).then_some((living, since));
        if stays {
            self.told = living;
        }
        stays
    }
}

impl Guards {
    /// A Lease as it is now.
    pub fn put(&self, lease: &Lease) {
        let (name, version) = (lease.name_any(), lease.resource_version().unwrap_or_default());
        if let Some(keys) = published(lease) {
            self.inner.lock().keys.insert(stream(lease), keys);
        }
        let spec = lease.spec.as_ref();
        // nobody's: what a guard leaves behind when it stops in good order
        if spec.and_then(|spec| spec.holder_identity.as_deref()).is_none_or(str::is_empty) {
            return self.gone(&name);
        }
        let seconds = spec.and_then(|spec| spec.lease_duration_seconds).and_then(|s| u64::try_from(s).ok());
        let mut inner = self.inner.lock();
        if inner.guards.get(&name).is_some_and(|guard| guard.version == version) {
            return;
        }
        let guard = Guard {
            stream: stream(lease),
            applied: lease.annotations().get(APPLIED).map(|text| applied(text)).unwrap_or_default(),
            // the longest that settings allow, should it say nothing
            lasts: Duration::from_secs(seconds.unwrap_or(3600)),
            seen: Stopwatch::start(),
            version,
            inspected: lease.annotations().get(INSPECTED).and_then(|text| InspectedBy::parse(text.as_bytes())),
            kept: lease.annotations().get(KEPT).and_then(|text| Kept::parse(text.as_bytes())),
        };
        if let Some(used) = lease.annotations().get(USED).and_then(|text| UsedBy::parse(text.as_bytes())) {
            inner.uses.take(&name, &used);
        }
        inner.guards.insert(name, guard);
        drop(inner);
        self.told.notify_waiters();
    }

    /// A guard gave its Lease up, or somebody removed it: it answers nothing any more.
    pub fn gone(&self, name: &str) {
        self.inner.lock().guards.remove(name);
        self.told.notify_waiters();
    }

    /// The Leases there are; all others are gone.
    pub fn only(&self, names: &[String]) {
        let mut inner = self.inner.lock();
        inner.guards.retain(|name, _| names.contains(name));
        inner.listed.get_or_insert_with(Stopwatch::start);
    }

    /// After a start guards have yet to tell how far they have come: whether an object is to be left as it is until then.
    pub fn leave(&self, kind: Kind, key: &Key) -> bool {
        let mut inner = self.inner.lock();
        let settles = inner.settles();
        if settles {
            inner.left.insert((kind, key.clone()));
        }
        settles
    }

    /// Resolves once every guard that lives has taken in so much of a kind.
    pub async fn have(&self, watched: Watched, version: Version) {
        loop {
            let told = self.told.notified();
            let all = self.inner.lock().guards.values().all(|guard| !guard.lives() || guard.has(watched, version));
            if all {
                return;
            }
            // one that falls silent says nothing
            let _ = timeout(SILENCE, told).await;
        }
    }

    /// Objects are so in a world of these versions; `dated`: since now.
    pub fn note(&self, places: impl IntoIterator<Item = (Kind, Key)>, world: &Arc<Versions>, dated: bool) {
        let mut inner = self.inner.lock();
        places.into_iter().for_each(|(kind, key)| inner.proofs.note(kind, key, world.clone(), dated));
    }

    /// The public keys of every stream that a guard has told of.
    pub fn keys(&self) -> Keys {
        self.inner.lock().keys.clone()
    }

    /// What guards' inspections have suspended, and is perhaps not in the ledger yet.
    pub fn suspends(&self) -> Vec<LedgerEntry> {
        let inner = self.inner.lock();
        let told = inner.guards.values().filter_map(|guard| guard.inspected.as_ref());
        told.flat_map(|told| told.suspends.iter().cloned()).collect()
    }

    pub fn forget(&self, kind: Kind, key: &Key) {
        let mut inner = self.inner.lock();
        inner.proofs.forget(kind, key);
        if kind == Kind::AccessGrant {
            inner.miscounted.remove(key);
            inner.uses.forget(key);
        }
    }

    /// A grant's status tells of so many guards now.
    pub fn told_of(&self, grant: &Key, guards: i64) {
        let mut inner = self.inner.lock();
        if i64::try_from(inner.tally.told).is_ok_and(|told| told == guards) {
            inner.miscounted.remove(grant);
        } else {
            inner.miscounted.insert(grant.clone());
        }
    }

    /// How grants are used at all guards together, as far as that is news; and which of them are to be looked at for it.
    fn count(&self, context: &Context) -> Vec<Key> {
        let site = context.index.read().site().clone();
        let (news, due) = self.inner.lock().uses.news(context.clock.now(), |at| site.day(at));
        context.observed.write().usage.extend(news);
        due
    }

    /// Works out anew who lives and what is enforced, tells `context`, and asks for what that concerns to be looked at.
    pub fn look(&self, context: &Context) {
        let one = self.looks.lock();
        let now = context.clock.now();
        self.count(context).into_iter().for_each(|key| context.touch(Kind::AccessGrant, key));
        let (outcome, (living, streams), before, (kept, inspections), (retold, miscounted), left) = {
            let mut inner = self.inner.lock();
            let Inner { guards, proofs, counted, tally, .. } = &mut *inner;
            let living: Vec<(&String, &Guard)> = guards.iter().filter(|(_, guard)| guard.lives()).collect();
            let outcome = proofs.look(&living.iter().map(|(_, guard)| &guard.applied).collect::<Vec<_>>());
            let streams: Vec<String> = living.iter().map(|(_, guard)| guard.stream.clone()).collect();
            let names: Vec<String> = living.into_iter().map(|(name, _)| name.clone()).collect();
            let kept = guards.values().filter_map(|guard| Some((guard.stream.clone(), guard.kept.clone()?)));
            let kept: BTreeMap<String, Kept> = kept.collect();
            let inspections = inspections(guards.values());
            let before = std::mem::replace(counted, names.clone());
            let retold = tally.count(names.len(), now);
            let miscounted =
                if retold || inner.tally.is_told() { std::mem::take(&mut inner.miscounted) } else { HashSet::new() };
            let left = if inner.settles() { HashSet::new() } else { std::mem::take(&mut inner.left) };
            (outcome, (names, streams), before, (kept, inspections), (retold, miscounted), left)
        };
        let told;
        {
            let mut observed = context.observed.write();
            let count = u32::try_from(living.len()).unwrap_or(u32::MAX);
            (observed.guards, observed.current) = (count, count);
            observed.streams = streams;
            told = observed.kept != kept || observed.inspections != inspections;
            observed.kept = kept;
            observed.inspections = inspections;
            observed.behind = outcome.behind;
            for (place, _) in outcome.passed.iter().filter(|(_, dated)| *dated) {
                observed.proved.insert(place.clone(), full_second(now));
            }
        }
        drop(one);
        for ((kind, key), _) in outcome.passed {
            if kind == Kind::AccessGrant {
                context.touch_around(&key);
            }
            context.touch(kind, key);
        }
        left.into_iter().for_each(|(kind, key)| context.touch(kind, key));
        miscounted.into_iter().for_each(|key| context.touch(Kind::AccessGrant, key));
        if before.is_empty() == living.is_empty() {
            if before != living || told {
                context.policies().into_iter().for_each(|key| context.touch(Kind::AuditPolicy, key));
            }
            if retold {
                context.touch_grants();
            }
        } else {
            context.touch_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_was_given_up_is_no_guard() {
        let lease = |version: &str, holder: Option<&str>| -> Lease {
            let annotations = serde_json::json!({STREAM: "guard-0-0a1b2c3d"});
            serde_json::from_value(serde_json::json!({
                "metadata": {"name": "datashare-guard-guard-0", "resourceVersion": version, "annotations": annotations},
                "spec": {"holderIdentity": holder, "leaseDurationSeconds": 30},
            }))
            .unwrap()
        };
        let guards = Guards::default();
        let living = || guards.inner.lock().guards.values().map(|guard| guard.stream.clone()).collect::<Vec<_>>();
        guards.put(&lease("1", Some("guard-0_1")));
        assert_eq!(living(), ["guard-0-0a1b2c3d"]);
        guards.put(&lease("2", None));
        assert!(living().is_empty());
        // also for an operator that was not there
        guards.put(&lease("2", Some("")));
        assert!(living().is_empty());
        guards.put(&lease("3", Some("guard-0_2")));
        assert_eq!(living().len(), 1);
    }

    #[test]
    fn another_number_is_told_when_it_has_stayed_and_none_at_once() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut tally = Tally::default();
        assert!(tally.count(3, at(0)), "from none");
        // one after the other is restarted
        for second in 1..50 {
            assert!(!tally.count(2 + second % 2, at(i64::try_from(second).unwrap())));
        }
        for second in 50..110 {
            assert!(!tally.count(2, at(second)), "{second}");
        }
        assert!(tally.count(2, at(110)));
        assert!(!tally.count(2, at(111)), "once");
        assert!(tally.count(0, at(112)));
        assert!(!tally.count(0, at(113)));
    }
}

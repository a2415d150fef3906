//! What all controllers share: the judge's world, what was observed beside it, the queues, and the way to the API
//! server. Locks are held for reading and changing memory only, never across a wait.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use kube::{Client, ResourceExt};
use parking_lot::{Mutex, RwLock};

use super::events::Publisher;
use super::guards::Guards;
use super::metrics::Metrics;
use super::queue::Queue;
use super::trouble::Trouble;
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::common::Reference;
use crate::api::v1alpha1::status::CredentialHash;
use crate::api::v1alpha1::validate::syntax;
use crate::clock::Clock;
use crate::judge::build::Layout;
use crate::judge::facts::Key;
use crate::judge::index::Index;
use crate::judge::status::{Observed, Token, Use, View, full_second};
use crate::source::change::Version;

/// What all controllers share.
pub struct Context {
    pub client: Client,
    pub clock: Clock,
    pub layout: Layout,
    pub index: RwLock<Index>,
    pub observed: RwLock<Observed>,
    pub events: Publisher,
    pub metrics: Metrics,
    pub guards: Guards,
    queues: BTreeMap<Kind, Queue>,
    /// Objects the judge cannot take in, and why.
    unreadable: Mutex<HashMap<(Kind, Key), String>>,
    /// Policies there are; the judge does not keep them.
    policies: Mutex<BTreeSet<Key>>,
    /// Hashes as this process last saw or wrote them: what differs was written by somebody else.
    remembered: Mutex<HashMap<Key, Vec<CredentialHash>>>,
    /// Grants whose newest token its consumer was seen to hold, by the token's identity.
    handed: Mutex<HashMap<Key, String>>,
    /// The version of the last write to an object, so that its echo is no news.
    written: Mutex<HashMap<(Kind, Key), Version>>,
    /// The newest version heard of each kind.
    heard: Mutex<BTreeMap<Kind, Version>>,
    /// Grants whose use was taken from their statuses.
    adopted: Mutex<HashSet<Key>>,
    ready: AtomicBool,
    /// Odd while the world changes and what has to be durable and noted of that is not yet.
    turn: AtomicU64,
}

/// The world changes as long as this is held.
pub struct Changing(Arc<Context>);

impl Drop for Changing {
    fn drop(&mut self) {
        self.0.turn.fetch_add(1, Ordering::SeqCst);
    }
}

impl Context {
    #[must_use]
    pub fn new(client: Client, clock: Clock, layout: Layout, url: String, index: Index, events: Publisher) -> Self {
        let observed = Observed { url: Some(url), ..Observed::default() };
        Self {
            client,
            layout,
            index: RwLock::new(index),
            observed: RwLock::new(observed),
            events,
            metrics: Metrics::default(),
            guards: Guards::default(),
            queues: Kind::ALL.into_iter().map(|kind| (kind, Queue::new(clock.clone()))).collect(),
            clock,
            unreadable: Mutex::default(),
            policies: Mutex::default(),
            remembered: Mutex::default(),
            handed: Mutex::default(),
            written: Mutex::default(),
            heard: Mutex::default(),
            adopted: Mutex::default(),
            ready: AtomicBool::new(false),
            turn: AtomicU64::new(0),
        }
    }

    /// Asks for an object to be looked at.
    pub fn touch(&self, kind: Kind, key: Key) {
        if let Some(queue) = self.queues.get(&kind) {
            queue.add(key);
        }
    }

    /// Asks for everything to be looked at.
    pub fn touch_all(&self) {
        let all: [(Kind, Vec<Key>); 5] = {
            let index = self.index.read();
            [
                (Kind::Revocation, index.revocations().map(|revocation| revocation.key.clone()).collect()),
                (Kind::AccessGrant, index.grants().map(|grant| grant.key.clone()).collect()),
                (Kind::DataShareRequest, index.requests().map(|request| request.key.clone()).collect()),
                (Kind::SharedResource, index.resources().map(|resource| resource.key.clone()).collect()),
                (Kind::AuditPolicy, self.policies()),
            ]
        };
        for (kind, keys) in all {
            keys.into_iter().for_each(|key| self.touch(kind, key));
        }
        let unreadable: Vec<_> = self.unreadable.lock().keys().cloned().collect();
        unreadable.into_iter().for_each(|(kind, key)| self.touch(kind, key));
    }

    /// Asks for every grant to be looked at.
    pub(super) fn touch_grants(&self) {
        let grants: Vec<Key> = self.index.read().grants().map(|grant| grant.key.clone()).collect();
        grants.into_iter().for_each(|key| self.touch(Kind::AccessGrant, key));
    }

    /// What depends on an object, as the judge knows it now: a grant that is about to go must be asked about before.
    pub fn around(&self, kind: Kind, key: &Key) -> Vec<(Kind, Key)> {
        let index = self.index.read();
        match kind {
            Kind::AccessGrant => {
                let own = index.revocations().filter(|revocation| revocation.key.namespace == key.namespace);
                let mut around: Vec<_> = own.map(|revocation| (Kind::Revocation, revocation.key.clone())).collect();
                if let Some(grant) = index.grant(key) {
                    let resource = Key::new(grant.key.namespace.clone(), grant.resource.clone());
                    around.extend([(Kind::DataShareRequest, grant.request.clone()), (Kind::SharedResource, resource)]);
                }
                around
            }
            // its consumer may ask for a new token
            Kind::DataShareRequest => {
                index.decisions(key).iter().map(|grant| (Kind::AccessGrant, grant.clone())).collect()
            }
            Kind::SharedResource | Kind::Revocation | Kind::AuditPolicy => Vec::new(),
        }
    }

    /// Asks for what depends on a grant to be looked at.
    pub fn touch_around(&self, grant: &Key) {
        self.around(Kind::AccessGrant, grant).into_iter().for_each(|(kind, key)| self.touch(kind, key));
    }

    pub(super) fn queue(&self, kind: Kind) -> Option<Queue> {
        self.queues.get(&kind).cloned()
    }

    /// The world now, for as long as `look` takes.
    pub fn view<T>(&self, look: impl FnOnce(View<'_>) -> T) -> T {
        let (index, observed) = (self.index.read(), self.observed.read());
        look(View { index: &index, observed: &observed, now: self.clock.now() })
    }

    /// The world changes from now on, and no status tells of it before all of the change is durable and noted. By the one
    /// keeper only.
    pub(super) fn changing(self: &Arc<Self>) -> Changing {
        self.turn.fetch_add(1, Ordering::SeqCst);
        Changing(self.clone())
    }

    /// The world as a status may tell of it: not in the middle of a change.
    pub fn settled<T>(&self, look: impl FnOnce(View<'_>) -> T) -> Result<T, Trouble> {
        let before = self.turn.load(Ordering::SeqCst);
        let seen = self.view(look);
        if before.is_multiple_of(2) && self.turn.load(Ordering::SeqCst) == before {
            return Ok(seen);
        }
        Err(Trouble::unsettled())
    }

    /// Where a resource is called.
    #[must_use]
    pub fn url_of(&self, resource: &Reference) -> String {
        let base = self.observed.read().url.clone().unwrap_or_default();
        format!("{base}/{}/{}", resource.namespace, resource.name)
    }

    /// Remembers the hashes of a grant's tokens as this process wrote or accepted them.
    pub fn remember(&self, grant: &Key, hashes: Option<Vec<CredentialHash>>) {
        let hashes = hashes.unwrap_or_default();
        self.observe_tokens(grant, &hashes);
        self.remembered.lock().insert(grant.clone(), hashes);
    }

    /// Tokens as the cluster has them, whoever wrote them.
    pub(super) fn observe_tokens(&self, grant: &Key, hashes: &[CredentialHash]) {
        let tokens: Vec<Token> = hashes.iter().filter_map(token).collect();
        self.observed.write().credentials.insert(grant.clone(), tokens);
    }

    /// Whether the world is whole: until then nothing is concluded from what is not in it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub(super) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// The hashes this process knows to be right, if it knows any yet.
    #[must_use]
    pub fn remembered(&self, grant: &Key) -> Option<Vec<CredentialHash>> {
        self.remembered.lock().get(grant).cloned()
    }

    /// Whether the consumer holds the newest token: nothing where it was not looked yet.
    #[must_use]
    pub fn handed(&self, grant: &Key) -> Option<String> {
        self.handed.lock().get(grant).cloned()
    }

    pub(super) fn hand(&self, grant: &Key, id: String) {
        self.handed.lock().insert(grant.clone(), id);
    }

    pub(super) fn set_unreadable(&self, kind: Kind, key: &Key, why: Option<String>) {
        let place = (kind, key.clone());
        match why {
            Some(why) => self.unreadable.lock().insert(place, why),
            None => self.unreadable.lock().remove(&place),
        };
    }

    /// Why the judge cannot take an object in.
    #[must_use]
    pub fn unreadable(&self, kind: Kind, key: &Key) -> Option<String> {
        self.unreadable.lock().get(&(kind, key.clone())).cloned()
    }

    pub(super) fn set_policy(&self, key: &Key, there: bool) {
        let mut policies = self.policies.lock();
        if there {
            policies.insert(key.clone())
        } else {
            policies.remove(key)
        };
    }

    pub(super) fn policies(&self) -> Vec<Key> {
        self.policies.lock().iter().cloned().collect()
    }

    /// An object is not there any more: nothing is kept about it but what its return needs.
    pub(super) fn forget(&self, kind: Kind, key: &Key) {
        let place = (kind, key.clone());
        self.written.lock().remove(&place);
        let mut observed = self.observed.write();
        observed.behind.remove(&place);
        observed.proved.remove(&place);
        match kind {
            Kind::SharedResource => drop(observed.routes.remove(key)),
            Kind::AccessGrant => {
                observed.usage.remove(key);
                self.adopted.lock().remove(key);
            }
            _ => {}
        }
    }

    /// Guards tell of the grants that were used last: what an earlier operator was told of the others is in their statuses.
    /// Looked at once: what is written there later is ours, or a lie.
    pub(super) fn adopt_use(&self, grant: &Key, last_used: Option<&str>, calls: Option<i64>) {
        if !self.adopted.lock().insert(grant.clone()) {
            return;
        }
        let Some(last) = last_used.and_then(syntax::time) else { return };
        let calls = calls.and_then(|calls| u64::try_from(calls).ok()).unwrap_or(0);
        self.observed.write().usage.entry(grant.clone()).or_insert(Use { last, calls });
    }

    pub(super) fn wrote(&self, kind: Kind, key: &Key, version: Version) {
        self.written.lock().insert((kind, key.clone()), version);
    }

    /// A kind has come to this version.
    pub(super) fn hear(&self, kind: Kind, version: Version) {
        let mut heard = self.heard.lock();
        let newest = heard.entry(kind).or_default();
        *newest = version.max(*newest);
    }

    /// The newest version that an object may have, by what was heard of its kind and written to it here; nothing where
    /// neither is known.
    pub(super) fn known(&self, kind: Kind, key: &Key) -> Option<Version> {
        let written = self.written.lock().get(&(kind, key.clone())).copied();
        // 0 would be any version
        self.heard.lock().get(&kind).copied().max(written).filter(|version| *version > 0)
    }

    /// Whether a version of an object is our own last write.
    pub(super) fn is_echo(&self, kind: Kind, key: &Key, version: Version) -> bool {
        version > 0 && self.written.lock().get(&(kind, key.clone())) == Some(&version)
    }

    /// An object that every guard has, and of which this process does not know since when: as its status says, if that
    /// can be, and otherwise since now.
    pub(super) fn date(&self, kind: Kind, key: &Key, said: Option<&str>) -> Result<(), Trouble> {
        let now = full_second(self.clock.now());
        let place = (kind, key.clone());
        let is_everywhere = self.settled(|view| {
            let observed = view.observed;
            observed.guards > 0 && !observed.behind.contains_key(&place) && !observed.proved.contains_key(&place)
        })?;
        if is_everywhere {
            let said = said.and_then(syntax::time).filter(|at| *at <= now);
            self.observed.write().proved.entry(place).or_insert(said.unwrap_or(now));
        }
        Ok(())
    }
}

/// A `resourceVersion` as a number; 0 where it is none.
pub(super) fn version_of(object: &impl ResourceExt) -> Version {
    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// Statuses tell time to the second.
pub(super) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn token(hash: &CredentialHash) -> Option<Token> {
    Some(Token {
        serial: hash.serial.as_deref()?.into(),
        hash: hash.clone(),
        not_before: syntax::time(&hash.not_before)?,
        not_after: syntax::time(&hash.not_after)?,
    })
}

//! What an object's `status` says: computed from the judge's world and from what the shells saw
//! (tokens, guards, use). Pure, so the operator and `get` say the same. Ready is True only for what
//! serves.

mod conditions;
mod grant;
mod inspected;
mod kept;
mod phase;
mod policy;
mod request;
mod resource;
mod revocation;
mod used;

use std::collections::{BTreeMap, HashMap};

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use super::facts::Key;
use super::index::Index;
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::status::{CredentialHash, InspectionResult};

pub use inspected::{Ended, INSPECTED, InspectedBy, together};
pub use kept::Kept;
pub use phase::phase;
pub use resource::migration_end;
pub use revocation::recall;
pub use used::{USED, Use, UsedBy, use_of};

/// What the judge cannot know by itself.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Tokens by grant, hashed.
    pub credentials: HashMap<Key, Vec<Token>>,
    /// Use by grant: the last admitted call, and how many there were on its day.
    pub usage: HashMap<Key, Use>,
    /// Guards there are, and how many of them have the world as it is here.
    pub guards: u32,
    pub current: u32,
    /// Of those, how many do not have an object yet as it is here.
    pub behind: BTreeMap<(Kind, Key), u32>,
    /// When the last guard had an object; absent: as soon as it was here.
    pub proved: HashMap<(Kind, Key), Timestamp>,
    /// Ways from a gateway to the guard, by resource; absent: callers reach the guard directly.
    pub routes: HashMap<Key, Route>,
    /// Streams of the record.
    pub streams: Vec<String>,
    /// How they are kept, as far as their guards have told.
    pub kept: BTreeMap<String, Kept>,
    /// The last inspection by policy.
    pub inspections: HashMap<Key, InspectionResult>,
    /// Base URL of the guard, where it is known.
    pub url: Option<String>,
}

/// How far the way from a gateway to the guard is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// No gateway is configured.
    Unrouted,
    /// The gateway has not taken the route, or not yet.
    Waiting { reason: String, message: String },
    /// The gateway leads to the guard.
    Taken,
}

/// One token by its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub serial: std::sync::Arc<str>,
    pub hash: CredentialHash,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// The world, what was seen beside it, and the moment it is judged for.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub index: &'a Index,
    pub observed: &'a Observed,
    pub now: Timestamp,
}

/// The first whole second that is not before `at`.
#[must_use]
pub fn full_second(at: Timestamp) -> Timestamp {
    at.round(TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil)).unwrap_or(at)
}

impl View<'_> {
    /// Whether a guard answers at all.
    fn is_guarded(&self) -> bool {
        self.observed.guards > 0 && self.observed.current == self.observed.guards
    }

    /// How many guards have an object as it is here.
    fn current(&self, kind: Kind, key: &Key) -> u32 {
        let behind =
            if self.observed.behind.is_empty() { None } else { self.observed.behind.get(&(kind, key.clone())) };
        self.observed.current.saturating_sub(behind.copied().unwrap_or(0))
    }

    /// Whether every guard has an object as it is here.
    fn is_enforced(&self, kind: Kind, key: &Key) -> bool {
        self.is_guarded() && self.current(kind, key) == self.observed.guards
    }

    /// When every guard had what was noted at `noted`; nothing while one of them lacks it. Statuses tell time to the
    /// second, and what is promised for "since then" must hold from its first moment on.
    fn enforced_at(&self, kind: Kind, key: &Key, noted: Timestamp) -> Option<Timestamp> {
        let proved = self.observed.proved.get(&(kind, key.clone())).copied().unwrap_or(noted);
        self.is_enforced(kind, key).then(|| full_second(proved.max(noted)))
    }

    /// Tokens of a grant's present decision that work now, newest last.
    fn live(&self, key: &Key) -> Vec<&Token> {
        let serial = self.index.grant(key).map(|grant| grant.serial.clone());
        let all = self.observed.credentials.get(key).into_iter().flatten();
        let mut live: Vec<_> = all
            .filter(|token| Some(&token.serial) == serial.as_ref())
            .filter(|token| token.not_before <= self.now && self.now < token.not_after)
            .collect();
        live.sort_by_key(|token| token.not_before);
        live
    }

    /// Whether calls with a token of this grant are answered.
    fn serves(&self, key: &Key) -> bool {
        self.stands(key) && self.is_served(key)
    }

    /// Whether a grant is one to be served.
    fn stands(&self, key: &Key) -> bool {
        self.index.standing(key, self.now) == Some(super::index::Standing::Serves)
    }

    /// Whether guards are ready to serve a grant that stands.
    fn is_served(&self, key: &Key) -> bool {
        self.is_enforced(Kind::AccessGrant, key) && !self.live(key).is_empty()
    }

    /// Grants of a namespace, in order.
    fn grants_of(&self, namespace: &str) -> Vec<Key> {
        let own = self.index.grants().filter(|grant| &*grant.key.namespace == namespace);
        let mut keys: Vec<Key> = own.map(|grant| grant.key.clone()).collect();
        keys.sort();
        keys
    }
}

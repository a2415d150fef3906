//! Every verdict, kept up to date: an event touches only what depends on it. Lookup by token is a
//! hash and a few comparisons, whatever the number of grants.

mod change;
mod judging;
mod lookup;
mod relations;
pub(super) mod seats;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::bars::Bars;
use super::facts::{Grant, Key, Request, Resource, Revocation, Site};
use super::ledger::{Ledger, LedgerEntry};
use super::permit::Credential;
use super::served::Plan;
use super::verdict::{Finding, Verdict};
use crate::approval::canonical::Digest;
use crate::approval::signers::Signers;

pub use change::Change;
use judging::PlanKey;
use relations::Relations;
use seats::{SeatNumber, Seats};

/// SHA-256 of a token.
pub type TokenHash = [u8; 32];

/// The world as one guard, operator or command sees it, with a verdict for each grant.
pub struct Index {
    site: Site,
    signers: Signers,
    grants: Seats,
    requests: HashMap<Key, Arc<Request>>,
    resources: HashMap<Key, Arc<Resource>>,
    revocations: HashMap<Key, Revocation>,
    relations: Relations,
    plans: HashMap<PlanKey, (Option<Digest>, Option<Arc<Plan>>)>,
    bars: Bars,
    ledger: Ledger,
    /// A token belongs to one decision: grant and serial.
    tokens: HashMap<TokenHash, (SeatNumber, Arc<Credential>)>,
    /// The tokens of each grant that are told as a whole, and replaced as a whole.
    issued: HashMap<Key, Vec<TokenHash>>,
    timers: BTreeSet<(Timestamp, Key)>,
}

/// A token as it was issued: for one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    pub serial: Arc<str>,
    pub hash: TokenHash,
    pub credential: Credential,
}

/// A grant and how it stands.
#[derive(Debug)]
struct Slot {
    grant: Arc<Grant>,
    verdict: Verdict,
    timer: Option<Timestamp>,
}

/// What an event asks of the shell, and what it changed.
#[derive(Debug, Default)]
pub struct Effects {
    /// Facts to make durable, in this order, and then to hand to [`Index::record`].
    pub ledger: Vec<LedgerEntry>,
    /// Grants whose verdict changed.
    pub changed: BTreeSet<Key>,
}

/// How a grant stands, for people: the verdict with the bars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Serves,
    Refused(Finding),
}

impl Index {
    /// An empty world with its memory.
    #[must_use]
    pub fn new(site: Site, signers: Signers, ledger: Ledger) -> Self {
        Self {
            bars: Bars::gather(std::iter::empty(), &ledger),
            site,
            signers,
            ledger,
            grants: Seats::default(),
            requests: HashMap::new(),
            resources: HashMap::new(),
            revocations: HashMap::new(),
            relations: Relations::default(),
            plans: HashMap::new(),
            tokens: HashMap::new(),
            issued: HashMap::new(),
            timers: BTreeSet::new(),
        }
    }

    /// Forgets every object and keeps what must not be forgotten: ledger and tokens.
    pub fn start_over(&mut self, site: Site) {
        let ledger = std::mem::take(&mut self.ledger);
        let (tokens, issued) = (std::mem::take(&mut self.tokens), std::mem::take(&mut self.issued));
        let mut grants = std::mem::take(&mut self.grants);
        grants.vacate();
        *self = Self { grants, tokens, issued, ..Self::new(site, Signers::default(), ledger) };
    }

    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    #[must_use]
    pub fn signers(&self) -> &Signers {
        &self.signers
    }

    #[must_use]
    pub fn grant(&self, key: &Key) -> Option<&Arc<Grant>> {
        self.grants.get(key).map(|slot| &slot.grant)
    }

    #[must_use]
    pub fn request(&self, key: &Key) -> Option<&Arc<Request>> {
        self.requests.get(key)
    }

    #[must_use]
    pub fn resource(&self, key: &Key) -> Option<&Arc<Resource>> {
        self.resources.get(key)
    }

    #[must_use]
    pub fn grant_count(&self) -> usize {
        self.grants.len()
    }

    pub fn grants(&self) -> impl Iterator<Item = &Arc<Grant>> {
        self.grants.values().map(|slot| &slot.grant)
    }

    pub fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values()
    }

    pub fn revocations(&self) -> impl Iterator<Item = &Revocation> {
        self.revocations.values()
    }

    #[must_use]
    pub fn revocation(&self, key: &Key) -> Option<&Revocation> {
        self.revocations.get(key)
    }

    pub fn requests(&self) -> impl Iterator<Item = &Arc<Request>> {
        self.requests.values()
    }

    /// Grants of a resource, in order.
    pub fn grants_of_resource(&self, resource: &Key) -> impl Iterator<Item = &Key> {
        self.relations.of_resource(resource)
    }

    /// Grants with this serial: more than one is a fault of theirs.
    #[must_use]
    pub fn grants_of_serial(&self, namespace: &Arc<str>, serial: &Arc<str>) -> &[Key] {
        self.relations.of_serial(&relations::serial(namespace, serial))
    }

    /// Grants that decide on a request.
    #[must_use]
    pub fn decisions(&self, request: &Key) -> &[Key] {
        self.relations.of_request(request)
    }
}

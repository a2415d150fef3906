//! Keeps the judge's world up to date while its source changes: takes batches in and says in one line
//! each what became of it. Over a directory it also makes durable what must be, and mints and rotates
//! credentials; in a cluster the operator does that, and it comes back from there as any other change.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::RwLock;
use rayon::prelude::*;

use crate::approval::signers::Signers;
use crate::cli::world::site;
use crate::clock::Clock;
use crate::delivery::credentials::{CredentialError, Credentials, Known};
use crate::delivery::journal::JournalError;
use crate::delivery::tombstones::Tombstones;
use crate::judge::facts::{Key, Site, Texts};
use crate::judge::index::Issued;
use crate::judge::index::{Change, Effects, Index, Standing};
use crate::judge::ledger::LedgerEntry;
use crate::settings::Settings;
use crate::source::change::{Batch, SourceChange};
use crate::source::facts;

/// Lines said about verdicts of one batch before the rest is counted only.
const SAID: usize = 20;
/// Facts and tokens that are made durable with one sync; a first view may have a hundred thousand.
const TOGETHER: usize = 4096;

/// State that cannot be kept: nothing may be served any more.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    #[error("the tombstones cannot be written, so nothing may be served: {0}")]
    Tombstones(#[from] JournalError),
    #[error("the credentials cannot be written, so nothing may be served: {0}")]
    Credentials(#[from] CredentialError),
}

/// The one writer of the index.
pub struct Keeper {
    index: Arc<RwLock<Index>>,
    /// `None` in a cluster.
    state: Option<State>,
    clock: Clock,
    /// `None` while there are no settings that can be read: then nothing is judged.
    settings: Option<Settings>,
}

/// What outlives the objects, where this process keeps it.
struct State {
    tombstones: Tombstones,
    credentials: Credentials,
}

/// What came of a batch.
#[derive(Debug, Default)]
pub struct Outcome {
    /// For people, one line each.
    pub said: Vec<String>,
    /// There are other settings, or none any more.
    pub settings: bool,
    /// Site or time zone are others: every signature has to be read anew.
    pub reload: bool,
}

/// The first view, read for one site.
#[derive(Debug, Default)]
pub struct First {
    changes: Vec<Change>,
    texts: Texts,
    credentials: Vec<(Key, Vec<Issued>)>,
    ledger: Vec<LedgerEntry>,
}

impl First {
    /// Reads the objects of a batch on all cores.
    pub fn add(&mut self, changes: Vec<SourceChange>, site: &Site) {
        let read = |change| read_change(change, site).unwrap_or_else(|absent| absent.gone);
        let mut all: Vec<Change> = changes.par_iter().filter_map(read).collect();
        for change in &mut all {
            match change {
                Change::Grant(grant) => Arc::get_mut(grant).map_or((), |grant| self.texts.share_grant(grant)),
                Change::Request(request) => Arc::get_mut(request).map_or((), |r| self.texts.share_request(r)),
                _ => {}
            }
        }
        self.changes.append(&mut all);
        for change in changes {
            match change {
                SourceChange::Credentials(key, issued) => self.credentials.push((key, issued)),
                SourceChange::Ledger(entries) => self.ledger.extend(entries),
                _ => {}
            }
        }
    }
}

impl Keeper {
    /// Over a directory: remembers and mints.
    pub fn with_state(
        index: Arc<RwLock<Index>>,
        tombstones: Tombstones,
        credentials: (Credentials, Vec<Known>),
        settings: Settings,
        clock: Clock,
    ) -> Self {
        know(&mut index.write(), credentials.1);
        let state = Some(State { tombstones, credentials: credentials.0 });
        Self { index, state, clock, settings: Some(settings) }
    }

    /// In a cluster: takes in what the operator remembers and mints.
    pub fn new(index: Arc<RwLock<Index>>, clock: Clock) -> Self {
        Self { index, state: None, clock, settings: None }
    }

    /// Takes the first view in and judges it whole.
    pub fn first(&mut self, first: First) -> Result<(), KeeperError> {
        let First { changes, credentials, ledger, texts: _ } = first;
        let now = self.clock.now();
        let effects = {
            let mut index = self.index.write();
            // what has ended is known before anything is judged
            index.record(&ledger, now);
            for (grant, issued) in credentials {
                index.replace_credentials(&grant, issued);
            }
            let mut effects = index.load(changes, now);
            effects.ledger.extend(index.notice_absent(now).ledger);
            effects
        };
        if let Some(state) = &mut self.state {
            let index = self.index.clone();
            let stands =
                |key: &Key, serial: &str| index.read().grant(key).is_some_and(|grant| *grant.serial == *serial);
            state.credentials.tidy(stands, now)?;
        }
        self.follow_up(effects, now).map(|_| ())
    }

    /// Takes a batch in. Each change has its effect before the next one is looked at.
    pub fn take(&mut self, batch: Batch) -> Result<Outcome, KeeperError> {
        let mut outcome = Outcome { said: batch.said, ..Outcome::default() };
        for finding in &batch.findings {
            outcome.said.push(format!("{}:{}: {}; {}", finding.file, finding.line, finding.message, finding.fix));
        }
        let mut rest = Vec::new();
        for change in batch.changes {
            match change {
                SourceChange::Settings(read) => self.take_settings(read.map(|s| *s), &mut outcome),
                other => rest.push(other),
            }
        }
        if outcome.reload {
            return Ok(outcome);
        }
        let now = self.clock.now();
        let mut all = Effects::default();
        for change in rest {
            let effects = match change {
                SourceChange::Credentials(grant, issued) => {
                    self.index.write().replace_credentials(&grant, issued);
                    continue;
                }
                SourceChange::Ledger(entries) => self.index.write().record(&entries, now),
                other => match self.read(&other, &mut outcome.said) {
                    Some(change) => self.index.write().apply(change, now),
                    None => continue,
                },
            };
            all.ledger.extend(effects.ledger);
            all.changed.extend(effects.changed);
        }
        let changed = self.follow_up(all, now)?;
        self.tell(&changed, now, &mut outcome.said);
        Ok(outcome)
    }

    /// Does what time asks for: verdicts that changed by themselves, and rotations.
    pub fn tick(&mut self) -> Result<Vec<String>, KeeperError> {
        let now = self.clock.now();
        let due = self.index.read().next_due().is_some_and(|at| at <= now);
        let effects = if due { self.index.write().settle(now) } else { Effects::default() };
        let changed = self.follow_up(effects, now)?;
        let mut said = Vec::new();
        self.tell(&changed, now, &mut said);
        let rotations = self.state.as_ref().map(|state| state.credentials.due(now)).unwrap_or_default();
        for key in self.mint(&rotations.into_iter().collect(), now)? {
            said.push(format!(
                "AccessGrant {key}: a new token was minted; the old one works until its overlap is over"
            ));
        }
        Ok(said)
    }

    /// An inspection suspends these: durable and in force when this returns.
    pub fn suspend(&mut self, entries: Vec<LedgerEntry>) -> Result<Vec<String>, KeeperError> {
        let now = self.clock.now();
        let changed = if self.state.is_some() {
            self.follow_up(Effects { ledger: entries, ..Effects::default() }, now)?
        } else {
            // the operator makes it durable; here it holds at once
            self.index.write().record(&entries, now).changed
        };
        let mut said = Vec::new();
        self.tell(&changed, now, &mut said);
        Ok(said)
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Option<&Settings> {
        self.settings.as_ref()
    }

    /// The settings of a first view.
    pub fn begin(&mut self, settings: Settings) {
        self.settings = Some(settings);
        self.start_over();
    }

    fn take_settings(&mut self, read: Option<Settings>, outcome: &mut Outcome) {
        if read == self.settings {
            return;
        }
        outcome.settings = true;
        outcome.reload = match (&self.settings, &read) {
            (Some(old), Some(new)) => old.site != new.site || old.time_zone != new.time_zone,
            _ => true,
        };
        outcome.said.push(match &read {
            Some(settings) => format!("datashare.yaml: site {} from now on", settings.site),
            None => "datashare.yaml cannot be read: every grant is suspended until it is back".to_owned(),
        });
        self.settings = read;
    }

    fn read(&self, change: &SourceChange, said: &mut Vec<String>) -> Option<Change> {
        let site = self.site()?;
        match read_change(change, &site) {
            Ok(change) => change,
            Err(absent) => {
                said.push(absent.why);
                absent.gone
            }
        }
    }

    fn site(&self) -> Option<Site> {
        self.settings.as_ref().map(site)
    }

    /// Starts over with an empty world: after a change of the settings, before everything is read again.
    pub fn start_over(&mut self) {
        let mut index = self.index.write();
        let site = self.settings.as_ref().map_or_else(|| index.site().clone(), site);
        index.start_over(site);
    }

    /// Makes durable what must be, lets it take effect, and mints for what serves then.
    fn follow_up(&mut self, effects: Effects, now: Timestamp) -> Result<BTreeSet<Key>, KeeperError> {
        let mut changed = effects.changed;
        let Some(state) = &mut self.state else { return Ok(changed) };
        let mut ledger = effects.ledger;
        while !ledger.is_empty() {
            let mut next = Vec::new();
            for part in ledger.chunks(TOGETHER) {
                state.tombstones.append(part)?;
                let more = self.index.write().record(part, now);
                changed.extend(more.changed);
                next.extend(more.ledger);
            }
            ledger = next;
        }
        self.mint(&changed, now)?;
        Ok(changed)
    }

    fn mint(&mut self, grants: &BTreeSet<Key>, now: Timestamp) -> Result<Vec<Key>, KeeperError> {
        let Some(state) = self.state.as_mut().filter(|_| !grants.is_empty()) else { return Ok(Vec::new()) };
        let serving: Vec<_> = {
            let index = self.index.read();
            grants.iter().filter_map(|key| index.served(key)).map(|served| served.grant.clone()).collect()
        };
        let mut keys = Vec::new();
        for part in serving.chunks(TOGETHER) {
            let fresh = state.credentials.mint(part.iter().map(|grant| &**grant), now)?;
            keys.extend(fresh.iter().map(|(key, ..)| key.clone()));
            if !fresh.is_empty() {
                know(&mut self.index.write(), fresh);
            }
        }
        Ok(keys)
    }

    fn tell(&self, changed: &BTreeSet<Key>, now: Timestamp, said: &mut Vec<String>) {
        let index = self.index.read();
        for key in changed.iter().take(SAID) {
            said.push(match index.standing(key, now) {
                None => format!("AccessGrant {key}: gone; calls are refused until it is back"),
                Some(Standing::Serves) => format!("AccessGrant {key}: serves"),
                Some(Standing::Refused(finding)) => {
                    format!("AccessGrant {key}: refused, {}: {}", finding.reason.as_str(), finding.message)
                }
            });
        }
        if changed.len() > SAID {
            said.push(format!("and {} more grants changed", changed.len() - SAID));
        }
    }
}

/// An object that cannot be taken in counts as absent.
struct Absent {
    gone: Option<Change>,
    why: String,
}

/// The judge's event; where the object cannot be taken in, its absence and why.
fn read_change(change: &SourceChange, site: &Site) -> Result<Option<Change>, Box<Absent>> {
    match change {
        SourceChange::Put(object, place) => facts::put(object, place, site).map_err(|error| {
            let place_of = if place.file.is_empty() { String::new() } else { format!("{}: ", place.file) };
            let why = format!("{place_of}{}: {error}", object.key());
            Box::new(Absent { gone: facts::gone(&object.key(), place), why })
        }),
        SourceChange::Gone(key, place) => Ok(facts::gone(key, place)),
        SourceChange::Signers(text) => Ok(Some(Change::Signers(Signers::parse(text).0))),
        SourceChange::Settings(_)
        | SourceChange::Credentials(..)
        | SourceChange::Ledger(_)
        | SourceChange::Reached(..) => Ok(None),
    }
}

fn know(index: &mut Index, known: Vec<Known>) {
    for (key, serial, hash, credential) in known {
        index.add_credentials(&key, &serial, [(hash, credential)]);
    }
}

//! Keeps the judge's world up to date while the cluster changes. What must outlive the objects is in the tombstones
//! before it takes effect here, so that no guard and no status is ahead of what is durable. Only the leader writes;
//! a follower keeps what it would have written until the leader's words arrive.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::context::Context;
use super::guards::Versions;
use super::tombstones::{TombstoneError, Tombstones};
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::status::CredentialHash;
use crate::approval::signers::Signers;
use crate::judge::facts::{Bar, Key, Revocation, Site, Target};
use crate::judge::index::{Change, Effects, Issued};
use crate::judge::ledger::{Ledger, LedgerEntry};
use crate::settings::Settings;
use crate::source::change::{Batch, SourceChange, Watched};
use crate::source::facts;

/// The one writer of the index.
pub struct Keeper {
    context: Arc<Context>,
    namespace: String,
    /// `None` while there are no settings that can be read: then nothing is judged.
    settings: Option<Settings>,
    /// Facts that are not durable yet, in their order.
    pending: Vec<LedgerEntry>,
    /// All that is durable or pending: the judge asks again whenever it judges, and once is enough.
    known: Ledger,
    /// Open while we lead and nothing went wrong.
    journal: Option<Tombstones>,
    leads: bool,
    /// Versions of the last real change of each kind.
    news: Versions,
    /// Changes of the first view, until it is complete.
    first: Option<Vec<SourceChange>>,
}

/// What came of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// Everything had its effect.
    All,
    /// Site or time zone changed: every signature has to be read anew.
    NeedsReload,
}

impl Keeper {
    pub fn new(context: Arc<Context>, namespace: &str) -> Self {
        Self {
            context,
            namespace: namespace.to_owned(),
            settings: None,
            first: Some(Vec::new()),
            pending: Vec::new(),
            known: Ledger::default(),
            journal: None,
            leads: false,
            news: Versions::new(),
        }
    }

    /// Takes a batch in. Each change has its effect before the next one is looked at; those of the first view wait
    /// until it is complete.
    pub async fn take(&mut self, batch: Batch) -> Took {
        for line in &batch.said {
            tracing::warn!("{line}");
        }
        let is_news = batch.is_news();
        for (watched, version) in batch.reached() {
            if let Watched::Kind(kind) = watched {
                self.context.hear(kind, version);
            }
            if is_news {
                self.news.insert(watched, version);
            }
        }
        if let Some(first) = &mut self.first {
            first.extend(batch.changes);
            return Took::All;
        }
        let now = self.context.clock.now();
        let changing = self.context.changing();
        let mut effects = Effects::default();
        let (mut noted, mut around) = (BTreeSet::new(), BTreeSet::new());
        for change in batch.changes {
            let event = match &change {
                SourceChange::Settings(read) => {
                    let read = read.as_deref().cloned();
                    if read == self.settings {
                        continue;
                    }
                    self.settings = read;
                    return Took::NeedsReload;
                }
                SourceChange::Ledger(entries) => {
                    merge(&mut effects, self.remember(entries));
                    continue;
                }
                SourceChange::Credentials(key, issued) => {
                    self.take_credentials(key, issued);
                    noted.insert((Kind::AccessGrant, key.clone()));
                    continue;
                }
                SourceChange::Signers(text) => Some(Change::Signers(Signers::parse(text).0)),
                SourceChange::Put(..) | SourceChange::Gone(..) => {
                    let Some(place) = place(&change) else { continue };
                    let (event, why) = self.settings.as_ref().map_or((None, None), |s| read(&change, &site(s)));
                    self.took(&change, &place, why);
                    around.insert(place.clone());
                    around.extend(self.context.around(place.0, &place.1));
                    if let Some(Change::Revocation(new)) = &event
                        && self.context.index.read().revocation(&new.key) != Some(new)
                    {
                        noted.insert(place);
                    }
                    event
                }
                SourceChange::Reached(..) => None,
            };
            if let Some(event) = event {
                let before = self.barred(&event);
                let after = if let Change::Revocation(new) = &event { Some(new.clone()) } else { None };
                merge(&mut effects, self.context.index.write().apply(event, now));
                noted.extend(before);
                noted.extend(after.into_iter().flat_map(|new| self.under(&new)));
            }
        }
        self.follow_up(effects, noted).await;
        drop(changing);
        // not before: who looks at an object that the judge has not heard of sees nothing, and does not look again
        around.into_iter().for_each(|(kind, key)| self.context.touch(kind, key));
        Took::All
    }

    /// Everything that was there has been told: it is read on all cores and judged once.
    pub async fn completed(&mut self) {
        let first = self.first.take().unwrap_or_default();
        let settings = first.iter().rev().find_map(|change| match change {
            SourceChange::Settings(read) => Some(read.as_deref().cloned()),
            _ => None,
        });
        self.settings = settings.flatten();
        let Some(site) = self.settings.as_ref().map(site) else {
            tracing::warn!("there are no settings that can be read: waiting for the ConfigMap datashare-settings");
            return;
        };
        let changing = self.context.changing();
        self.context.index.write().start_over(site.clone());
        let mut noted = BTreeSet::new();
        for change in &first {
            match change {
                SourceChange::Ledger(entries) => {
                    self.remember(entries);
                }
                SourceChange::Credentials(key, issued) => self.take_credentials(key, issued),
                _ => {}
            }
        }
        let events: Vec<_> = first.par_iter().map(|change| read(change, &site)).collect();
        let mut changes = Vec::with_capacity(events.len());
        for (change, (event, why)) in first.iter().zip(events) {
            if let Some(place) = place(change) {
                self.took(change, &place, why);
                if matches!(place.0, Kind::Revocation | Kind::AccessGrant) {
                    noted.insert(place);
                }
            }
            changes.extend(event);
        }
        let now = self.context.clock.now();
        let effects = {
            let mut index = self.context.index.write();
            let mut effects = index.load(changes, now);
            effects.ledger.extend(index.notice_absent(now).ledger);
            effects
        };
        self.follow_up(effects, noted).await;
        drop(changing);
        self.context.set_ready(true);
        self.context.touch_all();
    }

    /// Everything will be told anew, for the settings as they are now.
    pub fn reload(&mut self) {
        self.context.set_ready(false);
        self.first = Some(Vec::new());
    }

    /// From now on we write.
    pub async fn lead(&mut self) {
        self.leads = true;
        let _changing = self.context.changing();
        // times that a follower noted are not those that statuses tell
        self.context.observed.write().proved.clear();
        let changed = self.flush().await;
        self.note(changed.into_iter().map(|key| (Kind::AccessGrant, key)).collect());
    }

    /// Does what time asks for, and again what went wrong.
    pub async fn tick(&mut self) {
        let now = self.context.clock.now();
        // what a guard's inspection suspends is as durable as any other fact before that inspection is done
        let told = self.context.guards.suspends();
        let news: Vec<_> = told.into_iter().filter(|entry| !self.known.holds(entry)).collect();
        if self.leads && self.is_complete() && !news.is_empty() {
            let effects = Effects { ledger: news, ..Effects::default() };
            let _changing = self.context.changing();
            self.follow_up(effects, BTreeSet::new()).await;
            return;
        }
        let due = self.context.index.read().next_due().is_some_and(|at| at <= now);
        if due {
            let _changing = self.context.changing();
            let effects = self.context.index.write().settle(now);
            self.follow_up(effects, BTreeSet::new()).await;
        } else if self.leads && (self.journal.is_none() || !self.pending.is_empty()) {
            let _changing = self.context.changing();
            let changed = self.flush().await;
            self.note(changed.into_iter().map(|key| (Kind::AccessGrant, key)).collect());
        }
    }

    /// Whether the first view is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.first.is_none()
    }

    fn remember(&mut self, entries: &[LedgerEntry]) -> Effects {
        entries.iter().for_each(|entry| {
            self.known.take(entry);
        });
        self.context.index.write().record(entries, self.context.clock.now())
    }

    /// Grants that a bar closes which an event replaces or takes away.
    fn barred(&self, event: &Change) -> Vec<(Kind, Key)> {
        let key = match event {
            Change::Revocation(new) => &new.key,
            Change::RevocationGone(key) => key,
            _ => return Vec::new(),
        };
        let before = self.context.index.read().revocation(key).cloned();
        before.map(|before| self.under(&before)).unwrap_or_default()
    }

    /// Grants that a bar closes. No verdict of theirs changes with it, but how they stand does; with a person's not even
    /// that.
    fn under(&self, revocation: &Revocation) -> Vec<(Kind, Key)> {
        match &revocation.target {
            Target::Bar(Bar::Unit { .. } | Bar::System { .. }) => {
                let matched = self.context.view(|view| view.matched(revocation));
                matched.into_iter().map(|key| (Kind::AccessGrant, key)).collect()
            }
            Target::Bar(Bar::Person { .. }) | Target::Grant { .. } => Vec::new(),
        }
    }

    /// An object came or went, or cannot be taken in.
    fn took(&self, change: &SourceChange, (kind, key): &(Kind, Key), why: Option<String>) {
        let there = matches!(change, SourceChange::Put(..));
        if *kind == Kind::AuditPolicy {
            self.context.set_policy(key, there);
        }
        if !there {
            self.context.forget(*kind, key);
            self.context.guards.forget(*kind, key);
        }
        self.context.set_unreadable(*kind, key, why);
    }

    /// Tokens as the cluster has them. What this process did not write itself is looked at.
    fn take_credentials(&self, key: &Key, issued: &[Issued]) {
        let hashes: Vec<CredentialHash> = issued.iter().map(hash).collect();
        match self.context.remembered(key) {
            Some(known) if alike(&known, &hashes) => {}
            // perhaps the leader's, perhaps not ours at all: the controller decides, and remembers
            Some(_) if self.leads => self.context.touch(Kind::AccessGrant, key.clone()),
            _ => self.context.observe_tokens(key, &hashes),
        }
    }

    /// Makes durable what must be, lets it take effect, and asks for what changed to be looked at.
    async fn follow_up(&mut self, effects: Effects, mut noted: BTreeSet<(Kind, Key)>) {
        noted.extend(effects.changed.into_iter().map(|key| (Kind::AccessGrant, key)));
        self.queue(effects.ledger);
        let touched = self.flush().await;
        noted.extend(touched.into_iter().map(|key| (Kind::AccessGrant, key)));
        self.note(noted);
    }

    fn note(&self, noted: BTreeSet<(Kind, Key)>) {
        if noted.is_empty() {
            return;
        }
        {
            let mut observed = self.context.observed.write();
            noted.iter().for_each(|place| {
                observed.proved.remove(place);
            });
        }
        // what stood before we led was enforced at a time that its status may tell
        let dated = self.leads && self.context.is_ready();
        self.context.guards.note(noted.iter().cloned(), &Arc::new(self.news.clone()), dated);
        self.context.guards.look(&self.context);
        for (kind, key) in noted {
            if kind == Kind::AccessGrant {
                self.context.touch_around(&key);
            }
            self.context.touch(kind, key);
        }
    }

    fn queue(&mut self, entries: Vec<LedgerEntry>) {
        for entry in entries {
            if !self.known.holds(&entry) {
                self.known.take(&entry);
                self.pending.push(entry);
            }
        }
    }

    /// Writes down what is pending and lets it take effect. What cannot be written stays pending.
    async fn flush(&mut self) -> BTreeSet<Key> {
        let mut changed = BTreeSet::new();
        if !self.leads {
            return changed;
        }
        loop {
            if let Err(error) = self.write(&mut changed).await {
                // another leader, or an API server that cannot be reached: read again before writing again
                self.journal = None;
                if !error.is_conflict() {
                    tracing::error!("nothing new can be enforced: {error}");
                    return changed;
                }
                continue;
            }
            if self.pending.is_empty() {
                return changed;
            }
        }
    }

    async fn write(&mut self, changed: &mut BTreeSet<Key>) -> Result<(), TombstoneError> {
        if self.journal.is_none() {
            let (journal, entries) = Tombstones::open(self.context.client.clone(), &self.namespace).await?;
            let now = self.context.clock.now();
            let mut durable = Ledger::default();
            entries.iter().for_each(|entry| {
                durable.take(entry);
            });
            journal.prune(&durable, now).await?;
            self.pending.retain(|entry| {
                let news = !durable.holds(entry);
                durable.take(entry);
                news
            });
            self.known = durable;
            let effects = self.context.index.write().record(&entries, now);
            changed.extend(effects.changed);
            self.queue(effects.ledger);
            self.journal = Some(journal);
        }
        let Some(journal) = &mut self.journal else { return Ok(()) };
        if self.pending.is_empty() {
            return Ok(());
        }
        let version = journal.append(&self.pending).await?;
        let latest = self.news.entry(Watched::ConfigMap).or_default();
        *latest = version.max(*latest);
        let written = std::mem::take(&mut self.pending);
        let effects = self.context.index.write().record(&written, self.context.clock.now());
        changed.extend(effects.changed);
        self.queue(effects.ledger);
        Ok(())
    }
}

fn merge(all: &mut Effects, more: Effects) {
    all.ledger.extend(more.ledger);
    all.changed.extend(more.changed);
}

/// The object that a change is about.
fn place(change: &SourceChange) -> Option<(Kind, Key)> {
    let key = match change {
        SourceChange::Put(object, _) => object.key(),
        SourceChange::Gone(key, _) => key.clone(),
        _ => return None,
    };
    Some((key.kind(), Key::new(key.namespace(), key.name())))
}

/// The judge's event. An object that it cannot take in counts as absent, and it is said why.
fn read(change: &SourceChange, site: &Site) -> (Option<Change>, Option<String>) {
    match change {
        SourceChange::Put(object, at) => match facts::put(object, at, site) {
            Ok(event) => (event, None),
            Err(error) => (facts::gone(&object.key(), at), Some(error.to_string())),
        },
        SourceChange::Gone(gone, at) => (facts::gone(gone, at), None),
        SourceChange::Signers(text) => (Some(Change::Signers(Signers::parse(text).0)), None),
        _ => (None, None),
    }
}

fn site(settings: &Settings) -> Site {
    Site { name: settings.site.as_str().into(), time_zone: settings.time_zone.clone() }
}

fn hash(issued: &Issued) -> CredentialHash {
    CredentialHash {
        id: issued.credential.id.to_string(),
        serial: Some(issued.serial.to_string()),
        sha256: issued.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        not_before: issued.credential.not_before.to_string(),
        not_after: issued.credential.not_after.to_string(),
        asked: None,
        request_uid: None,
    }
}

/// Whether two lists mean the same tokens.
fn alike(known: &[CredentialHash], seen: &[CredentialHash]) -> bool {
    let plain = |hash: &CredentialHash| CredentialHash { asked: None, request_uid: None, ..hash.clone() };
    known.len() == seen.len() && known.iter().zip(seen).all(|(a, b)| plain(a) == plain(b))
}

//! Keeps the judge's world up to date while the cluster changes. What must outlive the objects is in the tombstones
//! before it takes effect here, so that no guard and no status is ahead of what is durable. Only the leader writes;
//! a follower keeps what it would have written until the leader's words arrive.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::Context;
use super::guards::{Guards, Versions};
use super::tombstones::{TombstoneError, Tombstones};
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::status::CredentialHash;
use crate::approval::signers::Signers;
use crate::judge::facts::{Key, Site};
use crate::judge::index::{Change, Effects, Issued};
use crate::judge::ledger::{Ledger, LedgerEntry};
use crate::settings::Settings;
use crate::source::change::{Batch, SourceChange, Watched};
use crate::source::facts;
use crate::source::object::{ObjectKey, Spec};

/// The one writer of the index.
pub struct Keeper {
    context: Arc<Context>,
    guards: Arc<Guards>,
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
    /// The first view is complete.
    complete: bool,
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
    pub fn new(context: Arc<Context>, guards: Arc<Guards>, namespace: &str) -> Self {
        let namespace = namespace.to_owned();
        Self {
            context,
            guards,
            namespace,
            settings: None,
            pending: Vec::new(),
            known: Ledger::default(),
            journal: None,
            leads: false,
            news: Versions::new(),
            complete: false,
        }
    }

    /// Takes a batch in. Each change has its effect before the next one is looked at.
    pub async fn take(&mut self, batch: Batch) -> Took {
        for line in &batch.said {
            tracing::warn!("{line}");
        }
        let now = self.context.clock.now();
        let real = batch.is_news();
        let mut effects = Effects::default();
        let mut noted = BTreeSet::new();
        for change in batch.changes {
            let change = match change {
                SourceChange::Settings(read) => {
                    let read = read.map(|settings| *settings);
                    if self.complete && read != self.settings {
                        self.settings = read;
                        return Took::NeedsReload;
                    }
                    self.take_settings(read);
                    continue;
                }
                SourceChange::Reached(watched, version) => {
                    if real {
                        self.news.insert(watched, version);
                    }
                    continue;
                }
                SourceChange::Ledger(entries) => {
                    entries.iter().for_each(|entry| {
                        self.known.take(entry);
                    });
                    merge(&mut effects, self.context.index.write().record(&entries, now));
                    continue;
                }
                SourceChange::Credentials(key, issued) => {
                    self.take_credentials(&key, &issued);
                    noted.insert((Kind::AccessGrant, key));
                    continue;
                }
                SourceChange::Signers(text) => Some(Change::Signers(Signers::parse(&text).0)),
                SourceChange::Put(..) | SourceChange::Gone(..) => {
                    let (kind, key) = place(&change);
                    if kind == Kind::Revocation {
                        noted.insert((kind, key));
                    }
                    self.read(&change)
                }
            };
            if let Some(change) = change {
                merge(&mut effects, self.context.index.write().apply(change, now));
            }
        }
        self.follow_up(effects, noted).await;
        Took::All
    }

    /// Everything that was there has been told.
    pub async fn completed(&mut self) {
        self.complete = true;
        let now = self.context.clock.now();
        let effects = self.context.index.write().notice_absent(now);
        self.follow_up(effects, BTreeSet::new()).await;
        self.context.set_ready(self.settings.is_some());
    }

    /// Everything will be told anew, for the settings as they are now.
    pub fn reload(&mut self) {
        self.complete = false;
        self.context.set_ready(false);
        let mut index = self.context.index.write();
        let site = self.settings.as_ref().map_or_else(|| index.site().clone(), site);
        index.start_over(site);
    }

    /// From now on we write.
    pub async fn lead(&mut self) {
        self.leads = true;
        // times that a follower noted are not those that statuses tell
        self.context.observed.write().proved.clear();
        let changed = self.flush().await;
        self.note(changed.into_iter().map(|key| (Kind::AccessGrant, key)).collect());
    }

    /// Does what time asks for, and again what went wrong.
    pub async fn tick(&mut self) {
        let now = self.context.clock.now();
        let due = self.context.index.read().next_due().is_some_and(|at| at <= now);
        if due {
            let effects = self.context.index.write().settle(now);
            self.follow_up(effects, BTreeSet::new()).await;
        } else if self.leads && (self.journal.is_none() || !self.pending.is_empty()) {
            let changed = self.flush().await;
            self.note(changed.into_iter().map(|key| (Kind::AccessGrant, key)).collect());
        }
    }

    /// Whether the first view is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    fn take_settings(&mut self, read: Option<Settings>) {
        if let Some(settings) = &read {
            self.context.index.write().start_over(site(settings));
        }
        self.settings = read;
    }

    /// The judge's event. An object that it cannot take in counts as absent.
    fn read(&self, change: &SourceChange) -> Option<Change> {
        let (kind, key) = place(change);
        let settings = self.settings.as_ref()?;
        let (event, why) = match change {
            SourceChange::Put(object, at) => {
                if matches!(object.spec, Spec::AuditPolicy(_)) {
                    self.context.set_policy(&key, true);
                }
                match facts::put(object, at, &site(settings)) {
                    Ok(event) => (event, None),
                    Err(error) => (facts::gone(&object.key(), at), Some(error.to_string())),
                }
            }
            SourceChange::Gone(gone, at) => {
                self.context.set_policy(&key, false);
                self.context.forget(kind, &key);
                self.guards.forget(kind, &key);
                (facts::gone(gone, at), None)
            }
            _ => return None,
        };
        self.context.set_unreadable(kind, &key, why);
        self.context.touch(kind, key);
        event
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
        let dated = self.complete && self.leads;
        self.guards.note(noted.iter().cloned(), &Arc::new(self.news.clone()), dated);
        self.guards.look(&self.context);
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

fn place(change: &SourceChange) -> (Kind, Key) {
    let of = |key: &ObjectKey| (key.kind(), Key::new(key.namespace(), key.name()));
    match change {
        SourceChange::Put(object, _) => of(&object.key()),
        SourceChange::Gone(key, _) => of(key),
        _ => (Kind::AuditPolicy, Key::new("", "")),
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
    }
}

/// Whether two lists mean the same tokens.
fn alike(known: &[CredentialHash], seen: &[CredentialHash]) -> bool {
    let plain = |hash: &CredentialHash| CredentialHash { asked: None, ..hash.clone() };
    known.len() == seen.len() && known.iter().zip(seen).all(|(a, b)| plain(a) == plain(b))
}

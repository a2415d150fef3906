//! A directory as it stands now, judged: what `check`, `plan`, `get` and `token` look at; and a cluster for those who
//! audit it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::approval::signers::Signers;
use crate::clock::Clock;
use crate::judge::facts::{Key, Site, Unreadable};
use crate::judge::index::{Change, Effects, Index, Issued};
use crate::judge::ledger::Ledger;
use crate::settings::Settings;
use crate::source::change::{Place, SourceChange};
use crate::source::facts;
use crate::source::finding::Finding;
use crate::source::live::{Live, LiveError};
use crate::source::object::{Object, ObjectKey};

/// A judged directory.
pub struct World {
    pub root: PathBuf,
    pub settings: Settings,
    pub signers_text: String,
    pub objects: BTreeMap<ObjectKey, Vec<(Object, Place)>>,
    /// What is wrong with files and objects by themselves.
    pub findings: Vec<Finding>,
    /// Objects the judge cannot take in though their own rules hold.
    pub unreadable: Vec<(ObjectKey, Place, Unreadable)>,
    pub index: Index,
}

/// A directory that cannot be judged at all.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    #[error(transparent)]
    Live(#[from] LiveError),
    #[error("{0}: no datashare.yaml that can be read here; {1}")]
    Settings(String, String),
}

/// What a source told, not judged yet.
#[derive(Default)]
pub struct Gathered {
    settings: Option<Box<Settings>>,
    signers_text: String,
    objects: BTreeMap<ObjectKey, Vec<(Object, Place)>>,
    ledger: Ledger,
    /// From a cluster only.
    credentials: BTreeMap<Key, Vec<Issued>>,
}

impl Gathered {
    /// With what is remembered of it.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, ..Self::default() }
    }

    pub fn take(&mut self, change: SourceChange) {
        match change {
            SourceChange::Put(object, place) => {
                let all = self.objects.entry(object.key()).or_default();
                all.retain(|(_, other)| *other != place);
                all.push((*object, place));
            }
            SourceChange::Gone(key, place) => {
                if let Some(all) = self.objects.get_mut(&key) {
                    all.retain(|(_, other)| *other != place);
                }
            }
            SourceChange::Signers(text) => self.signers_text = text,
            SourceChange::Settings(read) => self.settings = read,
            SourceChange::Ledger(entries) => entries.iter().for_each(|entry| {
                self.ledger.take(entry);
            }),
            SourceChange::Credentials(key, issued) => {
                self.credentials.insert(key, issued);
            }
            SourceChange::Reached(..) => {}
        }
    }

    /// Judges it. Serials that would be written down before the first call are taken as written.
    ///
    /// # Errors
    /// When there are no settings.
    pub fn judge(mut self, root: &Path, findings: Vec<Finding>, now: Timestamp) -> Result<World, WorldError> {
        self.objects.retain(|_, all| !all.is_empty());
        let Self { settings, signers_text, objects, ledger, credentials } = self;
        let Some(settings) = settings else {
            let why = findings.iter().find(|f| f.file.ends_with("datashare.yaml"));
            let why = why.map_or("add one with 'site: NAME'".to_owned(), |f| format!("{}; {}", f.message, f.fix));
            return Err(WorldError::Settings(root.display().to_string(), why));
        };
        let site = site(&settings);
        let mut index = Index::new(site.clone(), Signers::parse(&signers_text).0, ledger);
        let flat: Vec<(&Object, &Place)> = objects.values().flatten().map(|(o, p)| (o, p)).collect();
        let read: Vec<_> = flat.par_iter().map(|(o, p)| (o.key(), (*p).clone(), facts::put(o, p, &site))).collect();
        let mut unreadable = Vec::new();
        let mut changes: Vec<Change> = Vec::with_capacity(read.len());
        for (key, place, result) in read {
            match result {
                Ok(change) => changes.extend(change),
                Err(error) => unreadable.push((key, place, error)),
            }
        }
        let effects = index.load(changes, now);
        settle(&mut index, effects, now);
        for (key, issued) in credentials {
            index.replace_credentials(&key, issued);
        }
        Ok(World { root: root.to_owned(), settings: *settings, signers_text, objects, findings, unreadable, index })
    }
}

impl World {
    /// Reads and judges a directory with what is remembered of it.
    pub fn load(root: &Path, ledger: Ledger, now: Timestamp) -> Result<Self, WorldError> {
        let mut gathered = Gathered::new(ledger);
        let live = Live::open(root, Clock::system(), &mut |batch| {
            batch.changes.into_iter().for_each(|change| gathered.take(change));
        })?;
        gathered.judge(root, live.findings(), now)
    }
}

/// Name and time zone of the site.
#[must_use]
pub fn site(settings: &Settings) -> Site {
    Site { name: settings.site.as_str().into(), time_zone: settings.time_zone.clone() }
}

/// Takes what the index wants written down as written, until it wants nothing more.
fn settle(index: &mut Index, mut effects: Effects, now: Timestamp) {
    let absent = index.notice_absent(now);
    effects.ledger.extend(absent.ledger);
    while !effects.ledger.is_empty() {
        effects = index.record(&effects.ledger, now);
    }
}

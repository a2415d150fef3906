//! Tokens of granted requests: minted once, kept in the state directory, changed with an overlap in
//! which both the old and the new one work (promise 2 of form B). A token belongs to one decision.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::journal::{Journal, JournalError};
use super::token::{self, Token};
use crate::judge::facts::{Grant, Key};
use crate::judge::index::TokenHash;
use crate::judge::permit::Credential;
use crate::random::RandomError;

const FILE: &str = "tokens.jsonl";
/// Tokens out of time that may lie about before the journal is written anew.
const SLACK: usize = 1_000;

/// Credentials cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// One token as it is kept: the only place outside the consumer that holds it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Minted {
    pub grant: Name,
    pub request: Name,
    pub serial: Arc<str>,
    pub id: Arc<str>,
    token: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub rotate_by: Timestamp,
}

/// Namespace and name, as written in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl From<&Key> for Name {
    fn from(key: &Key) -> Self {
        Self { namespace: key.namespace.clone(), name: key.name.clone() }
    }
}

impl From<&Name> for Key {
    fn from(name: &Name) -> Self {
        Self { namespace: name.namespace.clone(), name: name.name.clone() }
    }
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Minted({} of {}/{})", self.id, self.grant.namespace, self.grant.name)
    }
}

impl Minted {
    /// The token itself, for its holder.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The token as the index must know it.
    #[must_use]
    pub fn known(&self) -> Known {
        (Key::from(&self.grant), self.serial.clone(), self.hash(), self.credential())
    }

    fn hash(&self) -> TokenHash {
        token::hash(&self.token)
    }

    fn credential(&self) -> Credential {
        let (not_before, not_after, rotate_by) = (self.not_before, self.not_after, self.rotate_by);
        Credential { id: self.id.clone(), not_before, not_after, rotate_by }
    }
}

/// Every live token, by hash, and what is to be minted when.
#[derive(Debug)]
pub struct Credentials {
    journal: Journal<Minted>,
    path: PathBuf,
    /// Tokens in the journal that were out of time when it was opened.
    over: usize,
    /// When the newest token of a decision is to be followed by another.
    newest: HashMap<(Key, Arc<str>), Timestamp>,
    rotations: BTreeSet<(Timestamp, Key, Arc<str>)>,
}

/// A token that the index must know.
pub type Known = (Key, Arc<str>, TokenHash, Credential);

impl Credentials {
    /// Opens the journal for the one process that writes to it, and gives every token in it: also those out
    /// of time, so that their holders learn why they are refused.
    pub fn open(directory: &Path, now: Timestamp) -> Result<(Self, Vec<Known>), CredentialError> {
        let path = directory.join(FILE);
        let (journal, all) = Journal::<Minted>::open(&path)?;
        let over = all.iter().filter(|minted| minted.not_after <= now).count();
        let mut this = Self { journal, path, over, newest: HashMap::new(), rotations: BTreeSet::new() };
        let known = all.iter().map(|minted| this.know(minted)).collect();
        Ok((this, known))
    }

    /// Drops tokens out of time whose decision is not there any more, once there are many of them.
    pub fn tidy(&mut self, stands: impl Fn(&Key, &str) -> bool, now: Timestamp) -> Result<(), CredentialError> {
        if self.over <= SLACK {
            return Ok(());
        }
        let mut all = Journal::<Minted>::read(&self.path)?;
        let before = all.len();
        all.retain(|minted| minted.not_after > now || stands(&Key::from(&minted.grant), &minted.serial));
        if before > all.len() + SLACK {
            self.journal.compact(&all)?;
        }
        Ok(())
    }

    /// Every token ever minted that was not tidied away, for a command that only looks.
    pub fn read(directory: &Path) -> Result<Vec<Minted>, CredentialError> {
        Ok(Journal::read(&directory.join(FILE))?)
    }

    /// The newest token of a decision, for a command that only looks.
    pub fn newest(directory: &Path, grant: &Key, serial: &str) -> Result<Option<Minted>, CredentialError> {
        let mut newest = None;
        Journal::<Minted>::each(&directory.join(FILE), |minted| {
            if Key::from(&minted.grant) == *grant && *minted.serial == *serial {
                newest = Some(minted);
            }
        })?;
        Ok(newest)
    }

    /// Mints for decisions that serve and whose newest token is missing or due; durable when it returns.
    pub fn mint<'a>(
        &mut self,
        serving: impl IntoIterator<Item = &'a Grant>,
        now: Timestamp,
    ) -> Result<Vec<Known>, CredentialError> {
        let mut fresh = Vec::new();
        for grant in serving {
            let due = self.newest.get(&(grant.key.clone(), grant.serial.clone())).is_none_or(|at| *at <= now);
            if due && now < grant.not_after {
                fresh.push(minted(grant, now)?);
            }
        }
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        self.journal.append(&fresh)?;
        Ok(fresh.iter().map(|minted| self.know(minted)).collect())
    }

    /// Decisions whose rotation is due.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<Key> {
        self.rotations.iter().take_while(|(at, _, _)| *at <= now).map(|(_, key, _)| key.clone()).collect()
    }

    fn know(&mut self, minted: &Minted) -> Known {
        let key = Key::from(&minted.grant);
        let decision = (key.clone(), minted.serial.clone());
        let newer = self.newest.get(&decision).is_none_or(|at| *at < minted.rotate_by);
        if newer {
            if let Some(old) = self.newest.insert(decision, minted.rotate_by) {
                self.rotations.remove(&(old, key.clone(), minted.serial.clone()));
            }
            // the last token of a grant ends with it
            if minted.rotate_by < minted.not_after {
                self.rotations.insert((minted.rotate_by, key.clone(), minted.serial.clone()));
            }
        }
        minted.known()
    }
}

fn minted(grant: &Grant, now: Timestamp) -> Result<Minted, RandomError> {
    let token = Token::draw()?;
    let (rotate_by, not_after) = grant.rotation.of(now, grant.not_after);
    Ok(Minted {
        grant: Name::from(&grant.key),
        request: Name::from(&grant.request),
        serial: grant.serial.clone(),
        id: token.id().into(),
        token: token.expose().to_owned(),
        not_before: now,
        not_after,
        rotate_by,
    })
}

#[cfg(test)]
mod tests;

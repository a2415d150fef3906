//! What must outlive the objects, on disk: the judge's ledger as a journal in the state directory.

use std::path::Path;

use jiff::Timestamp;

use super::journal::{Journal, JournalError};
use crate::judge::ledger::{Ledger, LedgerEntry};

const FILE: &str = "ledger.jsonl";
/// Entries beyond what they come to, before the journal is written anew.
const SLACK: usize = 10_000;

/// The ledger's journal.
#[derive(Debug)]
pub struct Tombstones(Journal<LedgerEntry>);

impl Tombstones {
    /// Opens the journal for the one process that writes to it.
    pub fn open(directory: &Path, now: Timestamp) -> Result<(Self, Ledger), JournalError> {
        let (mut journal, entries) = Journal::open(&directory.join(FILE))?;
        let ledger = replay(&entries);
        let compact = ledger.compact(now);
        if entries.len() > compact.len() + SLACK {
            journal.compact(&compact)?;
        }
        Ok((Self(journal), ledger))
    }

    /// The ledger as it is now, for a command that only looks.
    pub fn read(directory: &Path) -> Result<Ledger, JournalError> {
        Ok(replay(&Journal::read(&directory.join(FILE))?))
    }

    /// Makes facts durable; they may be acted on afterwards.
    pub fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), JournalError> {
        self.0.append(entries)
    }
}

fn replay(entries: &[LedgerEntry]) -> Ledger {
    let mut ledger = Ledger::default();
    for entry in entries {
        ledger.take(entry);
    }
    ledger
}

//! What a ledger need not be told again, and what it may forget.

use jiff::Timestamp;

use super::{Ledger, LedgerEntry, Suspension};
use crate::judge::facts::Key;

impl Ledger {
    /// Whether an entry would change nothing.
    #[must_use]
    pub fn holds(&self, entry: &LedgerEntry) -> bool {
        match entry {
            LedgerEntry::Enforced { namespace, serial, .. } => {
                self.serial(namespace, serial).is_some_and(|record| record.enforced.is_some())
            }
            LedgerEntry::Ended { namespace, serial, cause, scope, resources, .. } => {
                let ends = self.serial(namespace, serial).into_iter().flat_map(|record| &record.ends);
                ends.into_iter().any(|e| e.cause == *cause && e.scope == *scope && e.resources == *resources)
            }
            LedgerEntry::Suspended { namespace, serial, at, .. } => {
                let known = self.serial(namespace, serial).and_then(|record| record.suspended.as_ref());
                known.is_some_and(|known| known.at >= *at)
            }
            LedgerEntry::Barred { namespace, name, bar, resources, .. } => {
                let standing = self.standing_bar(&Key::new(namespace.clone(), name.clone()));
                standing.is_some_and(|record| record.bar == *bar && record.resources == *resources)
            }
            LedgerEntry::Lifted { namespace, name, .. } => {
                self.standing_bar(&Key::new(namespace.clone(), name.clone())).is_none()
            }
        }
    }

    /// Whether an entry is about a grant that would have expired by now anyway, as [`Ledger::compact`] leaves it out.
    #[must_use]
    pub fn is_over(&self, entry: &LedgerEntry, now: Timestamp) -> bool {
        match entry {
            LedgerEntry::Enforced { namespace, serial, .. }
            | LedgerEntry::Ended { namespace, serial, .. }
            | LedgerEntry::Suspended { namespace, serial, .. } => {
                let enforced = self.serial(namespace, serial).and_then(|record| record.enforced.as_ref());
                enforced.is_some_and(|(_, _, not_after)| *not_after <= now)
            }
            LedgerEntry::Barred { .. } | LedgerEntry::Lifted { .. } => false,
        }
    }
}

impl Suspension {
    /// The entry that says the same of a serial.
    pub(super) fn entry(&self, serial: &Key) -> LedgerEntry {
        LedgerEntry::Suspended {
            namespace: serial.namespace.clone(),
            serial: serial.name.clone(),
            check: self.check,
            by: self.by.clone(),
            receipt: self.receipt.clone(),
            at: self.at,
        }
    }
}

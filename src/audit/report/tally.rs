//! Calls counted by something they have in common, with the first receipts of each. Memory is bounded:
//! beyond many names the rest is counted together.

use std::collections::BTreeMap;

use crate::audit::event::{Event, Outcome};
use crate::audit::recorded::Recorded;

/// Names told apart.
const NAMES: usize = 100_000;
/// Receipts kept of each.
pub const RECEIPTS: usize = 20;

/// Some calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pile {
    pub released: u64,
    pub refused: u64,
    pub failed: u64,
    /// Elements or rows that were released.
    pub items: u64,
    pub receipts: Vec<String>,
}

impl Pile {
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.released + self.refused + self.failed
    }

    pub(super) fn add(&mut self, entry: &Recorded) {
        match (entry.outcome, entry.event) {
            (Some(Outcome::Released), _) => {
                self.released += 1;
                self.items = self.items.saturating_add(entry.items.unwrap_or(0));
            }
            (Some(Outcome::Refused), Event::UnknownCredentials) => self.refused += entry.items.unwrap_or(1),
            (Some(Outcome::Refused), _) => self.refused += 1,
            (Some(Outcome::Failed), _) => self.failed += 1,
            (None, _) => return,
        }
        if self.receipts.len() < RECEIPTS {
            self.receipts.push(entry.receipt());
        }
    }
}

/// Calls by name.
#[derive(Clone, Debug)]
pub struct Tally<N = String> {
    piles: BTreeMap<N, Pile>,
    /// Calls whose names found no place.
    pub rest: Pile,
}

impl<N> Default for Tally<N> {
    fn default() -> Self {
        Self { piles: BTreeMap::new(), rest: Pile::default() }
    }
}

impl<N: Ord> Tally<N> {
    pub(super) fn add(&mut self, name: N, entry: &Recorded) {
        if let Some(pile) = self.piles.get_mut(&name) {
            pile.add(entry);
        } else if self.piles.len() < NAMES {
            self.piles.entry(name).or_default().add(entry);
        } else {
            self.rest.add(entry);
        }
    }

    /// The piles, the largest first.
    #[must_use]
    pub fn largest(&self) -> Vec<(&N, &Pile)> {
        let mut piles: Vec<_> = self.piles.iter().collect();
        piles.sort_by(|a, b| b.1.calls().cmp(&a.1.calls()).then_with(|| a.0.cmp(b.0)));
        piles
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.piles.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.piles.is_empty()
    }
}

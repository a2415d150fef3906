//! Notice of what leaves. Before a segment goes, a signed entry says so; before it goes from the archives, they have
//! that entry too. What a segment that goes itself says of others is said anew first. So whoever has the record or an
//! archive finds for every stretch that is not there the guard's own word that it left on time.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Keeping, Upkeep, UpkeepError, notes};
use crate::audit::inventory::Facts;
use crate::audit::notice::{Leaving, Notice, joined};
use crate::audit::tree::Range;

/// A segment that is to go.
pub(super) struct Going {
    pub facts: Facts,
    /// The subtrees that stay.
    pub range: Range,
    /// What it says of others that went.
    pub said: Vec<Notice>,
}

/// Stretches of entries: the first of each, and the first after it.
type Stretches = Vec<(u64, u64)>;

impl Upkeep {
    /// Gives notice of those of which none was given, and tells which may go: the notice of the others is not yet where
    /// it must be.
    pub(super) fn give_notice(
        &mut self,
        mut going: Vec<Going>,
        leaving: Leaving,
        gone: &BTreeSet<u64>,
        keeping: &Keeping,
        now: Timestamp,
    ) -> Result<Vec<Going>, UpkeepError> {
        let is_new = |going: &Going| !self.noticed.contains_key(&(going.facts.first, leaving));
        if going.iter().any(is_new) {
            let mut through = 0;
            for (leaving, stretches) in self.to_be_said(&going, leaving, gone) {
                for (from, to) in stretches {
                    let (from, to) = (from.to_string(), to.to_string());
                    let said = [("from", &*from), ("to", &*to)];
                    through = notes::record(&self.log, keeping, now, leaving.code(), &said)?.index();
                }
            }
            self.noticed.extend(going.iter().map(|going| ((going.facts.first, leaving), through)));
            self.log.checkpoint_now();
            if leaving == Leaving::Pruned && !self.copied.is_empty() {
                self.archive_notice(keeping, now);
            }
        }
        let signed = self.log.signed();
        going.retain(|going| {
            let at = self.noticed.get(&(going.facts.first, leaving));
            at.is_some_and(|at| *at < signed && (leaving == Leaving::Offloaded || self.is_archived(*at)))
        });
        Ok(going)
    }

    /// Whether notice was given that a segment goes for good.
    pub(super) fn is_noticed(&self, first: u64) -> bool {
        self.noticed.contains_key(&(first, Leaving::Pruned))
    }

    /// Every stretch with a segment that goes, or of which one that goes speaks, as long as it can be said.
    fn to_be_said(&self, going: &[Going], leaving: Leaving, gone: &BTreeSet<u64>) -> [(Leaving, Stretches); 2] {
        let is_gone = |first: &u64| self.inventory.get(*first).is_none() || gone.contains(first);
        let (mut pruned, mut offloaded): (Stretches, Stretches) =
            self.removed.stretches().partition(|(first, _)| is_gone(first));
        let news = going.iter().map(|going| (going.facts.first, going.facts.end));
        match leaving {
            Leaving::Pruned => pruned.extend(news.clone()),
            Leaving::Offloaded => offloaded.extend(news.clone()),
        }
        let wanted = |kind: Leaving, stretches: Stretches| {
            let said = going.iter().flat_map(|going| &going.said).filter(|notice| notice.leaving == kind);
            let said: Stretches = said.map(|notice| (notice.from, notice.to)).collect();
            let touches = |(from, to): &(u64, u64)| {
                let is_new = kind == leaving && news.clone().any(|(first, end)| *from <= first && end <= *to);
                is_new || said.iter().any(|(first, end)| first < to && from < end)
            };
            (kind, joined(stretches).into_iter().filter(touches).collect())
        };
        [wanted(Leaving::Pruned, pruned), wanted(Leaving::Offloaded, offloaded)]
    }

    /// Has the segment with the newest entries sealed and copied now.
    fn archive_notice(&mut self, keeping: &Keeping, now: Timestamp) {
        self.log.close_segment();
        let sealed = self.seal_closed();
        self.note("seal", now, sealed);
        // with the checkpoint that covers it
        self.copied.iter_mut().for_each(super::copying::Copied::want_files);
        self.copy_all(keeping, now);
    }

    /// Whether every archive has this entry.
    fn is_archived(&self, index: u64) -> bool {
        let with_it = self.inventory.iter().rev().find(|facts| facts.first <= index && index < facts.end);
        self.copied.is_empty() || with_it.is_some_and(|facts| self.copied.iter().all(|copied| copied.has(facts.first)))
    }
}

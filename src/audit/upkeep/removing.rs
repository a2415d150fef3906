//! Removal on time: by whole segments, when the day of the last of their entries has come and nothing holds them. The
//! entry about it, and the hashes that stay, are durable before the first copy goes. Copies on this disk go earlier
//! when the archives have them and the disk is short, or after more than a year.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::copying::Copied;
use super::{Keeping, SHORT_OF_SPACE, Upkeep, UpkeepError, io_error, notes};
use crate::audit::archive::Archive;
use crate::audit::inventory::{Facts, Said};
use crate::audit::pruned::{PRUNED, Pruned};
use crate::audit::removed;
use crate::audit::seal::Step;
use crate::audit::segment;
use crate::audit::storage::sync_folder_of;
use crate::audit::tree::Range;

/// Copies of archived segments stay here that long: a year of use is told without asking the archive.
const STAYS: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Quotas are counted from what is here: the newest stays in any case.
const NEEDED: SignedDuration = SignedDuration::from_hours(48);

impl Upkeep {
    pub(super) fn remove_due(&mut self, keeping: &Keeping, now: Timestamp) -> Result<(), UpkeepError> {
        let due = self.due(keeping, now);
        let doubts = self.belief.doubts(now, self.clock.steady());
        self.belief.keep(&**self.log.storage()).map_err(io_error("note the time in", &self.stream))?;
        let (mut gone, mut held, mut removed, mut trouble) = (BTreeSet::new(), 0, 0, None);
        for facts in due {
            if self.steps.is_stopping() {
                break;
            }
            if self.is_gone(&facts) {
                gone.insert(facts.first);
                continue;
            }
            if self.holds.keep(&facts, keeping) {
                held += 1;
                continue;
            }
            if let Some(ahead) = doubts {
                trouble.get_or_insert(UpkeepError::Clock { ahead: ahead.as_hours() });
                continue;
            }
            // what has to be archived first waits for that
            if self.copied.iter().any(|copied| !copied.has(facts.first)) {
                continue;
            }
            match self.expire(&facts, keeping, now) {
                Ok(true) => {
                    removed += 1;
                    gone.insert(facts.first);
                }
                Ok(false) => {}
                Err(error @ (UpkeepError::Archive(_) | UpkeepError::Step(_) | UpkeepError::Record(_))) => {
                    trouble = Some(error);
                    break;
                }
                Err(error) => {
                    trouble.get_or_insert(error);
                }
            }
        }
        self.standing.change(|report| {
            report.held = held;
            report.pruned += removed;
        });
        if !gone.is_empty() {
            let kept = self.inventory.forget(&gone);
            kept.map_err(io_error("write the inventory of", &self.stream))?;
        }
        trouble.map_or(Ok(()), Err)?;
        self.make_room(keeping, now)
    }

    /// What may go by now. A segment's own times count only as far as they are no earlier than those of the ones before
    /// it, which a clock that was set back makes them; and those ones' only when they are not yet to come.
    fn due(&self, keeping: &Keeping, now: Timestamp) -> Vec<Facts> {
        let (today, mut before) = (keeping.day(now), None);
        let mut due = Vec::new();
        for facts in self.inventory.iter() {
            let back = before.map_or(0, |before: Timestamp| before.duration_since(facts.newest).as_hours() / 24);
            let retain = facts.retain.saturating_add(back.max(0).days());
            if retain <= today {
                due.push(facts.clone());
            }
            before = before.max(Some(facts.newest).filter(|newest| *newest <= now));
        }
        due
    }

    /// Whether it was removed everywhere by a process that the inventory does not know of.
    fn is_gone(&self, facts: &Facts) -> bool {
        self.removed.has(facts.first, facts.end)
            && !self.here.contains(&facts.first)
            && self.copied.iter().all(|copied| copied.lacks(facts.first))
    }

    /// Removes a segment everywhere; whether it is gone.
    fn expire(&mut self, facts: &Facts, keeping: &Keeping, now: Timestamp) -> Result<bool, UpkeepError> {
        let Some(bytes) = self.fetch(keeping, facts)? else { return Err(missing(facts)) };
        let (said, range) = read(facts, bytes)?;
        if said.retain > keeping.day(now) {
            // the inventory was wrong; the entries themselves count
            let corrected = said.of_file(facts.first, facts.bytes, facts.digest.clone());
            self.know(corrected)?;
            return Ok(false);
        }
        let (from, to) = (facts.first.to_string(), facts.end.to_string());
        notes::record(&self.log, keeping, now, "pruned", &[("from", &from), ("to", &to)])?;
        let line = self.note_removed(facts, range, now)?;
        let mut copied = std::mem::take(&mut self.copied);
        let removed = copied.iter_mut().try_for_each(|copied| self.remove_archived(copied, facts, &line, keeping));
        self.copied = copied;
        removed?;
        self.remove_local(facts)?;
        Ok(true)
    }

    /// The line that stays, durable.
    fn note_removed(&mut self, facts: &Facts, range: Range, now: Timestamp) -> Result<Pruned, UpkeepError> {
        let line = Pruned { range, removed_at: now };
        if !self.removed.has(facts.first, facts.end) {
            self.step(Step::NotePruned)?;
            self.removed.add(line.clone()).map_err(io_error("note what is removed from", &self.stream))?;
        }
        Ok(line)
    }

    fn remove_archived(
        &self,
        copied: &mut Copied,
        facts: &Facts,
        line: &Pruned,
        keeping: &Keeping,
    ) -> Result<(), UpkeepError> {
        let Some(archive) = copied.archive().cloned() else { return Err(missing(facts)) };
        self.step(Step::PutPruned)?;
        self.put_removed(&archive, line, keeping)?;
        self.step(Step::RemoveArchived)?;
        archive.remove(self.place(keeping), facts.first)?;
        copied.forget(facts.first, true);
        Ok(())
    }

    /// The archive's own list of what is not there any more; segments that only left this disk are not on it.
    fn put_removed(&self, archive: &Archive, line: &Pruned, keeping: &Keeping) -> Result<(), UpkeepError> {
        let place = self.place(keeping);
        let there = archive.read_file(place, PRUNED)?.unwrap_or_default();
        let mut lines = removed::parse(&there);
        let (from, to) = (line.range.from(), line.range.to());
        if lines.iter().any(|known| known.range.from() <= from && to <= known.range.to()) {
            return Ok(());
        }
        // what was noted before is gone for sure, and need not be told apart any more
        lines = removed::joined(lines);
        lines.push(line.clone());
        lines.sort_by_key(|line| line.range.from());
        let mut bytes = Vec::new();
        for line in &lines {
            line.write(&mut bytes);
            bytes.push(b'\n');
        }
        let bytes = Bytes::from(bytes);
        archive.put_file(place, PRUNED, bytes.clone())?;
        let back = archive.read_file(place, PRUNED)?.unwrap_or_default();
        if back == bytes {
            return Ok(());
        }
        let place = format!("{}/{}/{}/{PRUNED}", archive.url(), place.site, place.stream);
        let (found, expected) = (super::copying::digest(&back), super::copying::digest(&bytes));
        Err(UpkeepError::Lies { place, found, expected })
    }

    fn remove_local(&mut self, facts: &Facts) -> Result<(), UpkeepError> {
        self.step(Step::RemoveLocal)?;
        let path = self.local_path(facts.first);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.and_then(|()| sync_folder_of(&path)).map_err(io_error("remove", &path)),
        }?;
        self.here.remove(&facts.first);
        Ok(())
    }

    /// Copies on this disk that every archive has go when they are old, or when the disk is short, oldest first.
    fn make_room(&mut self, keeping: &Keeping, now: Timestamp) -> Result<(), UpkeepError> {
        if self.copied.is_empty() {
            return Ok(());
        }
        let age = |facts: &Facts| now.duration_since(facts.newest);
        let short = |this: &Self| this.free().is_some_and(|free| free < SHORT_OF_SPACE);
        let here = |facts: &&Facts| self.here.contains(&facts.first);
        if self.inventory.iter().find(here).is_none_or(|facts| age(facts) < STAYS) && !short(self) {
            return Ok(());
        }
        let old = self.inventory.iter().filter(here).filter(|facts| age(facts) >= NEEDED);
        let old: Vec<Facts> = old.cloned().collect();
        for facts in old {
            if self.steps.is_stopping() || (age(&facts) < STAYS && !short(self)) {
                break;
            }
            if !self.copied.iter().all(|copied| copied.has(facts.first)) {
                continue;
            }
            let mut copied = std::mem::take(&mut self.copied);
            let checked = copied.iter_mut().try_for_each(|copied| self.check_again(copied, &facts, keeping));
            self.copied = copied;
            checked?;
            let Some(bytes) = self.local(&facts)? else { continue };
            let (_, range) = read(&facts, bytes)?;
            self.note_removed(&facts, range, now)?;
            self.remove_local(&facts)?;
        }
        Ok(())
    }

    /// Once more before the local copy goes: the archive gives every byte back.
    fn check_again(&self, copied: &mut Copied, facts: &Facts, keeping: &Keeping) -> Result<(), UpkeepError> {
        let Some(archive) = copied.archive().cloned() else { return Err(missing(facts)) };
        let back = self.read_back(&archive, keeping, facts);
        if let Err(UpkeepError::Lies { .. }) = &back {
            copied.forget(facts.first, false);
        }
        back.map(|_| ())
    }
}

/// What the entries say, and the subtrees that cover them.
fn read(facts: &Facts, bytes: Bytes) -> Result<(Said, Range), UpkeepError> {
    let unfit = |reason: String| UpkeepError::Unfit { place: format!("segment {}", facts.first), reason };
    let lines = segment::decompressed(io::Cursor::new(bytes)).map_err(|error| unfit(error.to_string()))?;
    let mut range = Range::empty_at(facts.first);
    let said =
        Said::read(facts.first, lines, &mut |line| range.push(line)).map_err(|error| unfit(error.to_string()))?;
    if said.end == facts.end { Ok((said, range)) } else { Err(unfit(format!("it ends at {}", said.end))) }
}

fn missing(facts: &Facts) -> UpkeepError {
    let place = format!("segment {} to {}", facts.first, facts.end);
    UpkeepError::Unfit { place, reason: "it is neither here nor in an archive, and was not removed by us".to_owned() }
}

//! Removal on time: by whole segments, when the day of the last of their entries has come and nothing holds them. The
//! entry about it, and the hashes that stay, are durable before the first copy goes. Copies on this disk go earlier
//! when the archives have them and the disk is short, or after more than a year.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::copying::Copied;
use super::leaving::Going;
use super::{Keeping, SHORT_OF_SPACE, Upkeep, UpkeepError, io_error};
use crate::audit::archive::Archive;
use crate::audit::inventory::{Facts, Said};
use crate::audit::notice::{Leaving, Notice};
use crate::audit::pruned::{PRUNED, Pruned};
use crate::audit::removed;
use crate::audit::seal::Step;
use crate::audit::segment;
use crate::audit::storage::sync_folder_of;
use crate::audit::tree::Range;

/// Copies of archived segments stay here that long: a year of use is told without asking the archive.
const STAYS: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Segments that go in one round: the signed entry about them comes first, for all of them together.
const AT_ONCE: usize = 1_000;

/// After so many that an archive did not remove, it is asked for no more in this round.
const REFUSED: usize = 3;

/// Quotas are counted from what is here: the newest stays in any case.
const NEEDED: SignedDuration = SignedDuration::from_hours(48);

impl Upkeep {
    pub(super) fn remove_due(&mut self, keeping: &Keeping, now: Timestamp) -> Result<(), UpkeepError> {
        let doubts = self.belief.doubts(now, self.clock.steady());
        self.belief.keep(&**self.log.storage()).map_err(io_error("note the time in", &self.stream))?;
        let (mut gone, mut held, mut going, mut trouble) = (BTreeSet::new(), 0_u64, Vec::new(), None);
        for facts in self.due(keeping, now) {
            if self.steps.is_stopping() || going.len() == AT_ONCE {
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
            let is_leaving = self.is_leaving(&facts, keeping.day(now));
            let is_done = |copied: &Copied| copied.has(facts.first) || (is_leaving && copied.lacks(facts.first));
            if !self.copied.iter().all(is_done) {
                continue;
            }
            match self.ready(facts, keeping, now) {
                Ok(ready) => going.extend(ready),
                Err(error) => {
                    trouble.get_or_insert(error);
                }
            }
        }
        let going = self.give_notice(going, Leaving::Pruned, &gone, keeping, now)?;
        let before = gone.len();
        let removed = self.expire_all(&going, now, &mut gone, &mut held);
        self.standing.change(|report| {
            report.held = held;
            report.pruned += (gone.len() - before) as u64;
        });
        if !gone.is_empty() {
            let kept = self.inventory.forget(&gone);
            kept.map_err(io_error("write the inventory of", &self.stream))?;
        }
        trouble.map_or(removed, Err)
    }

    /// Removes them, unless somebody holds them by now.
    fn expire_all(
        &mut self,
        going: &[Going],
        now: Timestamp,
        gone: &mut BTreeSet<u64>,
        held: &mut u64,
    ) -> Result<(), UpkeepError> {
        let (mut trouble, mut refused) = (None, 0);
        for going in going {
            // each may take as long as an archive does
            let Some(keeping) = (self.ask)().filter(|keeping| self.follows(keeping)) else { break };
            if self.holds.keep(&going.facts, &keeping) {
                self.noticed.remove(&(going.facts.first, Leaving::Pruned));
                *held += 1;
                continue;
            }
            match self.expire(going, &keeping, now) {
                Ok(()) => {
                    gone.insert(going.facts.first);
                }
                Err(error) => {
                    let of_all = matches!(error, UpkeepError::Step(_) | UpkeepError::Record(_));
                    refused += usize::from(matches!(error, UpkeepError::Archive(_)));
                    trouble.get_or_insert(error);
                    if of_all || refused == REFUSED {
                        break;
                    }
                }
            }
        }
        trouble.map_or(Ok(()), Err)
    }

    /// What may go by now. A segment's own times count only as far as they are no earlier than those of the ones before
    /// it, which a clock that was set back makes them; and those ones' only when they are not yet to come.
    fn due(&self, keeping: &Keeping, now: Timestamp) -> Vec<Facts> {
        let (today, mut before) = (keeping.day(now), None);
        let mut due = Vec::new();
        for facts in self.inventory.iter() {
            let back = before.map_or(0, |before: Timestamp| before.duration_since(facts.newest).as_hours() / 24);
            let retain = facts.retain.saturating_add(back.max(0).days());
            // the whole day is over
            if retain < today {
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

    /// A segment whose own entries say that its time is over.
    fn ready(&mut self, facts: Facts, keeping: &Keeping, now: Timestamp) -> Result<Option<Going>, UpkeepError> {
        let Some(bytes) = self.fetch(keeping, &facts)? else { return Err(missing(&facts)) };
        let (entries, going) = read(facts, bytes)?;
        if entries.retain >= keeping.day(now) {
            // the inventory was wrong; the entries themselves count
            let Facts { first, bytes, digest, .. } = going.facts;
            self.know(entries.of_file(first, bytes, digest))?;
            return Ok(None);
        }
        Ok(Some(going))
    }

    /// Removes a segment everywhere.
    fn expire(&mut self, going: &Going, keeping: &Keeping, now: Timestamp) -> Result<(), UpkeepError> {
        let facts = &going.facts;
        let line = self.note_removed(going, now)?;
        let mut copied = std::mem::take(&mut self.copied);
        let removed = copied.iter_mut().try_for_each(|copied| self.remove_archived(copied, facts, &line, keeping));
        self.copied = copied;
        removed?;
        self.remove_local(facts)?;
        self.noticed.remove(&(facts.first, Leaving::Pruned));
        Ok(())
    }

    /// The line that stays, durable.
    fn note_removed(&mut self, going: &Going, now: Timestamp) -> Result<Pruned, UpkeepError> {
        let facts = &going.facts;
        let line = Pruned { range: going.range.clone(), removed_at: now };
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
        copied.forget(facts.first);
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
    pub(super) fn make_room(&mut self, keeping: &Keeping, now: Timestamp) -> Result<(), UpkeepError> {
        if self.copied.is_empty() {
            return Ok(());
        }
        let age = |facts: &Facts| now.duration_since(facts.newest);
        // by a clock that may be wrong nothing is old
        let trusts = self.belief.doubts(now, self.clock.steady()).is_none();
        let is_old = |facts: &Facts| trusts && age(facts) >= STAYS;
        let short = |this: &Self| this.free().is_some_and(|free| free < SHORT_OF_SPACE);
        let here = |facts: &&Facts| self.here.contains(&facts.first) && !self.is_noticed(facts.first);
        if self.inventory.iter().find(here).is_none_or(|facts| !is_old(facts)) && !short(self) {
            return Ok(());
        }
        let old = self.inventory.iter().filter(here).filter(|facts| age(facts) >= NEEDED);
        let old: Vec<Facts> = old.cloned().collect();
        let mut trouble = None;
        for facts in old {
            if self.steps.is_stopping() || (!is_old(&facts) && !short(self)) {
                break;
            }
            if !self.copied.iter().all(|copied| copied.has(facts.first)) {
                continue;
            }
            if let Err(error) = self.offload(facts, keeping, now) {
                trouble.get_or_insert(error);
            }
        }
        trouble.map_or(Ok(()), Err)
    }

    /// Removes the copy on this disk.
    fn offload(&mut self, facts: Facts, keeping: &Keeping, now: Timestamp) -> Result<(), UpkeepError> {
        let mut copied = std::mem::take(&mut self.copied);
        let checked = copied.iter_mut().try_for_each(|copied| self.check_again(copied, &facts, keeping));
        self.copied = copied;
        checked?;
        let Some(bytes) = self.local(&facts)? else { return Ok(()) };
        let (_, going) = read(facts, bytes)?;
        for going in self.give_notice(vec![going], Leaving::Offloaded, &BTreeSet::new(), keeping, now)? {
            self.note_removed(&going, now)?;
            self.remove_local(&going.facts)?;
            self.noticed.remove(&(going.facts.first, Leaving::Offloaded));
        }
        Ok(())
    }

    /// Once more before the local copy goes: the archive gives every byte back.
    fn check_again(&self, copied: &mut Copied, facts: &Facts, keeping: &Keeping) -> Result<(), UpkeepError> {
        let Some(archive) = copied.archive().cloned() else { return Err(missing(facts)) };
        let back = self.read_back(&archive, keeping, facts);
        copied.learn(facts.first, &back);
        back.map(|_| ())
    }
}

/// What the entries say, and what stays when they go.
fn read(facts: Facts, bytes: Bytes) -> Result<(Said, Going), UpkeepError> {
    let unfit = |reason: String| UpkeepError::Unfit { place: format!("segment {}", facts.first), reason };
    let lines = segment::decompressed(io::Cursor::new(bytes)).map_err(|error| unfit(error.to_string()))?;
    let (mut range, mut said) = (Range::empty_at(facts.first), Vec::new());
    let mut each = |line: &[u8]| {
        range.push(line);
        said.extend(Notice::parse(line));
    };
    let entries = Said::read(facts.first, lines, &mut each).map_err(|error| unfit(error.to_string()))?;
    if entries.end != facts.end {
        return Err(unfit(format!("it ends at {}", entries.end)));
    }
    Ok((entries, Going { facts, range, said }))
}

fn missing(facts: &Facts) -> UpkeepError {
    let place = format!("segment {} to {}", facts.first, facts.end);
    UpkeepError::Unfit { place, reason: "it is neither here nor in an archive, and was not removed by us".to_owned() }
}

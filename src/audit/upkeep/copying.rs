//! Copies in the archives. What was put there is read back, and counts only when every byte is as it was sealed. An
//! archive that does not answer is asked again after a while; one that has other bytes is never written over.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use bytes::Bytes;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::{Keeping, Upkeep, UpkeepError, Wanted, io_error};
use crate::audit::archive::{Archive, Place};
use crate::audit::checkpoint::{CHECKPOINT, CHECKPOINTS, Signed};
use crate::audit::inventory::{Facts, SEALED, Said};
use crate::audit::keys::KEYS;
use crate::audit::seal::Step;
use crate::audit::segment;
use crate::clock::apart;

/// The longest list of checkpoints that is copied.
const LONGEST: u64 = 1 << 30;

/// A list of checkpoints as long as this is copied with every segment, a longer one that much more seldom.
const PORTION: u64 = 64 << 20;

/// Without news, the files are copied that often.
const FILES_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Segments of an archive that are read in one round to learn what they are: after a disk was replaced.
const LEARNED: usize = 50;

/// Between two attempts at an archive that fails, doubled each time.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);
const AGAIN_AT_MOST: SignedDuration = SignedDuration::from_mins(5);

/// What is known about one archive.
#[derive(Debug)]
pub(super) struct Copied {
    wanted: Wanted,
    site: String,
    archive: Option<Archive>,
    /// Segments and their sizes, as listed and put since; none before the first listing.
    there: Option<BTreeMap<u64, u64>>,
    /// Those of them that are as they should be.
    good: BTreeSet<u64>,
    /// Those of them that gave back other bytes; they count for nothing until they give back the right ones.
    bad: BTreeSet<u64>,
    /// What the files were when they were copied.
    files: BTreeMap<&'static str, String>,
    files_at: Timestamp,
    failures: u32,
    tried: Timestamp,
}

impl Copied {
    fn new(wanted: &Wanted, site: &str) -> Self {
        Self {
            wanted: wanted.clone(),
            site: site.to_owned(),
            archive: None,
            there: None,
            good: BTreeSet::new(),
            bad: BTreeSet::new(),
            files: BTreeMap::new(),
            files_at: Timestamp::MIN,
            failures: 0,
            tried: Timestamp::MIN,
        }
    }

    /// Whether the segment is there.
    pub fn has(&self, first: u64) -> bool {
        self.good.contains(&first)
    }

    /// Whether it is known not to be there.
    pub fn lacks(&self, first: u64) -> bool {
        self.there.as_ref().is_some_and(|there| !there.contains_key(&first))
    }

    pub fn archive(&self) -> Option<&Archive> {
        self.archive.as_ref()
    }

    /// The files are copied the next time, whenever they were.
    pub fn want_files(&mut self) {
        self.files_at = Timestamp::MIN;
    }

    /// It is not there any more.
    pub fn forget(&mut self, first: u64) {
        self.good.remove(&first);
        self.bad.remove(&first);
        if let Some(there) = self.there.as_mut() {
            there.remove(&first);
        }
    }

    /// What reading it back told.
    pub fn learn(&mut self, first: u64, back: &Result<Bytes, UpkeepError>) {
        match back {
            Ok(_) => {
                self.bad.remove(&first);
                self.good.insert(first);
            }
            Err(UpkeepError::Lost { .. }) => self.forget(first),
            Err(UpkeepError::Lies { .. }) => {
                self.good.remove(&first);
                self.bad.insert(first);
            }
            // it did not answer
            Err(_) => {}
        }
    }

    fn is_of(&self, wanted: &Wanted, site: &str) -> bool {
        self.wanted == *wanted && self.site == site
    }
}

pub(super) fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

impl Upkeep {
    pub(super) fn copy_all(&mut self, keeping: &Keeping, now: Timestamp) {
        let mut before = std::mem::take(&mut self.copied);
        before.append(&mut self.former);
        let urls: Vec<&str> = keeping.archives.iter().map(|wanted| &*wanted.url).collect();
        self.standing.only_archives(&urls);
        for wanted in &keeping.archives {
            let known = before.iter().position(|copied| copied.is_of(wanted, &keeping.site));
            let copied = known.map_or_else(|| Copied::new(wanted, &keeping.site), |at| before.swap_remove(at));
            self.copied.push(copied);
        }
        // under another site they have it in another place
        before.retain(|copied| copied.site == keeping.site);
        self.former = before;
        for at in 0..self.copied.len() {
            let Some(copied) = self.copied.get(at).filter(|copied| apart(now, copied.tried) >= pause(copied.failures))
            else {
                continue;
            };
            // what this one lacks, the others may have
            let empty = Copied::new(&copied.wanted, &copied.site);
            let Some(mut copied) = self.copied.get_mut(at).map(|copied| std::mem::replace(copied, empty)) else {
                continue;
            };
            let result = self.copy(&mut copied, keeping, now);
            copied.failures = if result.is_err() { copied.failures.saturating_add(1) } else { 0 };
            copied.tried = now;
            self.note(&copied.wanted.url, now, result);
            if let Some(place) = self.copied.get_mut(at) {
                *place = copied;
            }
        }
    }

    /// Whether the archives are the ones that are asked for now.
    pub(super) fn follows(&self, keeping: &Keeping) -> bool {
        let wanted = keeping.archives.iter();
        self.copied.len() == wanted.len()
            && self.copied.iter().zip(wanted).all(|(copied, wanted)| copied.is_of(wanted, &keeping.site))
    }

    /// Whether its time is over and it is on its way out.
    pub(super) fn is_leaving(&self, facts: &Facts, today: Date) -> bool {
        facts.retain < today && self.removed.has(facts.first, facts.end)
    }

    fn copy(&mut self, copied: &mut Copied, keeping: &Keeping, now: Timestamp) -> Result<(), UpkeepError> {
        let archive = match &copied.archive {
            Some(archive) => archive.clone(),
            None => (self.reach)(&copied.wanted)?.until(self.stop.clone()),
        };
        copied.archive = Some(archive.clone());
        if copied.there.is_none() {
            let there = archive.segments(self.place(keeping))?;
            self.learn(&archive, &there, keeping)?;
            copied.there = Some(there);
        }
        let today = keeping.day(self.clock.now());
        // one that was taken away on time is not put there again
        let is_over = |facts: &Facts| copied.lacks(facts.first) && self.is_leaving(facts, today);
        let is_wanted = |facts: &&Facts| !copied.has(facts.first) && !is_over(facts);
        let missing: Vec<Facts> = self.inventory.iter().filter(is_wanted).cloned().collect();
        let mut first_trouble = None;
        let mut news = false;
        for facts in missing {
            match self.copy_segment(&archive, copied, keeping, &facts) {
                Ok(put) => news |= put,
                // the others are copied all the same, unless the archive does not answer
                Err(
                    error @ (UpkeepError::Lies { .. }
                    | UpkeepError::Lost { .. }
                    | UpkeepError::Damaged { .. }
                    | UpkeepError::Unfit { .. }),
                ) => {
                    first_trouble.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
            if news {
                self.standing.change(|report| report.last_archived = Some(now));
            }
        }
        let portions = self.list_length() / PORTION;
        let pause = FILES_EVERY.saturating_mul(i32::try_from(portions + 1).unwrap_or(i32::MAX));
        if (news && portions == 0) || apart(now, copied.files_at) >= pause {
            self.copy_files(&archive, copied, keeping)?;
            copied.files_at = now;
        }
        first_trouble.map_or(Ok(()), Err)
    }

    /// Whether it was put there only now.
    fn copy_segment(
        &self,
        archive: &Archive,
        copied: &mut Copied,
        keeping: &Keeping,
        facts: &Facts,
    ) -> Result<bool, UpkeepError> {
        let (place, first) = (self.place(keeping), facts.first);
        let there = copied.there.get_or_insert_default();
        let newest = there.keys().next_back() == Some(&first);
        let put = match there.get(&first) {
            // listed, of the right size; only the newest may be one that a crash left unread
            Some(size) if *size == facts.bytes && !newest && !copied.bad.contains(&first) => {
                copied.good.insert(first);
                return Ok(false);
            }
            Some(_) => false,
            None => {
                let Some(bytes) = self.fetch(keeping, facts)? else {
                    let place = format!("segment {first}");
                    return Err(UpkeepError::Unfit { place, reason: "neither here nor in any archive".to_owned() });
                };
                self.step(Step::Put)?;
                // what is over already needs no lock, and may have none
                let until = Some(keeping.begin(facts.retain)).filter(|until| *until > self.clock.now());
                archive.put(place, first, bytes, until)?
            }
        };
        self.step(Step::ReadBack)?;
        copied.there.get_or_insert_default().insert(first, facts.bytes);
        let back = self.read_back(archive, keeping, facts);
        copied.learn(first, &back);
        back.map(|_| put)
    }

    /// Whether the archive gives back what was sealed.
    pub(super) fn read_back(&self, archive: &Archive, keeping: &Keeping, facts: &Facts) -> Result<Bytes, UpkeepError> {
        let place = self.place(keeping);
        let name = segment::sealed_name(facts.first);
        let path = || format!("{}/{}/{}/{name}", archive.url(), place.site, place.stream);
        let Some(bytes) = archive.read(place, facts.first)? else { return Err(UpkeepError::Lost { place: path() }) };
        let found = digest(&bytes);
        if found == facts.digest {
            return Ok(bytes);
        }
        Err(UpkeepError::Lies { place: path(), found, expected: facts.digest.clone() })
    }

    /// A sealed segment from wherever it is, checked.
    pub(super) fn fetch(&self, keeping: &Keeping, facts: &Facts) -> Result<Option<Bytes>, UpkeepError> {
        let local = self.local(facts);
        if let Ok(Some(bytes)) = local {
            return Ok(Some(bytes));
        }
        let archives = self.copied.iter().chain(&self.former);
        for copied in archives.filter(|copied| copied.has(facts.first)) {
            if let Some(bytes) = copied.archive().and_then(|archive| self.read_back(archive, keeping, facts).ok()) {
                return Ok(Some(bytes));
            }
        }
        local
    }

    /// Makes the inventory of what only the archive has.
    fn learn(&mut self, archive: &Archive, there: &BTreeMap<u64, u64>, keeping: &Keeping) -> Result<(), UpkeepError> {
        let unknown: Vec<u64> = there.keys().copied().filter(|first| self.inventory.get(*first).is_none()).collect();
        for (number, first) in unknown.iter().copied().enumerate() {
            if number >= LEARNED || self.steps.is_stopping() {
                let place = archive.url().to_string();
                let reason = format!("{} segments still have to be read to know what they are", unknown.len() - number);
                return Err(UpkeepError::Unfit { place, reason });
            }
            let Some(bytes) = archive.read(self.place(keeping), first)? else { continue };
            let unfit =
                |reason: String| UpkeepError::Unfit { place: format!("{} segment {first}", archive.url()), reason };
            let lines =
                segment::decompressed(io::Cursor::new(bytes.clone())).map_err(|error| unfit(error.to_string()))?;
            let said = Said::read(first, lines, &mut |_| ()).map_err(|error| unfit(error.to_string()))?;
            self.know(said.of_file(first, bytes.len() as u64, digest(&bytes)))?;
        }
        Ok(())
    }

    /// The keys, and the checkpoints of what is there: one of later entries would only say that they are missing.
    fn copy_files(&self, archive: &Archive, copied: &mut Copied, keeping: &Keeping) -> Result<(), UpkeepError> {
        let place: Place<'_> = self.place(keeping);
        let today = keeping.day(self.clock.now());
        let lacking = self.inventory.iter().find(|facts| !copied.has(facts.first) && !self.is_leaving(facts, today));
        let lacking = lacking.map(|facts| facts.first);
        let all = || self.inventory.iter().next_back().map_or(0, |facts| facts.end);
        let (list, newest) = self.checkpoints(lacking.unwrap_or_else(all))?;
        let keys = self.file(KEYS)?;
        // what is where, so that a question to the archive alone need not read all of it
        let sealed = self.file(SEALED)?;
        for (name, bytes) in [(KEYS, keys), (CHECKPOINTS, list), (CHECKPOINT, newest), (SEALED, sealed)] {
            let Some(bytes) = bytes.map(Bytes::from) else { continue };
            let is = digest(&bytes);
            if copied.files.get(name) == Some(&is) {
                continue;
            }
            self.step(Step::PutFile)?;
            archive.put_file(place, name, bytes)?;
            copied.files.insert(name, is);
        }
        Ok(())
    }
}

type Checkpoints = (Option<Vec<u8>>, Option<Vec<u8>>);

impl Upkeep {
    /// The list of checkpoints as far as they are about entries below `through`, and the newest of them.
    fn checkpoints(&self, through: u64) -> Result<Checkpoints, UpkeepError> {
        let path = self.stream.join(CHECKPOINTS);
        if self.list_length() > LONGEST {
            let (place, reason) = (path.display().to_string(), "it is too long to be copied".to_owned());
            return Err(UpkeepError::Unfit { place, reason });
        }
        let Some(text) = self.file(CHECKPOINTS)? else { return Ok((None, None)) };
        // sizes only grow: what is too new stands at the end
        let mut end = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
        while let Some(list) = text.get(..end).filter(|list| !list.is_empty()) {
            let line = list.strip_suffix(b"\n").unwrap_or(list);
            let begin = memchr::memrchr(b'\n', line).map_or(0, |at| at + 1);
            let signed = Signed::parse_line(line.get(begin..).unwrap_or_default()).ok();
            if let Some(signed) = signed.filter(|signed| signed.checkpoint.size <= through) {
                return Ok((Some(list.to_vec()), Some(signed.note.to_string().into_bytes())));
            }
            end = begin;
        }
        Ok((None, None))
    }

    fn list_length(&self) -> u64 {
        fs::metadata(self.stream.join(CHECKPOINTS)).map_or(0, |file| file.len())
    }

    fn file(&self, name: &str) -> Result<Option<Vec<u8>>, UpkeepError> {
        let path = self.stream.join(name);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some).map_err(io_error("read", &path)),
        }
    }
}

fn pause(failures: u32) -> SignedDuration {
    match failures {
        0 => SignedDuration::ZERO,
        _ => AGAIN.saturating_mul(1 << (failures - 1).min(6)).min(AGAIN_AT_MOST),
    }
}

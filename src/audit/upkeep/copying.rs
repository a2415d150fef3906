//! Copies in the archives. What was put there is read back, and counts only when every byte is as it was sealed. An
//! archive that does not answer is asked again after a while; one that has other bytes is never written over.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::{Keeping, Upkeep, UpkeepError, Wanted, io_error};
use crate::audit::archive::{Archive, Place};
use crate::audit::checkpoint::{CHECKPOINT, CHECKPOINTS, Signed};
use crate::audit::inventory::{Facts, Said};
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

    /// It is not there any more, or not as it should be.
    pub fn forget(&mut self, first: u64, removed: bool) {
        self.good.remove(&first);
        if let Some(there) = self.there.as_mut().filter(|_| removed) {
            there.remove(&first);
        }
    }
}

pub(super) fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

impl Upkeep {
    pub(super) fn copy_all(&mut self, keeping: &Keeping, now: Timestamp) {
        let mut before = std::mem::take(&mut self.copied);
        let urls: Vec<&str> = keeping.archives.iter().map(|wanted| &*wanted.url).collect();
        self.standing.only_archives(&urls);
        for wanted in &keeping.archives {
            let known = before.iter().position(|copied| copied.wanted == *wanted && copied.site == keeping.site);
            let mut copied = known.map_or_else(|| Copied::new(wanted, &keeping.site), |at| before.swap_remove(at));
            if apart(now, copied.tried) >= pause(copied.failures) {
                let result = self.copy(&mut copied, keeping, now);
                copied.failures = if result.is_err() { copied.failures.saturating_add(1) } else { 0 };
                copied.tried = now;
                self.note(&wanted.url, now, result);
            }
            self.copied.push(copied);
        }
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
        let missing: Vec<Facts> = self.inventory.iter().filter(|facts| !copied.has(facts.first)).cloned().collect();
        let mut first_trouble = None;
        let mut news = false;
        for facts in missing {
            match self.copy_segment(&archive, copied, keeping, &facts) {
                Ok(put) => news |= put,
                // the others are copied all the same, unless the archive does not answer
                Err(error @ (UpkeepError::Lies { .. } | UpkeepError::Damaged { .. } | UpkeepError::Unfit { .. })) => {
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
            Some(size) if *size == facts.bytes && !newest => {
                copied.good.insert(first);
                return Ok(false);
            }
            Some(_) => false,
            None => {
                let Some(bytes) = self.fetch(keeping, facts)? else {
                    // removed everywhere, and only the inventory does not know it
                    if self.removed.has(first, facts.end) && facts.retain <= keeping.day(self.clock.now()) {
                        return Ok(false);
                    }
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
        self.read_back(archive, keeping, facts)?;
        copied.there.get_or_insert_default().insert(first, facts.bytes);
        copied.good.insert(first);
        Ok(put)
    }

    /// Whether the archive gives back what was sealed.
    pub(super) fn read_back(&self, archive: &Archive, keeping: &Keeping, facts: &Facts) -> Result<Bytes, UpkeepError> {
        let place = self.place(keeping);
        let found = archive.read(place, facts.first)?;
        let is = found.as_deref().map_or_else(|| "of nothing".to_owned(), digest);
        match found {
            Some(bytes) if is == facts.digest => Ok(bytes),
            _ => Err(UpkeepError::Lies {
                place: format!(
                    "{}/{}/{}/{}",
                    archive.url(),
                    place.site,
                    place.stream,
                    segment::sealed_name(facts.first)
                ),
                found: is,
                expected: facts.digest.clone(),
            }),
        }
    }

    /// A sealed segment from wherever it is, checked.
    pub(super) fn fetch(&self, keeping: &Keeping, facts: &Facts) -> Result<Option<Bytes>, UpkeepError> {
        let local = self.local(facts);
        if let Ok(Some(bytes)) = local {
            return Ok(Some(bytes));
        }
        for copied in self.copied.iter().filter(|copied| copied.has(facts.first)) {
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
        // removed everywhere, and only the inventory does not know it
        let gone = |facts: &Facts| facts.retain <= today && self.removed.has(facts.first, facts.end);
        let lacking = self.inventory.iter().find(|facts| !copied.has(facts.first) && !gone(facts));
        let lacking = lacking.map(|facts| facts.first);
        let all = || self.inventory.iter().next_back().map_or(0, |facts| facts.end);
        let (list, newest) = self.checkpoints(lacking.unwrap_or_else(all))?;
        let keys = self.file(KEYS)?;
        for (name, bytes) in [(KEYS, keys), (CHECKPOINTS, list), (CHECKPOINT, newest)] {
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

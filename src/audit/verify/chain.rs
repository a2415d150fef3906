//! Keys and checkpoints of a stream against each other. The numbers leave no gap, sizes only grow, and
//! each checkpoint is signed by the key in force: one key takes over from the next in one checkpoint
//! that both have signed, and from no other place in the file does a key speak. After the last one that
//! stays there may be one more, an interim one, where the newest is.

use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use super::Witness;
use super::entries::Entries;
use super::finding::{Finding, Kind};
use super::place::Place;
use crate::audit::checkpoint::{CHECKPOINT, CHECKPOINTS, Checkpoint, NEXT_CHECKPOINT, Signed};
use crate::audit::keys::{self, KEYS};
use crate::audit::lines::{Line, Lines};
use crate::audit::note::{Standing, VerifyingKey};
use crate::audit::tree::{Hash, Range};

/// Lines whose signatures are checked side by side.
const AT_ONCE: usize = 2048;

/// What a checkpoint says of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub number: u64,
    pub size: u64,
    pub root: Hash,
    /// Where it is to be found: a file of the stream, or whoever kept it.
    pub from: Arc<str>,
}

/// A key that took over.
#[derive(Clone, Copy, Debug)]
struct Takeover {
    key: usize,
    number: u64,
    /// The entries that were signed then for the first time.
    from: u64,
    to: u64,
}

/// Keys and checkpoints, as far as they hold.
#[derive(Debug, Default)]
pub struct Chain {
    pub keys: Vec<VerifyingKey>,
    /// Those that stay, and the interim one after them.
    pub marks: Vec<Mark>,
    /// Others that somebody kept.
    pub kept: Vec<Mark>,
    pub newest: Option<Signed>,
    pub findings: Vec<Finding>,
    pub remarks: Vec<String>,
    takeovers: Vec<Takeover>,
}

/// What a newest checkpoint is to the list.
enum Newest {
    /// Its end.
    Same(Signed),
    /// An interim one that follows it.
    Interim(Signed),
    /// One that comes later than what the list has.
    Beyond(u64),
    /// One that comes earlier than its end.
    Older,
}

struct Row {
    signed: Signed,
    standings: Vec<Standing>,
}

impl Chain {
    /// Reads them.
    pub fn read(place: &dyn Place, stream: &str) -> io::Result<Self> {
        let mut chain = Self::default();
        // what is newest is read before what leads up to it, so that a guard that goes on writing is no finding
        let newest = place.read(stream, CHECKPOINT)?;
        let list = place.open(stream, CHECKPOINTS)?;
        match place.read(stream, KEYS)? {
            Some(text) => chain.take_keys(&text, stream),
            None if newest.is_some() || list.is_some() => {
                let says = "there are checkpoints, and not the keys that signed them".to_owned();
                chain.findings.push(Finding::in_file(Kind::Removed, stream, KEYS, None, says));
            }
            None => {}
        }
        if chain.findings.is_empty()
            && let Some(list) = list
        {
            chain.take_list(list, stream)?;
        }
        if chain.findings.is_empty() {
            let finding = chain.take_newest(place, stream, newest.as_deref())?;
            chain.findings.extend(finding);
        }
        Ok(chain)
    }

    /// Whose stream it is.
    pub fn origin(&self) -> Option<&str> {
        self.keys.first().map(VerifyingKey::name)
    }

    /// Checkpoints that hold.
    pub fn count(&self) -> u64 {
        self.marks.last().map_or(0, |mark| mark.number)
    }

    /// Entries that the newest of them covers.
    pub fn size(&self) -> u64 {
        self.marks.last().map_or(0, |mark| mark.size)
    }

    fn take_keys(&mut self, text: &[u8], stream: &str) {
        match keys::parse(text) {
            Err((line, error)) => {
                let finding = Finding::in_file(Kind::Changed, stream, KEYS, Some(line as u64), error.to_string());
                self.findings.push(finding);
            }
            Ok(keys) => {
                let origin = keys.first().map(|key| key.name().to_owned()).unwrap_or_default();
                let fits = origin.rsplit_once('/').is_some_and(|(_, name)| name == stream);
                let other = keys.iter().position(|key| key.name() != origin);
                if let Some(line) = other.or((!fits).then_some(0)) {
                    let says = format!("not a key of stream {stream}");
                    self.findings.push(Finding::in_file(Kind::Forged, stream, KEYS, Some(line as u64 + 1), says));
                }
                self.keys = keys;
            }
        }
    }

    fn take_list(&mut self, source: impl io::Read, stream: &str) -> io::Result<()> {
        let mut lines = Lines::new(source);
        let mut waiting: Vec<Vec<u8>> = Vec::new();
        loop {
            let more = match lines.next_line()? {
                Some(Line::Whole(line)) => {
                    waiting.push(line.to_vec());
                    true
                }
                // a line so long is none of ours, and says so when it is read
                Some(Line::Long { terminated: true }) => {
                    waiting.push(Vec::new());
                    true
                }
                Some(Line::Torn(_) | Line::Long { .. }) => {
                    let says = "checkpoints.jsonl ends in a torn line, which nobody was shown; the next start cuts it";
                    self.remarks.push(says.to_owned());
                    false
                }
                None => false,
            };
            if waiting.len() == AT_ONCE || !more {
                let keys = &self.keys;
                let rows: Vec<_> = waiting.par_iter().map(|line| Row::read(line, keys)).collect();
                waiting.clear();
                if !self.take_rows(rows, stream) || !more {
                    return Ok(());
                }
            }
        }
    }

    /// Whether all of them hold.
    fn take_rows(&mut self, rows: Vec<Result<Row, String>>, stream: &str) -> bool {
        let mut rows = rows.into_iter().peekable();
        let listed: Arc<str> = CHECKPOINTS.into();
        while let Some(row) = rows.next() {
            let line = self.count() + 1;
            let after = rows.peek().and_then(|row| row.as_ref().ok()).map(|row| row.signed.checkpoint.number);
            let judged = row.map_err(|says| (Kind::Changed, says)).and_then(|row| {
                self.judge(&row, after)?;
                Ok(row)
            });
            match judged {
                Ok(row) => {
                    let checkpoint = &row.signed.checkpoint;
                    self.marks.push(Mark::of(checkpoint, &listed));
                    self.newest = Some(row.signed);
                }
                Err((kind, says)) => {
                    self.findings.push(Finding::in_file(kind, stream, CHECKPOINTS, Some(line), says));
                    return false;
                }
            }
        }
        true
    }

    fn judge(&mut self, row: &Row, after: Option<u64>) -> Result<(), (Kind, String)> {
        let checkpoint = &row.signed.checkpoint;
        let (expected, size) = (self.count() + 1, self.size());
        self.judge_signatures(row)?;
        if checkpoint.interim {
            return Err((Kind::Inserted, "an interim checkpoint, and those do not stay".to_owned()));
        }
        match checkpoint.number {
            number if number == expected => {}
            number if number > expected && after == Some(expected) => {
                return Err((Kind::Swapped, format!("checkpoint {number} stands before checkpoint {expected}")));
            }
            number if number > expected => {
                return Err((
                    Kind::Removed,
                    format!("checkpoint {expected} is missing: {number} follows the one before it"),
                ));
            }
            number => return Err((Kind::Inserted, format!("checkpoint {number} once more, where {expected} belongs"))),
        }
        if checkpoint.size <= size {
            return Err((Kind::Forged, format!("{} entries are signed after {size} were", checkpoint.size)));
        }
        if row.signs(self.in_force() + 1) {
            let (number, to) = (checkpoint.number, checkpoint.size);
            self.takeovers.push(Takeover { key: self.in_force() + 1, number, from: size, to });
        }
        Ok(())
    }

    fn judge_signatures(&self, row: &Row) -> Result<(), (Kind, String)> {
        let origin = &row.signed.checkpoint.origin;
        if Some(origin.as_str()) != self.origin() {
            return Err((Kind::Forged, format!("a checkpoint of {origin}")));
        }
        if row.standings.contains(&Standing::Spoiled) {
            return Err((Kind::Changed, "the signature is not one of this text".to_owned()));
        }
        let now = self.in_force();
        if !row.signs(now) {
            let by = row.standings.iter().position(|standing| *standing == Standing::Signed);
            let says = by.map_or_else(
                || "signed by no key of the stream".to_owned(),
                |key| format!("signed by key {} while key {} was in force", key + 1, now + 1),
            );
            return Err((Kind::Forged, says));
        }
        let expected = 1 + usize::from(row.signs(now + 1));
        if row.signed.note.signatures() != expected {
            return Err((Kind::Changed, "it has signatures that the guard has not made".to_owned()));
        }
        Ok(())
    }

    fn in_force(&self) -> usize {
        self.takeovers.len()
    }

    /// `checkpoint` as it was before and after the list was read: it is the end of the list, or follows it.
    fn take_newest(&mut self, place: &dyn Place, stream: &str, before: Option<&[u8]>) -> io::Result<Option<Finding>> {
        let finding = |kind, says: String| Ok(Some(Finding::in_file(kind, stream, CHECKPOINT, None, says)));
        let count = self.count();
        let after = place.read(stream, CHECKPOINT)?;
        let mut current = None;
        for text in [before, after.as_deref().filter(|after| before != Some(after))].into_iter().flatten() {
            match self.judge_newest(text) {
                Err((kind, says)) => return finding(kind, says),
                Ok(Newest::Older) => {}
                Ok(Newest::Same(signed) | Newest::Interim(signed)) => current = Some(signed),
                Ok(Newest::Beyond(number)) if Some(text) == before => {
                    let says = format!("it ends with checkpoint {count}, and checkpoint {number} was signed");
                    return Ok(Some(Finding::in_file(Kind::Truncated, stream, CHECKPOINTS, Some(count + 1), says)));
                }
                // the guard went on meanwhile
                Ok(Newest::Beyond(_)) => return Ok(None),
            }
        }
        if let Some(signed) = current {
            if signed.checkpoint.interim {
                self.marks.push(Mark::of(&signed.checkpoint, &CHECKPOINT.into()));
                self.newest = Some(signed);
            }
            return Ok(None);
        }
        let Some(newest) = &self.newest else { return Ok(None) };
        // the next one lies ready before it stands in the list, and is put in place after that
        let draft = place.read(stream, NEXT_CHECKPOINT)?;
        if place.is_copied() || draft.is_some_and(|draft| draft == newest.note.to_string().as_bytes()) {
            self.remarks.push(format!("checkpoint is behind checkpoint {count}, as a crash leaves it"));
            return Ok(None);
        }
        if after.is_none() {
            return finding(Kind::Removed, format!("it is missing; {CHECKPOINTS} has {count}"));
        }
        finding(Kind::RolledBack, format!("it is older than checkpoint {count}, the newest one"))
    }

    /// What a newest checkpoint is to the list.
    fn judge_newest(&self, text: &[u8]) -> Result<Newest, (Kind, String)> {
        let text = std::str::from_utf8(text).map_err(|error| (Kind::Changed, error.to_string()))?;
        let signed = Signed::parse(text).map_err(|error| (Kind::Changed, error.to_string()))?;
        let (number, count) = (signed.checkpoint.number, self.count());
        if self.newest.as_ref() == Some(&signed) {
            return Ok(Newest::Same(signed));
        }
        let row = Row::of(signed, &self.keys);
        if !row.standings.contains(&Standing::Signed) || row.standings.contains(&Standing::Spoiled) {
            return Err((Kind::Changed, "signed by no key of the stream, or not as it stands there".to_owned()));
        }
        let checkpoint = &row.signed.checkpoint;
        let fits = match self.mark(number) {
            _ if number > count => checkpoint.size > self.size(),
            Some(mark) if checkpoint.interim => {
                let before = number.checked_sub(1).and_then(|before| self.mark(before)).map_or(0, |mark| mark.size);
                checkpoint.size > before && checkpoint.size <= mark.size
            }
            Some(mark) => mark.root == checkpoint.root && mark.size == checkpoint.size,
            None => false,
        };
        if !fits {
            let says = format!("it is another checkpoint {number} than the one in {CHECKPOINTS}");
            return Err((Kind::Forged, says));
        }
        match number {
            // the first one stays
            number if number == count + 1 && checkpoint.interim && count > 0 => {
                self.judge_signatures(&row)?;
                if row.signs(self.in_force() + 1) {
                    return Err((Kind::Forged, "a key takes over in a checkpoint that does not stay".to_owned()));
                }
                Ok(Newest::Interim(row.signed))
            }
            number if number > count => Ok(Newest::Beyond(number)),
            number if number == count && !checkpoint.interim => {
                Err((Kind::Changed, format!("its signatures are not those of checkpoint {number}")))
            }
            _ => Ok(Newest::Older),
        }
    }

    fn mark(&self, number: u64) -> Option<&Mark> {
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        self.marks.get(at)
    }

    /// What is wrong with this chain, given a checkpoint kept elsewhere. One that did not stay is kept in mind: the
    /// entries have to have its root.
    pub fn against(&mut self, witness: &Witness, stream: &str) -> Option<Finding> {
        let kept = &witness.signed.checkpoint;
        let from = &witness.from;
        let refuted = |kind, file, line, says| Some(Finding::in_file(kind, stream, file, line, says));
        if !self.keys.iter().any(|key| witness.signed.note.standing(key) == Standing::Signed) {
            let says = format!(
                "none of these keys has signed checkpoint {} of {from}: this is another log, or one from before a newer key",
                kept.number
            );
            return refuted(Kind::Forged, KEYS, None, says);
        }
        let before = kept.number.checked_sub(1).and_then(|before| self.mark(before)).map_or(0, |mark| mark.size);
        let last = kept.number == self.count() && self.newest.as_ref().is_some_and(|newest| newest.checkpoint.interim);
        match self.mark(kept.number) {
            Some(mark) if mark.size == kept.size && mark.root == kept.root => None,
            Some(mark) if kept.interim && before < kept.size && kept.size < mark.size => {
                self.kept.push(Mark::of(kept, &from.as_str().into()));
                None
            }
            Some(mark) if !last || kept.size <= mark.size => {
                let says = format!("checkpoint {} is another one than in {from}", kept.number);
                refuted(Kind::Forged, CHECKPOINTS, Some(kept.number), says)
            }
            // what is wrong with the chain is said already
            _ if !self.findings.is_empty() => None,
            _ => {
                let says = format!(
                    "the newest checkpoint is {}, of {} entries; {from} has checkpoint {}, of {}",
                    self.count(),
                    self.size(),
                    kept.number,
                    kept.size
                );
                refuted(Kind::RolledBack, CHECKPOINTS, Some(self.count() + 1), says)
            }
        }
    }

    /// All that entries have to agree with, by size.
    pub fn all_marks(&self) -> Vec<Mark> {
        let mut all = [&*self.marks, &*self.kept].concat();
        all.sort_by_key(|mark| mark.size);
        all
    }

    /// Key changes in the entries against those in the checkpoints.
    pub fn against_entries(&self, entries: &Entries, stream: &str) -> Option<Finding> {
        let line = |key: usize| self.keys.get(key).map(ToString::to_string).unwrap_or_default();
        for (index, vkey) in entries.keys.iter().filter(|(index, _)| *index < self.size()) {
            let of = |takeover: &&Takeover| (takeover.from..takeover.to).contains(index) && line(takeover.key) == *vkey;
            if !self.takeovers.iter().any(|takeover| of(&takeover)) {
                let says = format!("entry {index} names a new key, and no checkpoint has it take over then");
                return Some(Finding::in_file(Kind::Forged, stream, KEYS, None, says).among(*index, index + 1));
            }
        }
        for takeover in &self.takeovers {
            let here = entries.keys.iter().any(|(index, _)| (takeover.from..takeover.to).contains(index));
            let is_gone = |range: &Range| range.from() < takeover.to && range.to() > takeover.from;
            if !here && !entries.removed.iter().any(|(_, gone)| is_gone(&gone.range)) {
                let says = format!("key {} takes over, and no entry says so", takeover.key + 1);
                return Some(Finding::in_file(Kind::Forged, stream, CHECKPOINTS, Some(takeover.number), says));
            }
        }
        let waiting = entries.keys.iter().rfind(|(index, _)| *index >= self.size());
        let known = self.in_force() + 1;
        let expected = waiting.map_or(known, |(_, vkey)| known + usize::from(line(known) == *vkey));
        if !self.marks.is_empty() && self.keys.len() > expected {
            let says = "a key that never took over".to_owned();
            return Some(Finding::in_file(Kind::Forged, stream, KEYS, Some(expected as u64 + 1), says));
        }
        None
    }
}

impl Mark {
    fn of(checkpoint: &Checkpoint, from: &Arc<str>) -> Self {
        let (number, size, root) = (checkpoint.number, checkpoint.size, checkpoint.root);
        Self { number, size, root, from: from.clone() }
    }

    /// Where it is to be found.
    pub fn place(&self) -> String {
        if *self.from == *CHECKPOINTS { format!("{CHECKPOINTS}:{}", self.number) } else { self.from.to_string() }
    }

    /// What is to be said when no root can be made for it, because the entries that it ends with were removed.
    pub fn unmet(&self) -> Option<String> {
        let own = [CHECKPOINTS, CHECKPOINT].contains(&&*self.from);
        (!own).then(|| {
            let number = self.number;
            format!(
                "checkpoint {number} of {} ends among entries that are removed: it proves nothing any more",
                self.from
            )
        })
    }
}

impl Row {
    fn read(line: &[u8], keys: &[VerifyingKey]) -> Result<Self, String> {
        let signed = Signed::parse_line(line).map_err(|error| error.to_string())?;
        Ok(Self::of(signed, keys))
    }

    fn of(signed: Signed, keys: &[VerifyingKey]) -> Self {
        Self { standings: keys.iter().map(|key| signed.note.standing(key)).collect(), signed }
    }

    fn signs(&self, key: usize) -> bool {
        self.standings.get(key) == Some(&Standing::Signed)
    }
}

//! Finding entries again: over all streams of a log, in the order of time, while guards go on
//! writing. Memory holds the matches of the few segments that overlap in time, however long the log.

mod pieces;

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::audit::archive::ArchiveError;
use crate::audit::filter::{Filter, Sieve, time_of};
use crate::audit::lines::{Line, Lines};
use crate::audit::recorded::Recorded;
use crate::audit::segment::Segment;

pub use self::pieces::Places;
use self::pieces::Time;
pub(super) use self::pieces::{Piece, pieces};

/// Places named in a [`Summary`]; the rest is only counted.
const NAMED_PLACES: usize = 20;

/// Segments read side by side.
const MOST_AT_ONCE: usize = 8;

/// An entry that was asked for.
#[derive(Clone, Debug)]
pub struct Found {
    time: Time,
    /// The line as it stands in the record, without its newline.
    pub line: Box<str>,
}

impl Found {
    /// A line of somebody else's record; nothing if it does not begin as entries do.
    #[must_use]
    pub fn read(line: String) -> Option<Self> {
        Some(Self { time: time_of(line.as_bytes())?, line: line.into() })
    }

    /// Whether it was written before another one; of two at one moment neither was.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        self.time < other.time
    }

    /// The entry, parsed.
    pub fn entry(&self) -> Result<Recorded, serde_json::Error> {
        Recorded::parse(self.line.as_bytes())
    }
}

/// How a query went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub found: u64,
    /// Lines that are no entries. Their number, and where the first of them are.
    pub unreadable: u64,
    pub places: Vec<Place>,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    pub line: u64,
}

/// Why a query broke off.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the result: {0}")]
    Write(#[source] io::Error),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Gives every entry of `log` that `filter` admits to `sink`, in the order of time; with a limit the
/// newest ones only.
pub fn run(
    log: &Path,
    filter: &Filter,
    limit: Option<NonZeroUsize>,
    sink: &mut dyn FnMut(&Found) -> io::Result<()>,
) -> Result<Summary, QueryError> {
    search(&Places::log(log)?, filter, limit, sink, &|_| ())
}

/// [`run`] over these places; `progress` hears of stored bytes that are done.
pub fn search(
    places: &Places,
    filter: &Filter,
    limit: Option<NonZeroUsize>,
    sink: &mut dyn FnMut(&Found) -> io::Result<()>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Summary, QueryError> {
    let mut pieces = pieces(places, filter.since, filter.until, filter.onward.as_ref())?;
    // what lies outside the time asked for is done
    progress(places.bytes().saturating_sub(pieces.iter().map(|piece| piece.segment.bytes()).sum()));
    let search = Search { filter, sieve: filter.sieve(), progress };
    let at_once = rayon::current_num_threads().clamp(1, MOST_AT_ONCE);
    let mut summary = Summary::default();
    if let Some(limit) = limit {
        let found = search.newest(&mut pieces, limit.get(), at_once, &mut summary)?;
        return summary.give(&found, sink).map(|()| summary);
    }
    let mut waiting: Vec<Found> = Vec::new();
    while !pieces.is_empty() {
        let rest = pieces.split_off(at_once.min(pieces.len()));
        waiting.extend(search.read(&pieces, &mut summary)?);
        pieces = rest;
        waiting.sort_by_key(|found| found.time);
        // what a segment not yet read may still precede has to wait
        let ready =
            pieces.first().map_or(waiting.len(), |next| waiting.partition_point(|found| found.time < next.from));
        let later = waiting.split_off(ready);
        summary.give(&waiting, sink)?;
        waiting = later;
    }
    Ok(summary)
}

/// When the record that is here begins.
pub fn oldest(log: &Path) -> Result<Option<Timestamp>, QueryError> {
    let pieces = pieces(&Places::log(log)?, None, None, None)?;
    // what cannot be read comes first, and says nothing
    Ok(pieces.iter().find_map(|piece| std::str::from_utf8(&piece.from).ok()?.parse().ok()))
}

struct Search<'a> {
    filter: &'a Filter,
    sieve: Sieve,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Search<'_> {
    /// All matches of some segments, read side by side.
    fn read(&self, pieces: &[Piece], summary: &mut Summary) -> Result<Vec<Found>, QueryError> {
        let read = pieces.par_iter().map(|piece| self.scan(piece)).collect::<Result<Vec<_>, _>>()?;
        let mut all = Vec::new();
        for (found, part) in read {
            all.extend(found);
            summary.add(part);
        }
        Ok(all)
    }

    /// The newest `limit` matches, reading backwards and no further than needed.
    fn newest(
        &self,
        pieces: &mut Vec<Piece>,
        limit: usize,
        at_once: usize,
        summary: &mut Summary,
    ) -> Result<Vec<Found>, QueryError> {
        let mut found: Vec<Found> = Vec::new();
        while !pieces.is_empty() {
            let wave = pieces.split_off(pieces.len().saturating_sub(at_once));
            let mut older = self.read(&wave, summary)?;
            older.append(&mut found);
            older.sort_by_key(|found| found.time);
            found = older.split_off(older.len().saturating_sub(limit));
            let settled = |oldest: &Found| pieces.iter().all(|unread| unread.to <= oldest.time);
            if found.len() == limit && found.first().is_none_or(settled) {
                break;
            }
        }
        Ok(found)
    }

    fn scan(&self, piece: &Piece) -> Result<(Vec<Found>, Summary), QueryError> {
        let mut found = Vec::new();
        let summary = each_line(&piece.segment, &mut |line| self.look(line).map(|hit| found.extend(hit)))?;
        (self.progress)(piece.segment.bytes());
        Ok((found, summary))
    }

    /// The line, if it is asked for; an error if it is no entry.
    fn look(&self, line: &[u8]) -> Result<Option<Found>, ()> {
        let time = time_of(line).ok_or(())?;
        if !self.sieve.passes(line, &time) {
            return Ok(None);
        }
        let entry = Recorded::parse(line).map_err(|_| ())?;
        let text = std::str::from_utf8(line).map_err(|_| ())?;
        Ok(self.filter.admits(&entry).then(|| Found { time, line: text.into() }))
    }
}

/// Shows every line of a segment to `look`, and notes which ones it cannot make out.
pub(super) fn each_line(
    segment: &Segment,
    look: &mut dyn FnMut(&[u8]) -> Result<(), ()>,
) -> Result<Summary, QueryError> {
    let path = segment.path.as_path();
    let failed = |source| QueryError::Read { path: path.into(), source };
    let mut summary = Summary::default();
    let mut lines = match segment.open() {
        // removed since it was listed: its time was over
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(summary),
        other => Lines::new(other.map_err(failed)?),
    };
    let mut number = 0;
    while let Some(line) = lines.next_line().map_err(failed)? {
        number += 1;
        let seen = match line {
            Line::Whole(line) => look(line),
            // being written, or cut off by a crash: no entry yet
            Line::Torn(_) => break,
            Line::Long { .. } => Err(()),
        };
        if seen.is_err() {
            summary.note(path, number);
        }
    }
    Ok(summary)
}

impl Summary {
    fn give(&mut self, found: &[Found], sink: &mut dyn FnMut(&Found) -> io::Result<()>) -> Result<(), QueryError> {
        self.found += found.len() as u64;
        found.iter().try_for_each(sink).map_err(QueryError::Write)
    }

    fn note(&mut self, path: &Path, line: u64) {
        self.unreadable += 1;
        if self.places.len() < NAMED_PLACES {
            self.places.push(Place { path: path.into(), line });
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.unreadable += other.unreadable;
        let room = NAMED_PLACES.saturating_sub(self.places.len());
        self.places.extend(other.places.into_iter().take(room));
    }
}

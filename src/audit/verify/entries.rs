//! The entries of a stream against its checkpoints. Segments are hashed side by side, removed ones are
//! stood in for by what `pruned.jsonl` keeps of them, and the tree is put together in order; the first
//! place that does not fit ends it.

use std::io;

use jiff::Timestamp;
use rayon::prelude::*;

use super::chain::Mark;
use super::finding::{Finding, Kind};
use super::place::{Piece, Place, Step};
use crate::audit::lines::{Line, Lines};
use crate::audit::notice::Notice;
use crate::audit::pruned::{PRUNED, Pruned};
use crate::audit::scan::{FoundLine, LineFault, Scan, indexes, scan};
use crate::audit::tree::Range;

/// What the entries say.
#[derive(Debug, Default)]
pub struct Entries {
    /// The entry after the last good one.
    pub end: u64,
    /// What is gone, with its line in `pruned.jsonl`.
    pub removed: Vec<(u64, Pruned)>,
    /// What the entries say of those that are gone.
    pub notices: Vec<(u64, Notice)>,
    /// Where the last sealed segment ends, and when it began.
    pub sealed: (u64, Option<Timestamp>),
    pub keys: Vec<(u64, String)>,
    /// The last entry is a stop.
    pub stopped: bool,
    /// The time of the oldest entry that is there.
    pub since: Option<Timestamp>,
    pub findings: Vec<Finding>,
    pub remarks: Vec<String>,
}

/// A segment with what was read of it.
pub(super) struct Read {
    pub piece: Piece,
    pub scan: Result<Scan, String>,
}

/// A stretch of the stream as it is found on disk.
enum Tile {
    Segment(Box<Read>),
    Removed(u64, Pruned),
}

impl Tile {
    fn first(&self) -> (u64, bool) {
        match self {
            Self::Segment(read) => (read.piece.first, true),
            Self::Removed(_, gone) => (gone.range.from(), false),
        }
    }
}

impl Entries {
    /// Reads them all.
    pub fn read(place: &dyn Place, stream: &str, marks: &[Mark], step: &Step<'_>) -> io::Result<Self> {
        let mut entries = Self::default();
        let removed = entries.read_removed(place, stream)?;
        let cuts: Vec<u64> = marks.iter().map(|mark| mark.size).collect();
        let mut tiles: Vec<Tile> = read_segments(place, stream, &cuts, step)?;
        entries.removed.clone_from(&removed);
        tiles.extend(removed.into_iter().map(|(line, gone)| Tile::Removed(line, gone)));
        tiles.sort_by_key(Tile::first);
        let mut walk = Walk { place, stream, tree: Range::empty_at(0), marks, good: 0, suspect: None, entries };
        if walk.entries.findings.is_empty() {
            walk.all(tiles)?;
        }
        Ok(walk.entries)
    }

    /// The lines of `pruned.jsonl`.
    fn read_removed(&mut self, place: &dyn Place, stream: &str) -> io::Result<Vec<(u64, Pruned)>> {
        let mut all = Vec::new();
        let Some(source) = place.open(stream, PRUNED)? else { return Ok(all) };
        let mut lines = Lines::new(source);
        let mut number = 0;
        while let Some(line) = lines.next_line()? {
            number += 1;
            let read = match line {
                Line::Whole(line) => Pruned::parse(line).map_err(|error| error.to_string()).and_then(|pruned| {
                    let mut again = Vec::new();
                    pruned.write(&mut again);
                    // no byte of it is without meaning
                    if again == line { Ok(pruned) } else { Err("not written as the guard writes it".to_owned()) }
                }),
                Line::Long { terminated: true } => Err("longer than any such line".to_owned()),
                Line::Torn(_) | Line::Long { .. } => {
                    self.remarks
                        .push("pruned.jsonl ends in a torn line; the segment it is about is still there".to_owned());
                    break;
                }
            };
            match read {
                Ok(pruned) => all.push((number, pruned)),
                Err(says) => {
                    self.findings.push(Finding::in_file(Kind::Changed, stream, PRUNED, Some(number), says));
                    break;
                }
            }
        }
        Ok(all)
    }
}

/// Reads and hashes all segments.
fn read_segments(place: &dyn Place, stream: &str, cuts: &[u64], step: &Step<'_>) -> io::Result<Vec<Tile>> {
    let pieces = place.pieces(stream)?;
    let read = |(number, piece): (usize, &Piece)| {
        let end = pieces.get(number + 1).map_or(u64::MAX, |next| next.first);
        let (from, to) = (cuts.partition_point(|cut| *cut <= piece.first), cuts.partition_point(|cut| *cut <= end));
        let cuts = cuts.get(from..to).unwrap_or_default();
        let scan = read_segment(place, stream, piece, cuts, step)?;
        Ok(Tile::Segment(Box::new(Read { piece: piece.clone(), scan })))
    };
    pieces.par_iter().enumerate().map(read).collect()
}

/// One segment; what cannot be decompressed is a finding, a disk that does not answer is an error.
pub(super) fn read_segment(
    place: &dyn Place,
    stream: &str,
    piece: &Piece,
    cuts: &[u64],
    step: &Step<'_>,
) -> io::Result<Result<Scan, String>> {
    let scanned = piece.open(place, stream, step).and_then(|source| scan(source, stream, piece.first, cuts));
    match scanned {
        Err(error) if is_spoiled(piece, &error) => Ok(Err(format!("it cannot be decompressed: {error}"))),
        other => other.map(Ok),
    }
}

/// Whether it is the compressed bytes that are wrong, and not the disk.
fn is_spoiled(piece: &Piece, error: &io::Error) -> bool {
    piece.sealed && error.raw_os_error().is_none() && error.kind() != io::ErrorKind::NotFound
}

/// The tree as it is put together.
struct Walk<'a> {
    place: &'a dyn Place,
    stream: &'a str,
    tree: Range,
    /// Roots still to be met.
    marks: &'a [Mark],
    /// Entries up to here are as they were signed.
    good: u64,
    /// The file that holds the first entry after them.
    suspect: Option<String>,
    entries: Entries,
}

impl Walk<'_> {
    fn all(&mut self, tiles: Vec<Tile>) -> io::Result<()> {
        let newest = self.marks.last().map_or(0, |mark| mark.size);
        let mut tiles = tiles.into_iter().peekable();
        let mut broken: Option<String> = None;
        while let Some(tile) = tiles.next() {
            let (first, _) = tile.first();
            let at = self.tree.to();
            if first > at {
                let file = broken.clone().unwrap_or_else(|| file_of(&tile));
                let says = format!("entries {at} to {} are missing", first - 1);
                self.find(Finding::in_file(Kind::Removed, self.stream, &file, None, says).among(at, first));
                break;
            }
            let next = tiles.peek().map(|tile| tile.first().0);
            let goes_on = match tile {
                Tile::Removed(line, gone) => self.removed(line, &gone.range),
                Tile::Segment(read) => {
                    broken = Some(read.piece.file());
                    self.segment(*read, next)?
                }
            };
            if !goes_on {
                break;
            }
        }
        self.entries.end = self.tree.to();
        if self.entries.findings.is_empty() && self.entries.end < newest {
            let at = self.entries.end;
            let file = broken.unwrap_or_else(|| "entries".to_owned());
            let says = format!("entries {at} to {} are missing at the end", newest - 1);
            self.find(Finding::in_file(Kind::Truncated, self.stream, &file, None, says).among(at, newest));
        }
        Ok(())
    }

    fn find(&mut self, finding: Finding) {
        self.entries.findings.push(finding);
    }

    /// Takes entries in that are gone; whether that fits.
    fn removed(&mut self, line: u64, range: &Range) -> bool {
        if self.tree.extend(range).is_err() {
            let says = format!("entries {} to {} are removed once more", range.from(), range.to() - 1);
            self.find(Finding::in_file(Kind::Inserted, self.stream, PRUNED, Some(line), says));
            return false;
        }
        self.meet(PRUNED, Some(line))
    }

    fn segment(&mut self, read: Read, next: Option<u64>) -> io::Result<bool> {
        let (file, piece) = (read.piece.file(), read.piece);
        let scan = match read.scan {
            Ok(scan) => scan,
            Err(says) => {
                let end = next.unwrap_or(u64::MAX);
                self.find(Finding::in_file(Kind::Changed, self.stream, &file, None, says).among(piece.first, end));
                return Ok(false);
            }
        };
        if piece.first < self.tree.to() {
            let finding = self.leftover(&file, piece.first, &scan);
            let is_left = finding.is_none();
            self.entries.findings.extend(finding);
            return Ok(is_left);
        }
        self.entries.keys.extend(scan.keys);
        self.entries.notices.extend(scan.notices);
        let text = scan.since.and_then(|since| String::from_utf8(since.to_vec()).ok());
        let since = text.and_then(|text| text.parse().ok());
        self.entries.since = self.entries.since.or(since);
        if piece.sealed {
            self.entries.sealed = (scan.next, since);
        }
        for slice in &scan.slices {
            // they follow each other, and the first begins where the tree ends
            let _ = self.tree.extend(slice);
            if !self.meet(&file, None) {
                return Ok(false);
            }
        }
        self.entries.stopped = scan.stopped;
        if let Some(fault) = scan.fault {
            let finding = self.explain(&piece, fault, next, scan.stopped)?;
            let explained = finding.is_none();
            self.entries.findings.extend(finding);
            return Ok(explained);
        }
        if scan.torn > 0 {
            if next.is_some() {
                let says = format!("it ends in {} bytes that are no entry", scan.torn);
                self.find(
                    Finding::in_file(Kind::Changed, self.stream, &file, None, says).among(scan.next, scan.next + 1),
                );
                return Ok(false);
            }
            let says = format!("{file} ends in a torn line of {} bytes, which nobody was shown", scan.torn);
            self.entries.remarks.push(says);
        }
        Ok(true)
    }

    /// Compares the root where a checkpoint was signed for it; whether it is the one.
    fn meet(&mut self, file: &str, line: Option<u64>) -> bool {
        let at = self.tree.to();
        self.suspect.get_or_insert_with(|| file.to_owned());
        while let Some((mark, rest)) = self.marks.split_first().filter(|(mark, _)| mark.size <= at) {
            self.marks = rest;
            // smaller ones lie within what was removed, where no root can be made any more
            if mark.size < at {
                self.entries.remarks.extend(mark.unmet());
                continue;
            }
            if self.tree.root() != Some(mark.root) {
                let says = format!(
                    "entries {} to {} are not those that checkpoint {} was signed for ({})",
                    self.good,
                    at - 1,
                    mark.number,
                    mark.place()
                );
                let first = self.suspect.take().unwrap_or_default();
                let line = line.filter(|_| first == file);
                self.find(Finding::in_file(Kind::Changed, self.stream, &first, line, says).among(self.good, at));
                return false;
            }
            (self.good, self.suspect) = (at, None);
        }
        true
    }

    /// What a line out of place means; nothing, if a crash explains it.
    fn explain(
        &self,
        piece: &Piece,
        fault: LineFault,
        next: Option<u64>,
        stopped: bool,
    ) -> io::Result<Option<Finding>> {
        let file = piece.file();
        let (line, expected) = (fault.line, fault.expected);
        let read = piece.open(self.place, self.stream, &|_| {}).and_then(|source| indexes(source, self.stream));
        let lines = match read {
            Err(error) if is_spoiled(piece, &error) => {
                let says = format!("not an entry of the stream, and further on it cannot be decompressed: {error}");
                let found = Finding::in_file(Kind::Changed, self.stream, &file, Some(line), says);
                return Ok(Some(found.among(expected, expected + 1)));
            }
            other => other?,
        };
        let at = usize::try_from(line - 1).unwrap_or(usize::MAX);
        let after = lines.get(at + 1..).unwrap_or_default();
        let finding = |kind, to: u64, says| {
            Some(Finding::in_file(kind, self.stream, &file, Some(line), says).among(expected, to))
        };
        let FoundLine::Entry(found) = fault.found else {
            let newest = self.marks.last().map_or(self.good, |mark| mark.size);
            let last = next.is_none() && after.is_empty() && !piece.sealed;
            if fault.found == FoundLine::Garbage && last && expected >= newest && !stopped {
                // written, but not whole, when the power went
                return Ok(None);
            }
            return Ok(finding(
                Kind::Changed,
                expected + 1,
                format!("not an entry of the stream, where {expected} belongs"),
            ));
        };
        let comes_later = after.contains(&Some(expected));
        Ok(match found {
            found if line == 1 && !comes_later && next.is_some_and(|next| next != end_of(found, after)) => finding(
                Kind::Swapped,
                expected + 1,
                format!("the file has the entries from {found} on, where {expected} belongs"),
            ),
            found if found > expected && comes_later => {
                finding(Kind::Swapped, found + 1, format!("entry {found} stands before entry {expected}"))
            }
            found if found > expected => {
                finding(Kind::Removed, found, format!("entries {expected} to {} are missing", found - 1))
            }
            found => {
                finding(Kind::Inserted, expected + 1, format!("entry {found} once more, where {expected} belongs"))
            }
        })
    }

    /// What is wrong with a segment of entries that were taken in already. A crash leaves one that was removed, whole and
    /// as it was.
    fn leftover(&self, file: &str, first: u64, scan: &Scan) -> Option<Finding> {
        let mut removed = self.entries.removed.iter().map(|(_, gone)| &gone.range);
        let Some(range) = removed.find(|range| (range.from()..range.to()).contains(&first)) else {
            let says = format!("it begins with entry {first}, and the one before goes on to {}", self.tree.to() - 1);
            return Some(Finding::in_file(Kind::Inserted, self.stream, file, None, says));
        };
        let mut again = Range::empty_at(first);
        let follows = scan.slices.iter().all(|slice| again.extend(slice).is_ok());
        if follows && again == *range && scan.fault.is_none() && scan.torn == 0 {
            return None;
        }
        let (from, to) = (range.from(), range.to());
        let says = format!("entries {from} to {} were removed, and these are not the same", to - 1);
        Some(Finding::in_file(Kind::Changed, self.stream, file, None, says).among(from, to))
    }
}

fn file_of(tile: &Tile) -> String {
    match tile {
        Tile::Segment(read) => read.piece.file(),
        Tile::Removed(..) => PRUNED.to_owned(),
    }
}

/// The entry after the last one of these lines.
fn end_of(found: u64, after: &[Option<u64>]) -> u64 {
    after.iter().rev().flatten().next().map_or(found + 1, |last| last.saturating_add(1))
}

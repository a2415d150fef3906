//! What is done with a stream before anything is added to it. A torn last line was never
//! acknowledged and is cut; anything else that is wrong is named by file and line and left alone.
//! Only the newest segment is read completely, of the others only the end.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::audit::FORMAT;
use crate::audit::event::Event;
use crate::audit::inventory::{Inventory, Said};
use crate::audit::journal::{JOURNAL, Kept};
use crate::audit::lines::{Line, Lines};
use crate::audit::recorded::Head;
use crate::audit::removed::Removed;
use crate::audit::segment::{self, Form, MAX_LINE, Segment};
use crate::audit::storage::{Disk, Storage, sync_folder_of};
use crate::audit::writer::LogError;

/// The file beside the folder of the segments that has what was cut last, and how much of it.
const CUT: &str = "cut";
const MOST_KEPT: u64 = 1 << 20;

/// How the stream was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    pub stream: Arc<str>,
    pub restart: Restart,
    /// Entries that were there.
    pub entries: u64,
    /// The torn last line that was cut, if there was one.
    pub cut: Option<Cut>,
}

/// What came before this start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Nothing: a new stream.
    First,
    /// A stop in good order.
    Clean,
    /// A crash, or a disk that failed.
    Recovered,
}

impl Restart {
    /// The `code` of the `start` entry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Clean => "clean",
            Self::Recovered => "recovered",
        }
    }
}

/// Bytes that were taken off the end of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub path: PathBuf,
    pub bytes: u64,
}

/// The newest segment, ready to be continued.
#[derive(Debug)]
pub(super) struct Newest {
    /// The index of its first entry, which is its name.
    pub first: u64,
    pub bytes: u64,
    /// The time of its first entry.
    pub since: Option<Timestamp>,
}

/// Checks and mends the stream, of which so many entries are `signed`; gives what was found and the segment to go on with.
pub(super) fn recover(stream: &Arc<str>, entries: &Path, signed: u64) -> Result<(Recovery, Option<Newest>), LogError> {
    let folder = entries.parent().unwrap_or(entries);
    let segments = segment::list(entries).map_err(LogError::io("list", entries))?;
    let kept = restore(folder, entries, segments.last())?;
    let known = Inventory::open(folder).map_err(LogError::io("read the inventory of", folder))?;
    let removed = Removed::open(folder).map_err(LogError::io("read what was removed from", folder))?;
    let mut expected = 0;
    let mut last_event = None;
    for (older, newer) in segments.iter().zip(segments.iter().skip(1)) {
        starts_at(older, removed.follow(expected, older.first))?;
        let end = last_entry(older, stream, &known);
        let end = end.filter(|end| removed.follow(end.next, newer.first) == newer.first);
        let end = end.ok_or_else(|| locate(older, newer, stream))?;
        last_event = Some(end.event);
        expected = end.next;
    }
    let Some(newest) = segments.last() else {
        let recovery = Recovery { stream: stream.clone(), restart: Restart::First, entries: 0, cut: None };
        return Ok((recovery, None));
    };
    starts_at(newest, removed.follow(expected, newest.first))?;
    if newest.form == Form::Sealed {
        return after_sealed(newest, stream, &known);
    }
    let acknowledged = kept.filter(|(segment, _)| *segment == newest.first).map(|(_, end)| end);
    let read = read_newest(newest, stream, Known { acknowledged, signed })?;
    let cut = cut(newest, read.good_bytes)?;
    let restart = match read.last_event.or(last_event) {
        None => Restart::First,
        Some(Event::Stop) => Restart::Clean,
        Some(_) => Restart::Recovered,
    };
    // a cut is the mark of a crash even when it left nothing
    let restart = if cut.is_some() { Restart::Recovered } else { restart };
    let recovery = Recovery { stream: stream.clone(), restart, entries: read.next, cut };
    Ok((recovery, Some(Newest { first: newest.first, bytes: read.good_bytes, since: read.since })))
}

/// Gives the open segment what the journal has for it; says which one that is, and where what was acknowledged ends.
fn restore(folder: &Path, entries: &Path, newest: Option<&Segment>) -> Result<Option<(u64, u64)>, LogError> {
    let journal = folder.join(JOURNAL);
    let Some(kept) = Kept::read(&journal).map_err(LogError::io("read", &journal))? else { return Ok(None) };
    if newest.is_some_and(|newest| kept.segment() < newest.first) {
        // a segment that another follows was synced whole before that one began
        return Ok(None);
    }
    let path = entries.join(segment::file_name(kept.segment()));
    if !path.exists() && path.with_file_name(segment::sealed_name(kept.segment())).exists() {
        // closed, and sealed before the journal could say so
        return Ok(None);
    }
    let end = kept.restore(&path).map_err(LogError::io("restore", &path))?;
    let end = end.ok_or(LogError::Journal { journal, path })?;
    Ok(Some((kept.segment(), end)))
}

fn starts_at(segment: &Segment, expected: u64) -> Result<(), LogError> {
    if segment.first == expected {
        return Ok(());
    }
    Err(LogError::Gap { path: segment.path.clone(), expected, found: segment.first })
}

/// A stream whose open segment is not there, as on a disk that was filled from the archive: a new one follows.
fn after_sealed(
    newest: &Segment,
    stream: &Arc<str>,
    known: &Inventory,
) -> Result<(Recovery, Option<Newest>), LogError> {
    let path = newest.path.clone();
    let end = last_entry(newest, stream, known).ok_or_else(|| LogError::BadEntry {
        path,
        line: 1,
        reason: "it cannot be decompressed to entries of this stream".to_owned(),
    })?;
    let restart = if end.event == Event::Stop { Restart::Clean } else { Restart::Recovered };
    Ok((Recovery { stream: stream.clone(), restart, entries: end.next, cut: None }, None))
}

/// Where a segment ends.
struct End {
    next: u64,
    event: Event,
}

fn last_entry(segment: &Segment, stream: &str, known: &Inventory) -> Option<End> {
    if segment.form == Form::Plain {
        let head = last_line(segment).filter(|head| head.v == FORMAT && head.stream == stream)?;
        return Some(End { next: head.index.checked_add(1)?, event: head.event });
    }
    if let Some(facts) = known.get(segment.first) {
        return Some(End { next: facts.end, event: facts.last_event });
    }
    let said = Said::read(segment.first, segment.open().ok()?, &mut |_| ()).ok()?;
    Some(End { next: said.end, event: said.last_event })
}

fn last_line(segment: &Segment) -> Option<Head> {
    let mut file = File::open(&segment.path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_LINE as u64 + 2))).ok()?;
    let mut tail = Vec::new();
    file.take(MAX_LINE as u64 + 2).read_to_end(&mut tail).ok()?;
    let body = tail.strip_suffix(b"\n")?;
    Head::parse(body.rsplit(|byte| *byte == b'\n').next()?).ok()
}

struct ReadThrough {
    good_bytes: u64,
    next: u64,
    since: Option<Timestamp>,
    last_event: Option<Event>,
}

/// What is known of the open segment before it is read.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Where what was acknowledged ends in it.
    acknowledged: Option<u64>,
    /// Entries of the stream that a checkpoint covers.
    signed: u64,
}

/// Reads all entries. Behind the end of what was acknowledged, if that is known, a power cut may have left anything:
/// there the first line that is no entry ends the segment. Elsewhere only the last line may be a torn one, and nowhere
/// one that was acknowledged or signed.
fn read_newest(segment: &Segment, stream: &str, known: Known) -> Result<ReadThrough, LogError> {
    let path = &segment.path;
    let file = File::open(path).map_err(LogError::io("open", path))?;
    let mut lines = Lines::new(file);
    let mut read = ReadThrough { good_bytes: 0, next: segment.first, since: None, last_event: None };
    // a line that is not JSON may be the torn one, if nothing follows it
    let mut doubtful: Option<LogError> = None;
    let (mut number, mut whole) = (0_u64, true);
    while let Some(line) = lines.next_line().map_err(LogError::io("read", path))? {
        if let Some(error) = doubtful {
            return Err(error);
        }
        number += 1;
        let unacknowledged = known.acknowledged.is_some_and(|end| read.good_bytes >= end) && read.next >= known.signed;
        let bad = |reason: String| LogError::BadEntry { path: path.clone(), line: number, reason };
        whole = false;
        let entry = match line {
            Line::Torn(_) | Line::Long { terminated: false } => break,
            Line::Long { terminated: true } => Err(NoEntry::Never("longer than any entry".to_owned())),
            Line::Whole(line) => entry(line, stream, read.next),
        };
        match entry {
            Ok(head) => {
                read.next += 1;
                read.since = read.since.or(Some(head.time));
                read.last_event = Some(head.event);
                read.good_bytes = lines.offset();
                whole = true;
            }
            Err(_) if unacknowledged => break,
            Err(NoEntry::Torn(reason)) => doubtful = Some(bad(reason)),
            Err(NoEntry::Never(reason)) => return Err(bad(reason)),
        }
    }
    if !whole && (known.acknowledged.is_some_and(|end| read.good_bytes < end) || read.next < known.signed) {
        let reason = "no whole entry, where one was acknowledged or signed".to_owned();
        return Err(doubtful.unwrap_or_else(|| LogError::BadEntry { path: path.clone(), line: number, reason }));
    }
    Ok(read)
}

/// Why a line is not the entry that belongs there.
enum NoEntry {
    /// As a crash may leave a last line.
    Torn(String),
    /// As no crash leaves any.
    Never(String),
}

fn entry(line: &[u8], stream: &str, expected: u64) -> Result<Head, NoEntry> {
    let head = Head::parse(line).map_err(|error| NoEntry::Torn(error.to_string()))?;
    if head.v != FORMAT {
        return Err(NoEntry::Never(format!("format {} where this version writes {FORMAT}", head.v)));
    }
    if head.stream != stream {
        return Err(NoEntry::Never(format!("an entry of stream `{}`", head.stream)));
    }
    if head.index != expected {
        return Err(NoEntry::Never(format!("index {} where {expected} belongs", head.index)));
    }
    Ok(head)
}

/// Reads a segment that does not lead up to the next one, to name what is wrong.
fn locate(segment: &Segment, next: &Segment, stream: &str) -> LogError {
    let path = &segment.path;
    if segment.form == Form::Sealed {
        let reason = format!("it does not lead up to entry {}, with which the next one begins", next.first);
        return LogError::BadEntry { path: path.clone(), line: 1, reason };
    }
    let read = match read_newest(segment, stream, Known::default()) {
        Err(error) => return error,
        Ok(read) => read,
    };
    let whole = fs::metadata(path).is_ok_and(|file| file.len() == read.good_bytes);
    if whole && read.next < next.first {
        return LogError::Gap { path: next.path.clone(), expected: read.next, found: next.first };
    }
    let line = read.next.saturating_sub(segment.first) + 1;
    let reason = format!("the segment breaks off at entry {}, and the next one begins with {}", read.next, next.first);
    LogError::BadEntry { path: path.clone(), line, reason }
}

fn cut(segment: &Segment, good_bytes: u64) -> Result<Option<Cut>, LogError> {
    let path = &segment.path;
    let mut file = File::options().read(true).write(true).open(path).map_err(LogError::io("open", path))?;
    let length = file.metadata().map_err(LogError::io("measure", path))?.len();
    if length > good_bytes {
        keep_aside(path, &mut file, good_bytes)?;
        file.set_len(good_bytes).map_err(LogError::io("cut the torn end of", path))?;
    }
    // also what was whole may not have been synced before the crash
    file.sync_all().map_err(LogError::io("sync", path))?;
    sync_folder_of(path).map_err(LogError::io("sync the folder of", path))?;
    let bytes = length.saturating_sub(good_bytes);
    Ok((bytes > 0).then(|| Cut { path: path.clone(), bytes }))
}

/// Lays what is cut beside the segments, in the place of what was cut before: if it was more than a crash's leavings,
/// nobody else has it.
fn keep_aside(segment: &Path, file: &mut File, from: u64) -> Result<(), LogError> {
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(from)).map_err(LogError::io("read", segment))?;
    file.take(MOST_KEPT).read_to_end(&mut rest).map_err(LogError::io("read", segment))?;
    let Some(folder) = segment.parent() else { return Ok(()) };
    let aside = folder.with_file_name(CUT);
    Disk.write_small(&aside, &rest).map_err(LogError::io("write", &aside))
}

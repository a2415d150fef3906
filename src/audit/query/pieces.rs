//! Which segments there are to look into: of a log on this machine, of an archive, or of both, each once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;

use super::QueryError;
use crate::audit::archive::{Archive, Shelf};
use crate::audit::encode::{TIME_LENGTH, time_text};
use crate::audit::filter::{Onward, time_of};
use crate::audit::inventory::{self, Facts, SEALED};
use crate::audit::keys::KEYS;
use crate::audit::segment::{self, ENTRIES, Form, Segment};
use crate::audit::stream;

/// Segments whose beginnings are read together.
const TOGETHER: usize = 64;

pub(super) type Time = [u8; TIME_LENGTH];

const LATEST: Time = [0xff; TIME_LENGTH];
const UNKNOWN: Time = [0; TIME_LENGTH];

/// Segments by stream.
#[derive(Clone, Debug, Default)]
pub struct Places(BTreeMap<String, Stream>);

/// Segments by their first entry, and what the stream's inventory says of those that are sealed.
#[derive(Clone, Debug, Default)]
struct Stream {
    segments: BTreeMap<u64, Segment>,
    sealed: BTreeMap<u64, Facts>,
}

impl Stream {
    fn new(segments: Vec<Segment>, inventory: Option<impl Read>) -> Self {
        // it only saves time: what it does not say is read
        let sealed = inventory.and_then(|file| inventory::read(file).ok()).unwrap_or_default();
        Self { segments: segments.into_iter().map(|segment| (segment.first, segment)).collect(), sealed }
    }

    /// The times of a segment's oldest and newest entry, if the inventory has them.
    fn times(&self, segment: &Segment) -> Option<(Time, Time)> {
        let facts = self.sealed.get(&segment.first)?;
        let is_it = segment.form == Form::Sealed && segment.bytes() == facts.bytes;
        is_it.then(|| (time_text(facts.oldest), time_text(facts.newest)))
    }
}

impl Places {
    /// The streams of a log.
    pub fn log(log: &Path) -> Result<Self, QueryError> {
        let mut places = Self::default();
        for name in stream::names(log).map_err(|source| QueryError::Read { path: log.into(), source })? {
            let folder = log.join(&name).join(ENTRIES);
            match segment::list(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(QueryError::Read { path: folder, source }),
                Ok(segments) => {
                    let inventory = File::open(log.join(&name).join(SEALED)).ok();
                    places.0.insert(name, Stream::new(segments, inventory));
                }
            }
        }
        Ok(places)
    }

    /// The streams of a site in an archive.
    pub fn archive(archive: &Archive, site: &str) -> Result<Self, QueryError> {
        let mut places = Self::default();
        for stream in archive.streams(site)? {
            let shelf = Arc::new(Shelf { archive: archive.clone(), site: site.to_owned(), stream: stream.clone() });
            let segments = shelf.segments()?;
            // any folder may lie there
            if segments.is_empty() && shelf.read_file(KEYS)?.is_none() {
                continue;
            }
            let inventory = shelf.read_file(SEALED)?.map(io::Cursor::new);
            places.0.insert(stream, Stream::new(segments, inventory));
        }
        Ok(places)
    }

    /// Both; what both have is taken from here.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (stream, there) in other.0 {
            let here = self.0.entry(stream).or_default();
            for (first, segment) in there.segments {
                here.segments.entry(first).or_insert(segment);
            }
            for (first, facts) in there.sealed {
                here.sealed.entry(first).or_insert(facts);
            }
        }
        self
    }

    /// Whether there is no stream at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What all of them take where they lie.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.values().flat_map(|stream| stream.segments.values()).map(Segment::bytes).sum()
    }
}

/// A segment, and the times between which its entries lie.
pub(in crate::audit) struct Piece {
    /// As early as its own beginning and that of the next one say; with a clock that was set to and fro within the
    /// segment an entry may be older, and then comes late.
    pub(super) from: Time,
    /// No entry is newer, however the clock was set.
    pub(super) to: Time,
    pub segment: Segment,
}

/// The segments that may hold entries of that time, or from that place on, by the time they begin.
///
/// Where a segment begins says nothing about the times of its other entries once a clock was set: a segment is passed
/// over only by its inventory. That is not signed, so it is believed only together with the beginnings, which are: while
/// clocks go forward no line of it can hide an entry.
pub(in crate::audit) fn pieces(
    places: &Places,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    onward: Option<&Onward>,
) -> Result<Vec<Piece>, QueryError> {
    let (since, until) = (since.map(time_text), until.map(time_text));
    let is_before = |time: Time| since.is_some_and(|since| time < since);
    let mut pieces = Vec::new();
    for (name, stream) in &places.0 {
        // each with where it ends: where the next one begins
        let segments = stream.segments.values().rev();
        let ends = std::iter::once(u64::MAX).chain(segments.clone().map(|segment| segment.first));
        let newest_first: Vec<(&Segment, u64)> = segments.zip(ends).collect();
        let onward = onward.filter(|onward| onward.stream == *name).map(|onward| onward.index);
        let is_onward = |end: u64| onward.is_some_and(|index| index < end);
        // when the next segment begins
        let mut next: Option<Time> = None;
        for group in newest_first.chunks(TOGETHER) {
            // by the beginnings everything older is over: then the inventory alone decides, and nothing is opened
            let is_behind = next.is_some_and(is_before);
            let begun = group.par_iter().filter_map(|(segment, end)| {
                let times = stream.times(segment);
                if is_behind && times.is_some_and(|(_, newest)| is_before(newest)) && !is_onward(*end) {
                    return None;
                }
                // removed since it was listed: its time was over
                let begin = begin(segment).transpose()?;
                Some(begin.map(|begin| (*segment, *end, begin, times)))
            });
            for (segment, end, begin, times) in begun.collect::<Result<Vec<_>, _>>()? {
                let after = next.unwrap_or(begin);
                let from = times.map_or(begin, |(oldest, _)| oldest.min(begin)).min(after);
                let to = times.map_or(LATEST, |(_, newest)| newest.max(begin).max(after));
                let is_over = times.is_some() && until.is_some_and(|until| from > until);
                if !is_over && (is_onward(end) || !is_before(to)) {
                    pieces.push(Piece { from, to, segment: segment.clone() });
                }
                // a beginning that cannot be understood says nothing about the one before
                next = if begin == UNKNOWN { next } else { Some(begin) };
            }
        }
    }
    pieces.sort_by_key(|piece| (piece.from, piece.segment.first));
    Ok(pieces)
}

/// The time of a segment's first entry. A beginning that cannot be understood counts as the oldest, so that it is
/// read, and named.
fn begin(segment: &Segment) -> Result<Option<Time>, QueryError> {
    let mut start = Vec::with_capacity(256);
    let failed = |source| QueryError::Read { path: segment.path.clone(), source };
    let read = match segment.open_start() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?.take(256).read_to_end(&mut start),
    };
    // of damaged bytes as much as can be read
    let _ = read;
    Ok(Some(time_of(&start).unwrap_or(UNKNOWN)))
}

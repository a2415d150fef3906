//! Which segments there are to look into: of a log on this machine, of an archive, or of both, each once.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rayon::prelude::*;

use super::QueryError;
use crate::audit::archive::{Archive, Shelf};
use crate::audit::encode::{TIME_LENGTH, time_text};
use crate::audit::filter::{Onward, time_of};
use crate::audit::segment::{self, ENTRIES, Segment};
use crate::audit::stream;

/// How far a guard's clock may have been set back before a segment is passed over wrongly.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(24);

/// Segments whose beginnings are read together.
const TOGETHER: usize = 64;

pub(super) type Time = [u8; TIME_LENGTH];

const LATEST: Time = [0xff; TIME_LENGTH];
const UNKNOWN: Time = [0; TIME_LENGTH];

/// Segments by stream.
#[derive(Clone, Debug, Default)]
pub struct Places(BTreeMap<String, BTreeMap<u64, Segment>>);

impl Places {
    /// The streams of a log.
    pub fn log(log: &Path) -> Result<Self, QueryError> {
        let mut places = Self::default();
        for name in stream::names(log).map_err(|source| QueryError::Read { path: log.into(), source })? {
            let folder = log.join(&name).join(ENTRIES);
            match segment::list(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(QueryError::Read { path: folder, source }),
                Ok(segments) => places.add(name, segments),
            }
        }
        Ok(places)
    }

    /// The streams of a site in an archive.
    pub fn archive(archive: &Archive, site: &str) -> Result<Self, QueryError> {
        let mut places = Self::default();
        for stream in archive.streams(site)? {
            let shelf = Arc::new(Shelf { archive: archive.clone(), site: site.to_owned(), stream: stream.clone() });
            places.add(stream, shelf.segments()?);
        }
        Ok(places)
    }

    /// Both; what both have is taken from here.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (stream, segments) in other.0 {
            let here = self.0.entry(stream).or_default();
            for (first, segment) in segments {
                here.entry(first).or_insert(segment);
            }
        }
        self
    }

    /// What all of them take where they lie.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).map(Segment::bytes).sum()
    }

    fn add(&mut self, stream: String, segments: Vec<Segment>) {
        self.0.entry(stream).or_default().extend(segments.into_iter().map(|segment| (segment.first, segment)));
    }
}

/// A segment, and the times between which its entries lie.
pub(in crate::audit) struct Piece {
    pub(super) from: Time,
    /// When the next segment of its stream begins.
    pub(super) to: Time,
    /// Asked for by place.
    onward: bool,
    pub segment: Segment,
}

/// The segments that may hold entries of that time, or from that place on, by the time they begin.
pub(in crate::audit) fn pieces(
    places: &Places,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    onward: Option<&Onward>,
) -> Result<Vec<Piece>, QueryError> {
    let since = since.map(|since| time_text(since.checked_sub(CLOCK_SLACK).unwrap_or(Timestamp::MIN)));
    let until = until.map(|until| time_text(until.checked_add(CLOCK_SLACK).unwrap_or(Timestamp::MAX)));
    let mut pieces = Vec::new();
    for (stream, segments) in &places.0 {
        let newest_first: Vec<&Segment> = segments.values().rev().collect();
        let onward = onward.filter(|onward| onward.stream == *stream).map(|onward| onward.index);
        let is_onward = |end: u64| onward.is_some_and(|index| index < end);
        let (mut to, mut end) = (LATEST, u64::MAX);
        for group in newest_first.chunks(TOGETHER) {
            // nothing older ends later
            if since.is_some_and(|since| to < since) && !is_onward(end) {
                break;
            }
            let begins = group.par_iter().map(|segment| begin(segment)).collect::<Result<Vec<_>, _>>()?;
            for (segment, from) in group.iter().zip(begins) {
                // removed since it was listed: its time was over
                let Some(from) = from else { continue };
                pieces.push(Piece { from, to, onward: is_onward(end), segment: (*segment).clone() });
                end = segment.first;
                // a beginning that cannot be understood says nothing about the one before
                to = if from == UNKNOWN { to } else { from };
            }
        }
    }
    let is_late = |piece: &Piece| since.is_none_or(|since| piece.to >= since) || piece.onward;
    pieces.retain(|piece| is_late(piece) && until.is_none_or(|until| piece.from <= until));
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

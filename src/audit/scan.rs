//! A segment read for what it proves: the hashes of its entries, in stretches that end where somebody
//! wants a root, and whether each line is the entry that belongs there. Lines are not parsed as JSON:
//! their beginning has one form only, and the rest is what the hash is for.

use std::io::{self, Read};

use serde::Deserialize;

use crate::audit::FORMAT;
use crate::audit::encode::TIME_LENGTH;
use crate::audit::lines::{Line, Lines};
use crate::audit::notice::Notice;
use crate::audit::tree::{Range, Slices};

/// What a segment holds.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The entries up to the first fault, cut where it was asked.
    pub slices: Vec<Range>,
    /// The entry after the last good one.
    pub next: u64,
    /// Key changes: the entry, and the public key it names.
    pub keys: Vec<(u64, String)>,
    /// What is said of entries that leave, and the entry that says it.
    pub notices: Vec<(u64, Notice)>,
    /// The first line that is not the entry that belongs there.
    pub fault: Option<LineFault>,
    /// Bytes after the last line end.
    pub torn: u64,
    /// The last entry is a stop.
    pub stopped: bool,
    /// The time of the first entry, as it stands there.
    pub since: Option<[u8; TIME_LENGTH]>,
}

/// A line that is not the entry that belongs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// Counts from 1.
    pub line: u64,
    /// The entry that belongs there.
    pub expected: u64,
    pub found: FoundLine,
}

/// What is there instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundLine {
    /// Another entry of the stream.
    Entry(u64),
    /// Something else that is whole.
    Other,
    /// Not even JSON, as a line that was not written whole.
    Garbage,
}

/// How the entries of a stream begin.
pub(super) struct Opening {
    prefix: Vec<u8>,
}

/// As much of an entry as its place in the line tells.
pub(super) struct Opened<'a> {
    pub index: u64,
    pub time: [u8; TIME_LENGTH],
    /// From the event's word on.
    event: &'a [u8],
}

#[derive(Deserialize)]
struct KeyEntry {
    code: String,
}

impl Opening {
    pub fn of(stream: &str) -> Self {
        Self { prefix: format!("{{\"v\":{FORMAT},\"stream\":\"{stream}\",\"index\":").into_bytes() }
    }

    /// The beginning of an entry; `None` if it is none of this stream.
    pub fn read<'a>(&self, line: &'a [u8]) -> Option<Opened<'a>> {
        let rest = line.strip_prefix(&*self.prefix)?;
        let end = rest.iter().take(21).position(|byte| *byte == b',')?;
        let (digits, rest) = rest.split_at_checked(end)?;
        let plain = digits.first().is_some_and(|first| *first != b'0' || digits.len() == 1);
        let index = digits.iter().try_fold(0_u64, |value, byte| {
            let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
            value.checked_mul(10)?.checked_add(digit.into())
        })?;
        let (time, rest) = rest.strip_prefix(b",\"time\":\"")?.split_first_chunk::<TIME_LENGTH>()?;
        let event = rest.strip_prefix(b"\",\"event\":\"")?;
        (plain && line.ends_with(b"}")).then_some(Opened { index, time: *time, event })
    }
}

impl Opened<'_> {
    fn is(&self, event: &[u8]) -> bool {
        self.event.strip_prefix(event).is_some_and(|rest| rest.starts_with(b"\""))
    }
}

/// Reads a segment of `stream` that begins with entry `first`. `cuts` are the sizes at which a stretch ends.
pub fn scan(source: impl Read, stream: &str, first: u64, cuts: &[u64]) -> io::Result<Scan> {
    let opening = Opening::of(stream);
    let mut lines = Lines::new(source);
    let mut slices = Slices::new(first, cuts.iter().copied());
    let (mut keys, mut notices, mut since, mut torn) = (Vec::new(), Vec::new(), None, 0);
    let (mut number, mut stopped) = (0, false);
    let mut fault = None;
    loop {
        let offset = lines.offset();
        let line = match lines.next_line()? {
            None => break,
            Some(Line::Whole(line)) => line,
            Some(Line::Torn(line)) => {
                torn = line.len() as u64;
                break;
            }
            Some(Line::Long { terminated }) => {
                number += 1;
                fault = Some(LineFault { line: number, expected: slices.next(), found: FoundLine::Other });
                if !terminated {
                    torn = lines.offset() - offset;
                    fault = None;
                }
                break;
            }
        };
        number += 1;
        let expected = slices.next();
        let opened = opening.read(line);
        let Some(opened) = opened.filter(|opened| opened.index == expected) else {
            let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
            let other = if is_json { FoundLine::Other } else { FoundLine::Garbage };
            let found = opening.read(line).map_or(other, |opened| FoundLine::Entry(opened.index));
            fault = Some(LineFault { line: number, expected, found });
            break;
        };
        since = since.or(Some(opened.time));
        stopped = opened.is(b"stop");
        if opened.is(b"key") {
            let named = serde_json::from_slice(line).map_or_else(|_| String::new(), |entry: KeyEntry| entry.code);
            keys.push((expected, named));
        }
        if opened.is(b"audit") {
            notices.extend(Notice::parse(line).map(|notice| (expected, notice)));
        }
        slices.push(line);
    }
    let next = slices.next();
    Ok(Scan { slices: slices.finish(), next, keys, notices, fault, torn, stopped, since })
}

/// The entries that the lines of a segment say they are, in their order; `None` for a line that is none.
pub fn indexes(source: impl Read, stream: &str) -> io::Result<Vec<Option<u64>>> {
    let opening = Opening::of(stream);
    let mut lines = Lines::new(source);
    let mut all = Vec::new();
    while let Some(line) = lines.next_line()? {
        match line {
            Line::Whole(line) => all.push(opening.read(line).map(|opened| opened.index)),
            Line::Long { .. } => all.push(None),
            Line::Torn(_) => {}
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::tree::leaf_hash;

    fn line(index: u64, event: &str) -> String {
        format!(
            "{{\"v\":1,\"stream\":\"g\",\"index\":{index},\"time\":\"2026-11-24T04:00:00.000000Z\",\"event\":\"{event}\",\"code\":\"c\"}}\n"
        )
    }

    fn read(text: &str, first: u64, cuts: &[u64]) -> Scan {
        scan(text.as_bytes(), "g", first, cuts).unwrap()
    }

    #[test]
    fn entries_are_hashed_without_their_line_ends_and_key_changes_told() {
        let text = [line(7, "start"), line(8, "key"), line(9, "stop")].concat();
        let found = read(&text, 7, &[8]);
        assert_eq!((found.next, found.fault, found.torn, found.stopped), (10, None, 0, true));
        assert_eq!(found.keys, [(8, "c".to_owned())]);
        assert_eq!(found.slices.len(), 2);
        assert_eq!(found.slices[0].nodes()[0].hash, leaf_hash(line(7, "start").trim_end().as_bytes()));
        assert_eq!((found.slices[1].from(), found.slices[1].to()), (8, 10));
        let torn = read(text.strip_suffix('\n').unwrap(), 7, &[]);
        assert_eq!((torn.next, torn.torn > 0, torn.stopped), (9, true, false));
    }

    #[test]
    fn the_first_line_out_of_place_ends_it() {
        let other = |found, line, expected| Some(LineFault { line, expected, found });
        let skipped = [line(0, "call"), line(2, "call")].concat();
        assert_eq!(read(&skipped, 0, &[]).fault, other(FoundLine::Entry(2), 2, 1));
        for bad in [
            "",
            "{}",
            "x",
            &line(1, "call").replace("\"g\"", "\"h\""),
            &line(1, "call").replace(":1,\"time", ":01,\"time"),
        ] {
            let text = format!("{}{}\n{}", line(0, "call"), bad.trim_end(), line(2, "call"));
            let is_json = serde_json::from_str::<serde_json::Value>(bad).is_ok();
            let found = if is_json { FoundLine::Other } else { FoundLine::Garbage };
            assert_eq!(read(&text, 0, &[]).fault, other(found, 2, 1), "{bad}");
            assert_eq!(indexes(text.as_bytes(), "g").unwrap(), [Some(0), None, Some(2)]);
        }
    }

    proptest! {
        #[test]
        fn nothing_read_is_not_an_entry(text in "(\\{\"v\":1,\"stream\":\"g\",\"index\":[0-3],\"time\":\"2026-11-24T04:00:00.000000Z\",\"event\":\"k?e?y?\"\\}?\n){0,4}\\PC{0,9}") {
            let found = read(&text, 0, &[1, 2]);
            let whole = text.split_inclusive('\n').take(usize::try_from(found.next).unwrap());
            let in_order = whole.enumerate().all(|(at, line)| line.contains(&format!("\"index\":{at},")));
            prop_assert!(in_order);
            prop_assert_eq!(found.slices.last().map_or(0, Range::to), found.next);
        }
    }
}

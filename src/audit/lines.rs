//! Lines of a file in bounded memory: whatever the file holds, one chunk of it is in memory, a line
//! longer than any entry is skipped and named, and a last line without its newline is told apart.

use std::io::{self, Read};

use crate::audit::segment::MAX_LINE;

/// Reads line after line.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    next_offset: u64,
}

/// A piece of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line that ended with a newline, given without it.
    Whole(&'a [u8]),
    /// The end of the file, without a newline.
    Torn(&'a [u8]),
    /// A line too long to be an entry; `terminated` when a newline ended it.
    Long { terminated: bool },
}

enum Piece {
    Whole(usize, usize),
    Torn(usize, usize),
    Long { terminated: bool },
}

impl<R: Read> Lines<R> {
    /// Lines of `source` from where it stands.
    pub fn new(source: R) -> Self {
        Self { source, buffer: vec![0; MAX_LINE + 1], start: 0, end: 0, ended: false, next_offset: 0 }
    }

    /// How many bytes lie before the next line.
    pub fn offset(&self) -> u64 {
        self.next_offset
    }

    /// The next line, or `None` at the end.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let Some(piece) = self.piece()? else { return Ok(None) };
        let part = |from, to| self.buffer.get(from..to).unwrap_or_default();
        Ok(Some(match piece {
            Piece::Whole(from, to) => Line::Whole(part(from, to)),
            Piece::Torn(from, to) => Line::Torn(part(from, to)),
            Piece::Long { terminated } => Line::Long { terminated },
        }))
    }

    fn piece(&mut self) -> io::Result<Option<Piece>> {
        let mut searched = self.start;
        loop {
            let fresh = self.buffer.get(searched..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', fresh) {
                let (from, to) = (self.start, searched + at);
                self.take_through(to + 1);
                return Ok(Some(Piece::Whole(from, to)));
            }
            if self.ended {
                let (from, to) = (self.start, self.end);
                self.take_through(to);
                return Ok((from < to).then_some(Piece::Torn(from, to)));
            }
            searched = self.end - self.start;
            self.make_room();
            if self.end == self.buffer.len() {
                return self.skip_long().map(Some);
            }
            self.fill()?;
        }
    }

    fn take_through(&mut self, to: usize) {
        self.next_offset += (to - self.start) as u64;
        self.start = to;
    }

    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
    }

    fn fill(&mut self) -> io::Result<()> {
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let got = loop {
            match self.source.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += got;
        self.ended = got == 0;
        Ok(())
    }

    fn skip_long(&mut self) -> io::Result<Piece> {
        loop {
            self.take_through(self.end);
            (self.start, self.end) = (0, 0);
            self.fill()?;
            if self.ended {
                return Ok(Piece::Long { terminated: false });
            }
            let fresh = self.buffer.get(..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', fresh) {
                self.take_through(at + 1);
                return Ok(Piece::Long { terminated: true });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(bytes: &[u8]) -> Vec<(u64, Option<Vec<u8>>, bool)> {
        let mut lines = Lines::new(bytes);
        let mut all = Vec::new();
        loop {
            let at = lines.offset();
            match lines.next_line().unwrap() {
                None => return all,
                Some(Line::Whole(line)) => all.push((at, Some(line.to_vec()), true)),
                Some(Line::Torn(line)) => all.push((at, Some(line.to_vec()), false)),
                Some(Line::Long { terminated }) => all.push((at, None, terminated)),
            }
        }
    }

    proptest! {
        #[test]
        fn lines_put_together_again_are_the_file(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..400)) {
            let mut again = Vec::new();
            for (at, line, terminated) in read_all(&bytes) {
                prop_assert_eq!(at, again.len() as u64);
                again.extend(line.unwrap());
                if terminated { again.push(b'\n'); }
            }
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn a_line_too_long_is_skipped_and_the_next_one_read() {
        let mut bytes = b"before\n".to_vec();
        let offset_after = 7 + 3 * MAX_LINE as u64 + 1;
        bytes.extend(std::iter::repeat_n(b'x', 3 * MAX_LINE));
        bytes.extend(b"\nafter\n");
        assert_eq!(
            read_all(&bytes),
            [(0, Some(b"before".to_vec()), true), (7, None, true), (offset_after, Some(b"after".to_vec()), true)]
        );
        let endless = vec![b'x'; 2 * MAX_LINE];
        assert_eq!(read_all(&endless), [(0, None, false)]);
    }
}

//! A strict RFC 8259 reader over a body that is known to be UTF-8: one token at a time, nothing skipped unchecked.

mod number;
mod string;

use super::AnswerError;

/// A place in a body.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Refuses what is not UTF-8 or begins with a byte-order mark.
    pub(super) fn new(body: &'a [u8]) -> Result<Self, AnswerError> {
        if simdutf8::basic::from_utf8(body).is_err() {
            let at = std::str::from_utf8(body).err().map_or(0, |error| error.valid_up_to());
            return Err(AnswerError::NotUtf8 { at });
        }
        if body.starts_with(b"\xef\xbb\xbf") {
            Err(AnswerError::ByteOrderMark { at: 0 })
        } else {
            Ok(Self { body, at: 0 })
        }
    }

    pub(super) fn body(&self) -> &'a [u8] {
        self.body
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What was read from `start` up to here.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.body.get(start..self.at).unwrap_or_default()
    }

    /// Goes past bytes that the caller has compared.
    #[inline]
    pub(super) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    /// The next byte that is not white space, still unread.
    #[inline]
    pub(super) fn token(&mut self) -> Result<u8, AnswerError> {
        match self.peek() {
            Some(byte) if byte > b' ' => Ok(byte),
            _ => self.token_behind_space(),
        }
    }

    fn token_behind_space(&mut self) -> Result<u8, AnswerError> {
        const SPACES: [u8; 8] = [b' '; 8];
        while let Some(byte) = self.peek() {
            match byte {
                b' ' if self.chunk() == Some(&SPACES) => self.at += 8,
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                _ => return Ok(byte),
            }
        }
        Err(AnswerError::UnexpectedEnd { at: self.at })
    }

    /// Reads `byte` behind white space.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), AnswerError> {
        if self.token()? == byte {
            self.at += 1;
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// Only white space may follow.
    pub(super) fn end(&mut self) -> Result<(), AnswerError> {
        match self.token() {
            Ok(_) => Err(AnswerError::TrailingBytes { at: self.at }),
            Err(_) => Ok(()),
        }
    }

    /// Reads `true`, `false` or `null` where its first byte stands.
    #[inline]
    pub(super) fn literal(&mut self, literal: &'static [u8]) -> Result<(), AnswerError> {
        if self.body.get(self.at..).is_some_and(|rest| rest.starts_with(literal)) {
            self.at += literal.len();
            return Ok(());
        }
        let differs = |(a, b): (&u8, &u8)| a != b;
        let rest = self.body.get(self.at..).unwrap_or_default();
        self.at += rest.iter().zip(literal).position(differs).unwrap_or(rest.len());
        Err(self.unexpected())
    }

    /// The fault of the byte here.
    #[cold]
    pub(super) fn unexpected(&self) -> AnswerError {
        match self.peek() {
            Some(_) => AnswerError::UnexpectedByte { at: self.at },
            None => AnswerError::UnexpectedEnd { at: self.at },
        }
    }

    #[inline]
    fn chunk(&self) -> Option<&'a [u8; 8]> {
        self.body.get(self.at..)?.first_chunk()
    }
}

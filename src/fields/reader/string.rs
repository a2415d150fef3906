//! Strings: eight bytes at a time to the next byte that means something, every escape checked.

use super::Reader;
use crate::fields::AnswerError;

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// A string that was read.
#[derive(Debug, Clone, Copy)]
pub(in crate::fields) struct Token {
    /// Bytes between the quotes, as written.
    pub(in crate::fields) len: usize,
    pub(in crate::fields) escaped: bool,
}

/// Marks, lowest first, each byte that is a quote, a backslash or a control character. A borrow may mark bytes above a
/// real mark too, never below.
#[inline]
fn marks(chunk: [u8; 8]) -> u64 {
    let bytes = u64::from_le_bytes(chunk);
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quote = zero(bytes ^ (ONES * u64::from(b'"')));
    let backslash = zero(bytes ^ (ONES * u64::from(b'\\')));
    let control = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    (quote | backslash | control) & HIGHS
}

impl Reader<'_> {
    /// Reads a string whose opening quote stands here.
    #[inline]
    pub(in crate::fields) fn string(&mut self) -> Result<Token, AnswerError> {
        self.at += 1;
        let start = self.at;
        self.plain();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Token { len: self.at - 1 - start, escaped: false });
        }
        self.string_with_escapes(start)
    }

    fn string_with_escapes(&mut self, start: usize) -> Result<Token, AnswerError> {
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Token { len: self.at - 1 - start, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(AnswerError::ControlCharacter { at: self.at }),
                None => return Err(AnswerError::UnexpectedEnd { at: self.at }),
            }
            self.plain();
        }
    }

    /// Goes to the next quote, backslash or control character, or to the end.
    #[inline]
    fn plain(&mut self) {
        while let Some(chunk) = self.chunk() {
            let marks = marks(*chunk);
            if marks != 0 {
                self.at += marks.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        while self.peek().is_some_and(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            self.at += 1;
        }
    }

    /// Reads one escape, or two that are a surrogate pair; gives the character.
    fn escape(&mut self) -> Result<char, AnswerError> {
        let at = self.at;
        self.at += 1;
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(at),
            Some(_) => return Err(AnswerError::InvalidEscape { at }),
            None => return Err(AnswerError::UnexpectedEnd { at: self.at }),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unicode(&mut self, at: usize) -> Result<char, AnswerError> {
        let first = self.hex4(at)?;
        let code = if (0xd800..0xdc00).contains(&first) {
            if !self.body.get(self.at..).is_some_and(|rest| rest.starts_with(b"\\u")) {
                return Err(AnswerError::LoneSurrogate { at });
            }
            self.at += 1;
            let second = self.hex4(self.at - 1)?;
            let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400);
            0x1_0000 + ((first - 0xd800) << 10) + low.ok_or(AnswerError::LoneSurrogate { at })?
        } else {
            first
        };
        char::from_u32(code).ok_or(AnswerError::LoneSurrogate { at })
    }

    /// Reads `u` and four hexadecimal digits of the escape at `at`.
    fn hex4(&mut self, at: usize) -> Result<u32, AnswerError> {
        self.at += 1;
        let mut value = 0;
        for _ in 0..4 {
            let byte = self.peek().ok_or(AnswerError::UnexpectedEnd { at: self.at })?;
            let digit = char::from(byte).to_digit(16).ok_or(AnswerError::InvalidEscape { at })?;
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }

    /// Appends the text of a string that was read before, its escapes resolved; `at` is its opening quote.
    pub(in crate::fields) fn unescape(&self, at: usize, len: usize, text: &mut Vec<u8>) -> Result<(), AnswerError> {
        let end = at + 1 + len;
        let mut reader = Reader { body: self.body.get(..end).unwrap_or_default(), at: at + 1 };
        while reader.at < end {
            let start = reader.at;
            reader.plain();
            text.extend_from_slice(reader.since(start));
            if reader.at < end {
                text.extend_from_slice(reader.escape()?.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Ok(())
    }
}

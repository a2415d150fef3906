//! Numbers: the grammar of RFC 8259 and no more; their text is never turned into a value.

use super::Reader;
use crate::fields::AnswerError;

impl Reader<'_> {
    /// Reads a number whose first byte stands here; tells whether it has neither fraction nor exponent.
    #[inline]
    pub(in crate::fields) fn number(&mut self) -> Result<bool, AnswerError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            whole = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(AnswerError::InvalidNumber { at: self.at });
        }
        Ok(whole)
    }

    /// Reads one digit or more.
    #[inline]
    fn digits(&mut self) -> Result<(), AnswerError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        match self.peek() {
            _ if self.at > start => Ok(()),
            Some(_) => Err(AnswerError::InvalidNumber { at: self.at }),
            None => Err(AnswerError::UnexpectedEnd { at: self.at }),
        }
    }
}

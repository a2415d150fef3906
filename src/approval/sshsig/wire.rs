//! SSH's length-prefixed members, read without copying and written. Every read is bounded by the bytes
//! at hand, and [`Wire::end`] says that none are left.

use super::SignatureError;

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Exactly these bytes come next.
    pub(super) fn expect(&mut self, bytes: &[u8]) -> Result<(), SignatureError> {
        if self.take(bytes.len())? == bytes { Ok(()) } else { Err(SignatureError::Malformed) }
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], SignatureError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(SignatureError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A member with its length before it.
    pub(super) fn string(&mut self) -> Result<&'a [u8], SignatureError> {
        let (length, rest) = self.0.split_first_chunk::<4>().ok_or(SignatureError::Malformed)?;
        self.0 = rest;
        self.take(usize::try_from(u32::from_be_bytes(*length)).map_err(|_| SignatureError::Malformed)?)
    }

    /// A positive whole number in its shortest form, without the sign byte.
    pub(super) fn positive(&mut self) -> Result<&'a [u8], SignatureError> {
        match self.string()? {
            [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => Ok(rest),
            number @ [first, ..] if (1..0x80).contains(first) => Ok(number),
            _ => Err(SignatureError::Malformed),
        }
    }

    pub(super) fn end(self) -> Result<(), SignatureError> {
        if self.0.is_empty() { Ok(()) } else { Err(SignatureError::Malformed) }
    }
}

/// Appends a member; ours are far below the 4 GiB that the length can say.
pub(super) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

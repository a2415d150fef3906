//! Why an answer may not leave: a place and a reason, never a byte of the answer itself.

use super::LeafType;

/// The first fault found in an upstream's answer; `at` is its byte offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    #[error("byte {at}: the answer is not UTF-8; the upstream must send UTF-8 JSON")]
    NotUtf8 { at: usize },
    #[error("byte {at}: the answer begins with a byte-order mark; the upstream must send JSON without one")]
    ByteOrderMark { at: usize },
    #[error("byte {at}: the answer ends in the middle of the document")]
    UnexpectedEnd { at: usize },
    #[error("byte {at}: not JSON, this byte cannot stand here")]
    UnexpectedByte { at: usize },
    #[error("byte {at}: something follows the document")]
    TrailingBytes { at: usize },
    #[error("byte {at}: not JSON, a number is not written as RFC 8259 asks")]
    InvalidNumber { at: usize },
    #[error("byte {at}: not JSON, a string holds a raw control character")]
    ControlCharacter { at: usize },
    #[error("byte {at}: not JSON, a string holds an unknown escape")]
    InvalidEscape { at: usize },
    #[error("byte {at}: a string holds half of a surrogate pair")]
    LoneSurrogate { at: usize },
    #[error("byte {at}: an object names the same member twice")]
    DuplicateName { at: usize },
    #[error("byte {at}: the document is nested deeper than {max} containers", max = super::MAX_DEPTH)]
    TooDeep { at: usize },
    #[error("byte {at}: a granted path leads through an object here, the answer has something else")]
    NotAnObject { at: usize },
    #[error("byte {at}: a granted path leads through an array here, the answer has something else")]
    NotAnArray { at: usize },
    #[error("byte {at}: the catalogue declares {expected} here, the answer has another type")]
    WrongType { at: usize, expected: LeafType },
}

impl AnswerError {
    /// The byte offset of the fault in the upstream's body.
    #[must_use]
    pub fn at(&self) -> usize {
        match *self {
            Self::NotUtf8 { at }
            | Self::ByteOrderMark { at }
            | Self::UnexpectedEnd { at }
            | Self::UnexpectedByte { at }
            | Self::TrailingBytes { at }
            | Self::InvalidNumber { at }
            | Self::ControlCharacter { at }
            | Self::InvalidEscape { at }
            | Self::LoneSurrogate { at }
            | Self::DuplicateName { at }
            | Self::TooDeep { at }
            | Self::NotAnObject { at }
            | Self::NotAnArray { at }
            | Self::WrongType { at, .. } => at,
        }
    }
}

//! The four types that a catalogue can declare for a granted value.

use std::fmt;

/// What the value at a granted path must be, unless it is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeafType {
    String,
    /// A number written without fraction and exponent.
    Integer,
    Number,
    Boolean,
}

impl fmt::Display for LeafType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "String",
            Self::Integer => "Integer",
            Self::Number => "Number",
            Self::Boolean => "Boolean",
        })
    }
}

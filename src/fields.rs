//! From the granted paths and an upstream's answer to exactly the granted leaves, and nothing else.
//!
//! What enters: the paths and types of the catalogue, once per grant, and the bytes of each answer. What leaves: the
//! projected JSON, or one reason why nothing may leave. The whole document is judged, dropped parts included: UTF-8,
//! no byte-order mark, strict RFC 8259 grammar, no lone surrogates, no name twice in one object (after unescaping),
//! depth at most [`MAX_DEPTH`]. No IO, no clock, no tree of values: one pass, numbers and strings copied as written.

mod answer_error;
mod leaf_type;
mod names;
mod path;
mod projector;
mod reader;
mod tree;

pub use answer_error::AnswerError;
pub use leaf_type::LeafType;
pub use path::{FieldPath, PathError, Step};
pub use projector::{MAX_DEPTH, Projected, Scratch};
pub use tree::{Projection, TreeError};

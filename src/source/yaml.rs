//! YAML text in, JSON values out; JSON values in, pleasant YAML out. The only room that names a
//! YAML crate.
//!
//! Reading is strict where YAML is generous: a member twice, a member name that is not text, an
//! anchor, an alias, a tag, a number that cannot be kept exactly and a plain word that YAML 1.1 and
//! 1.2 read differently (`no`, `012`) are refused, because a reviewer, `kubectl` and we would
//! otherwise see three different objects. Memory and time are linear in the text.
//!
//! A bad document does not hide the good ones beside it. That is safe because a line that starts
//! with `---` and a blank (or ends there) can be nothing but a document's start: YAML forbids it in
//! every kind of scalar, block scalars included, so the text is cut there before anything is parsed.

mod emit;
mod locate;
mod read;
mod scalar;
mod split;

use serde_json::Value;

pub use emit::{EmitError, emit};
pub use locate::locate;

/// No file of objects is larger; one that is, is a mistake or an attack.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How deep containers may nest; the kinds need seven.
pub const MAX_DEPTH: usize = 32;

/// One object as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub value: Value,
    pub spot: Spot,
}

/// Where in a file a document stands: enough to find its members again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// First line of the document's content, from 1.
    pub line: u32,
    /// Which part of the file, counted between `---` lines.
    part: u32,
    /// Which of the `items` of a `kind: List`.
    item: Option<u32>,
}

/// What a YAML text did wrong; the classes are part of the finding's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YamlFault {
    Syntax,
    DuplicateMember,
    Refused,
    Ambiguous,
    TooLarge,
}

/// A document that cannot be read, with the place and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}; {fix}")]
pub struct YamlError {
    pub fault: YamlFault,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    pub message: String,
    pub fix: String,
}

impl YamlError {
    fn new(fault: YamlFault, at: (u32, u32), message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fault, line: at.0, column: at.1, message: message.into(), fix: fix.into() }
    }
}

/// Every document of a file, good or bad, in order. Empty documents (only comments) are left out,
/// the items of a `kind: List` stand for themselves.
#[must_use]
pub fn parse(text: &str) -> Vec<Result<Document, YamlError>> {
    if text.len() > MAX_BYTES {
        let message = format!("the file is larger than {} MiB", MAX_BYTES / (1024 * 1024));
        return vec![Err(YamlError::new(YamlFault::TooLarge, (1, 1), message, "split it into several files"))];
    }
    let mut out = Vec::new();
    for part in split::parts(text) {
        let root = split::check_characters(part.text, part.first_line);
        match root.and_then(|()| read::guarded(part.text, part.first_line)) {
            Ok(None) => {}
            Ok(Some(root)) => expand(root, part.number, &mut out),
            Err(error) => out.push(Err(error)),
        }
    }
    out
}

/// A Kubernetes `List` is its items; anything else is itself.
fn expand(root: read::Root, part: u32, out: &mut Vec<Result<Document, YamlError>>) {
    let is_list = root.value.get("kind").and_then(Value::as_str) == Some("List")
        && root.value.get("apiVersion").and_then(Value::as_str) == Some("v1")
        && root.value.get("items").is_some_and(Value::is_array);
    let mut value = root.value;
    let items = if is_list { value.get_mut("items").map(Value::take) } else { None };
    let Some(Value::Array(items)) = items else {
        out.push(Ok(Document { value, spot: Spot { line: root.line, part, item: None } }));
        return;
    };
    for (number, (value, line)) in (0..).zip(items.into_iter().zip(root.item_lines)) {
        out.push(Ok(Document { value, spot: Spot { line, part, item: Some(number) } }));
    }
}

#[cfg(test)]
mod tests;

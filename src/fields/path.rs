//! The paths that a catalogue may name: the subset of RFC 9535 (JSON path) with member names and `[*]`.
//!
//! `$.data[*].idNumber`, `$['data'][*]["id number"]`. Every path ends in a member, has at most [`MAX_STEPS`] steps and
//! at most [`MAX_BYTES`] bytes in its canonical form, which is what `Display` writes and which parses to itself.

mod quoted;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

/// The most steps a path may have.
pub const MAX_STEPS: usize = 32;
/// The most bytes a path may have, as written and in canonical form.
pub const MAX_BYTES: usize = 1024;

/// One step from a value to the values below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The member of an object with this name.
    Member(Box<str>),
    /// Every element of an array, and of nothing else.
    Elements,
}

/// Where a field of the catalogue stands in an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Box<[Step]>);

/// Why a text is not a path; `at` is a byte offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("a path begins with `$`, for example `$.data[*].name`")]
    NoRoot,
    #[error("a path has at most {MAX_BYTES} bytes")]
    TooLong,
    #[error("a path has at most {MAX_STEPS} steps")]
    TooManySteps,
    #[error("a path must end in a member name, for example `$.data[*].name`")]
    EndsWithoutMember,
    #[error("byte {at}: `.` must be followed by a name of letters, digits and `_`; write other names as `['name']`")]
    BadName { at: usize },
    #[error("byte {at}: this quoted name is not closed by its quote and `]`, or holds an unknown escape or a control")]
    BadQuotedName { at: usize },
    #[error(
        "byte {at}: only `.name`, `['name']` and `[*]` may follow here; other selectors of JSONPath cannot be granted"
    )]
    Unsupported { at: usize },
}

impl FieldPath {
    /// The steps from the root to the leaf.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.len() > MAX_BYTES {
            return Err(PathError::TooLong);
        }
        let mut rest = text.strip_prefix('$').ok_or(PathError::NoRoot)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if steps.len() == MAX_STEPS {
                return Err(PathError::TooManySteps);
            }
            let (step, after) = step(rest, text.len() - rest.len())?;
            steps.push(step);
            rest = after;
        }
        let Some(Step::Member(_)) = steps.last() else {
            return Err(PathError::EndsWithoutMember);
        };
        let path = Self(steps.into());
        // another way of quoting may be longer than what was written
        if path.to_string().len() > MAX_BYTES { Err(PathError::TooLong) } else { Ok(path) }
    }
}

fn step(rest: &str, at: usize) -> Result<(Step, &str), PathError> {
    if let Some(after) = rest.strip_prefix("[*]") {
        return Ok((Step::Elements, after));
    }
    for (open, quote) in [("['", '\''), ("[\"", '"')] {
        if let Some(after) = rest.strip_prefix(open) {
            let (name, after) = quoted::read(after, quote).ok_or(PathError::BadQuotedName { at })?;
            return Ok((Step::Member(name.into()), after));
        }
    }
    match rest.strip_prefix('.') {
        Some(after) if after.starts_with(['.', '*', '[']) => Err(PathError::Unsupported { at }),
        Some(after) => {
            let end = after.find(|c| !is_name_char(c)).unwrap_or(after.len());
            let (name, after) = after.split_at_checked(end).ok_or(PathError::BadName { at })?;
            if is_plain(name) { Ok((Step::Member(name.into()), after)) } else { Err(PathError::BadName { at }) }
        }
        None => Err(PathError::Unsupported { at }),
    }
}

/// RFC 9535 `name-char`.
fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// Whether the name can stand behind a `.`.
fn is_plain(name: &str) -> bool {
    name.chars().all(is_name_char) && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|step| match step {
            Step::Elements => f.write_str("[*]"),
            Step::Member(name) if is_plain(name) => write!(f, ".{name}"),
            Step::Member(name) => quoted::write(f, name),
        })
    }
}

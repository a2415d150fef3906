//! The member names of the objects that are open, and the promise that no object names a member twice.
//!
//! One list per depth serves as both memory and guess: the names of the object that is open at this depth stand first,
//! those of the object before it behind them, and all of them differ. An object that repeats its predecessor's names in
//! the same order, as rows of a table do, is therefore checked by comparing each name with one guess. Any other name is
//! compared with all before it while these are few; an object with many names is checked by sorting when it ends.
//! Neither way can be made slow by chosen names, and what is kept never outgrows the body.

#[cfg(test)]
mod tests;

use super::tree::NodeId;

/// Up to here a new name is compared with all names before it; beyond, the object is sorted at its end.
const FEW: usize = 24;
/// More names than this are not kept allocated from one answer to the next.
const KEPT: usize = 4096;

/// One member name as it stands in the body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    head: u64,
    /// Offset of the opening quote.
    pub(super) at: usize,
    /// Length of the unescaped text.
    len: usize,
    /// Where the unescaped text stands if it was written with escapes.
    unescaped_at: Option<usize>,
    pub(super) child: Option<NodeId>,
}

/// The names of the object open at one depth, then the guesses.
#[derive(Debug, Default)]
struct Level {
    owner: Option<NodeId>,
    names: Vec<Name>,
    unsorted: bool,
}

/// Memory that is used again from object to object and from answer to answer; holds offsets and unescaped names only.
#[derive(Debug, Default)]
pub(super) struct Names {
    levels: Vec<Level>,
    /// Texts of the names that were written with escapes.
    pub(super) unescaped: Vec<u8>,
    sorting: Vec<Name>,
}

/// The first eight bytes, so that most comparisons are one of numbers; ordered like the bytes.
pub(super) fn head_of(text: &[u8]) -> u64 {
    match text.first_chunk::<8>() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => text.iter().rev().fold(0, |head, byte| head >> 8 | u64::from(*byte) << 56),
    }
}

impl Name {
    pub(super) fn text<'a>(&self, body: &'a [u8], unescaped: &'a [u8]) -> &'a [u8] {
        let (from, start) = match self.unescaped_at {
            None => (body, self.at + 1),
            Some(start) => (unescaped, start),
        };
        from.get(start..start + self.len).unwrap_or_default()
    }

    /// Whether the body holds this very name again at `at`; the length of the token with its quotes.
    #[inline]
    pub(super) fn stands_at(&self, body: &[u8], at: usize) -> Option<usize> {
        if self.unescaped_at.is_some() {
            return None;
        }
        let length = self.len + 2;
        let (before, now) = (body.get(self.at..self.at + length)?, body.get(at..)?.get(..length)?);
        same(before, now).then_some(length)
    }
}

/// Equality of two texts of one length, without a call for the short ones that names are.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    let ends = |text: &[u8]| {
        Some((u64::from_le_bytes(*text.first_chunk::<8>()?), u64::from_le_bytes(*text.last_chunk::<8>()?)))
    };
    match (ends(a), ends(b)) {
        (Some(first), Some(second)) => first == second && (a.len() <= 16 || a == b),
        _ => a.iter().eq(b),
    }
}

impl Names {
    /// Forgets the last answer; returns memory that only an unusual one needed.
    pub(super) fn reset(&mut self) {
        for level in &mut self.levels {
            level.names.clear();
            level.names.shrink_to(KEPT);
            level.owner = None;
        }
        self.unescaped.clear();
        self.unescaped.shrink_to(KEPT);
        self.sorting.clear();
        self.sorting.shrink_to(KEPT);
    }

    /// An object begins at this depth; its members are looked for in `owner`, in which guesses must agree.
    pub(super) fn open(&mut self, depth: usize, owner: Option<NodeId>) {
        if self.levels.len() <= depth {
            self.levels.resize_with(depth + 1, Level::default);
        }
        if let Some(level) = self.levels.get_mut(depth) {
            level.unsorted = false;
            if level.owner != owner {
                level.owner = owner;
                level.names.clear();
            }
        }
    }

    /// What the name number `index` of this object probably is.
    #[inline]
    pub(super) fn guess(&self, depth: usize, index: usize) -> Option<&Name> {
        self.levels.get(depth)?.names.get(index)
    }

    /// Takes a name that was not guessed; false when the object has it already.
    /// `text` is the name as written when it has no escapes; with escapes it is the end of `unescaped`, from `start`.
    pub(super) fn add(
        &mut self,
        depth: usize,
        index: usize,
        body: &[u8],
        at: usize,
        text: Text,
        child: impl FnOnce(u64, &[u8]) -> Option<NodeId>,
    ) -> bool {
        let Some(level) = self.levels.get_mut(depth) else { return false };
        let (len, unescaped_at) = match text {
            Text::AsWritten { len } => (len, None),
            Text::Unescaped { start } => (self.unescaped.len() - start, Some(start)),
        };
        let mut name = Name { head: 0, at, len, unescaped_at, child: None };
        let text = name.text(body, &self.unescaped);
        name.head = head_of(text);
        name.child = child(name.head, text);
        level.names.truncate(index);
        if index < FEW {
            let is_same = |other: &Name| {
                other.head == name.head && other.len == name.len && other.text(body, &self.unescaped) == text
            };
            if level.names.iter().any(is_same) {
                return false;
            }
        } else {
            level.unsorted = true;
        }
        level.names.push(name);
        true
    }

    /// The object at this depth ends after `count` names; gives the place of a name that it had twice.
    #[inline]
    pub(super) fn close(&mut self, depth: usize, count: usize, body: &[u8]) -> Result<(), usize> {
        match self.levels.get(depth) {
            Some(level) if level.unsorted => self.sort(depth, count, body),
            _ => Ok(()),
        }
    }

    #[cold]
    fn sort(&mut self, depth: usize, count: usize, body: &[u8]) -> Result<(), usize> {
        let names = self.levels.get(depth).and_then(|level| level.names.get(..count)).unwrap_or_default();
        self.sorting.clear();
        self.sorting.extend_from_slice(names);
        let unescaped = &self.unescaped;
        let text = |name: &Name| name.text(body, unescaped);
        self.sorting.sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| text(a).cmp(text(b))));
        let twice = self.sorting.array_windows().find(|[a, b]| a.head == b.head && text(a) == text(b));
        twice.map_or(Ok(()), |[a, b]| Err(a.at.max(b.at)))
    }
}

/// How a name was written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text {
    AsWritten { len: usize },
    Unescaped { start: usize },
}

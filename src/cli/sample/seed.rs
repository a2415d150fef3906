//! Choices that look random and never change: each is the SHA-256 of what it is for.

use sha2::{Digest, Sha256};

/// The root of a family of choices. Asking twice gives the same answer; the order does not matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed([u8; 32]);

impl Seed {
    /// A seed from what was asked for. Lengths are hashed too, so `("ab", "c")` is not `("a", "bc")`.
    pub(super) fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// A seed of its own for a part of the whole.
    pub(super) fn child(&self, label: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(label);
        Self(hash.finalize().into())
    }

    /// A number from 0 to `bound - 1`; 0 when there is nothing to choose from.
    pub(super) fn below(&self, label: &str, bound: u32) -> u32 {
        let child = self.child(label);
        let value = child.0.first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first));
        value.checked_rem(u64::from(bound)).and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&self, label: &str, low: u32, high: u32) -> u32 {
        low.saturating_add(self.below(label, high.saturating_sub(low).saturating_add(1)))
    }

    /// One of the words, or nothing of an empty list.
    pub(super) fn pick(&self, label: &str, words: &[&'static str]) -> &'static str {
        let index = self.below(label, u32::try_from(words.len()).unwrap_or(u32::MAX));
        usize::try_from(index).ok().and_then(|index| words.get(index)).copied().unwrap_or("")
    }
}

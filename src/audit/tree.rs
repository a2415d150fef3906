//! The Merkle tree over a stream's entries, as RFC 6962 hashes it: a leaf is an entry's bytes without
//! the newline, numbered from 0. Pure arithmetic on hashes: nothing here knows files or time.
//!
//! A [`Range`] is a stretch of entries as few hashes as possible; one that begins at 0 has a root.
//! Ranges that touch are joined without any of their entries, so a stretch may be hashed on a core of
//! its own, or be long gone.

mod proof;
mod range;
mod slices;

pub use proof::{Consistency, Inclusion, ProofError};
pub use range::{NotNext, Range};
pub use slices::Slices;

use sha2::{Digest, Sha256};

/// SHA-256.
pub type Hash = [u8; 32];

/// A perfect subtree: the entries from `index << level` on, `1 << level` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    pub level: u8,
    pub index: u64,
    pub hash: Hash,
}

impl Node {
    /// The first entry under it.
    #[must_use]
    pub fn from(&self) -> u64 {
        self.width().saturating_mul(self.index)
    }

    /// The entry after its last; saturated where no tree reaches.
    #[must_use]
    pub fn to(&self) -> u64 {
        self.from().saturating_add(self.width())
    }

    fn width(&self) -> u64 {
        1_u64.checked_shl(self.level.into()).unwrap_or(u64::MAX)
    }

    /// The level above, if `right` is the other half of it.
    fn joined(&self, right: &Self) -> Option<Self> {
        let halves = self.level == right.level && self.index.is_multiple_of(2) && right.index == self.index + 1;
        halves.then(|| Self { level: self.level + 1, index: self.index >> 1, hash: node_hash(&self.hash, &right.hash) })
    }
}

/// The hash of an entry, given without its newline.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new_with_prefix([0]);
    hasher.update(entry);
    hasher.finalize().into()
}

/// The hash of two subtrees side by side.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new_with_prefix([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The root of a tree without entries.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The level and place of the perfect subtrees that cover the entries from `from` up to `to`, in order: the only
/// such cover, and the shortest.
pub fn cover(from: u64, to: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut at = from;
    std::iter::from_fn(move || {
        let left = to.checked_sub(at).filter(|left| *left > 0)?;
        // as wide as its place allows, and as there is room for
        let level = at.trailing_zeros().min(left.ilog2());
        let node = (u8::try_from(level).ok()?, at >> level);
        at += 1 << level;
        Some(node)
    })
}

#[cfg(test)]
mod tests;

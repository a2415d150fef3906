//! That an entry is in a tree, and that a tree only grew: RFC 6962, sections 2.1.1 and 2.1.2. A proof
//! is a list of hashes, each of a stretch of entries; which stretches, the sizes alone say, so the
//! hashes may come from entries, from subtrees of removed ones, or from the proof itself.

use super::{Hash, Range, node_hash};

/// What a proof is about: this entry among so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inclusion {
    pub index: u64,
    pub size: u64,
}

/// What a proof is about: the tree of `new` entries begins with the tree of `old` ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consistency {
    pub old: u64,
    pub new: u64,
}

/// Why there is no proof, or why it proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("no such proof can be: the tree has {size} entries")]
    Size { size: u64 },
    #[error("the proof has {found} hashes where {expected} belong")]
    Length { expected: usize, found: usize },
    #[error("the proof leads to another root")]
    Root,
    #[error("the entries {from} to {to} are not at hand")]
    Missing { from: u64, to: u64 },
}

/// A stretch by its ends.
type Ends = (u64, u64);

impl Inclusion {
    /// The stretches whose hashes are the proof, in the proof's order.
    pub fn stretches(self) -> Result<Vec<Ends>, ProofError> {
        if self.index >= self.size {
            return Err(ProofError::Size { size: self.size });
        }
        let (mut from, mut to) = (0, self.size);
        let mut path = Vec::new();
        while to - from > 1 {
            let middle = from + split(to - from);
            if self.index < middle {
                path.push((middle, to));
                to = middle;
            } else {
                path.push((from, middle));
                from = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// The proof, with the hashes of all stretches that `ranges` (in order, without a gap) can be put together to.
    pub fn prove(self, ranges: &[Range]) -> Result<Vec<Hash>, ProofError> {
        hashes(&self.stretches()?, ranges)
    }

    /// Whether `proof` leads from the leaf's hash to the root.
    pub fn verify(self, leaf: &Hash, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
        let path = self.stretches()?;
        same_length(path.len(), proof.len())?;
        let found = path.iter().zip(proof).fold(*leaf, |hash, ((from, _), other)| {
            if *from > self.index { node_hash(&hash, other) } else { node_hash(other, &hash) }
        });
        if found == *root { Ok(()) } else { Err(ProofError::Root) }
    }
}

impl Consistency {
    /// The stretches whose hashes are the proof, in the proof's order. The first is a part of both trees unless the
    /// old one stands whole in the new one.
    pub fn stretches(self) -> Result<Vec<Ends>, ProofError> {
        if self.old > self.new {
            return Err(ProofError::Size { size: self.new });
        }
        if self.old == 0 || self.old == self.new {
            return Ok(Vec::new());
        }
        let (mut from, mut to, mut whole) = (0, self.new, true);
        let mut path = Vec::new();
        while self.old != to {
            let middle = from + split(to - from);
            if self.old <= middle {
                path.push((middle, to));
                to = middle;
            } else {
                path.push((from, middle));
                (from, whole) = (middle, false);
            }
        }
        if !whole {
            path.push((from, to));
        }
        path.reverse();
        Ok(path)
    }

    /// The proof, as [`Inclusion::prove`] has it.
    pub fn prove(self, ranges: &[Range]) -> Result<Vec<Hash>, ProofError> {
        hashes(&self.stretches()?, ranges)
    }

    /// Whether `proof` shows that the new root's tree begins with the old root's.
    pub fn verify(self, old_root: &Hash, new_root: &Hash, proof: &[Hash]) -> Result<(), ProofError> {
        let path = self.stretches()?;
        same_length(path.len(), proof.len())?;
        if path.is_empty() {
            // every tree begins with the empty one, and each with itself
            let same = if self.old == 0 { *old_root == super::empty_root() } else { old_root == new_root };
            return if same { Ok(()) } else { Err(ProofError::Root) };
        }
        // the stretch that ends where the old tree ends belongs to both; when there is none, it is the old tree itself
        let mut steps = path.iter().zip(proof).peekable();
        let shared = steps.next_if(|((_, to), _)| *to == self.old).map_or(*old_root, |(_, hash)| *hash);
        let (mut old, mut new) = (shared, shared);
        for ((from, _), hash) in steps {
            if *from >= self.old {
                new = node_hash(&new, hash);
            } else {
                (old, new) = (node_hash(hash, &old), node_hash(hash, &new));
            }
        }
        if old == *old_root && new == *new_root { Ok(()) } else { Err(ProofError::Root) }
    }
}

/// Where a tree of so many entries splits: the largest power of two smaller than it.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

fn same_length(expected: usize, found: usize) -> Result<(), ProofError> {
    if expected == found { Ok(()) } else { Err(ProofError::Length { expected, found }) }
}

fn hashes(path: &[Ends], ranges: &[Range]) -> Result<Vec<Hash>, ProofError> {
    path.iter().map(|ends| hash_of(*ends, ranges).ok_or(ProofError::Missing { from: ends.0, to: ends.1 })).collect()
}

/// The hash of a stretch, put together from whole ranges or from subtrees of them.
fn hash_of((from, to): Ends, ranges: &[Range]) -> Option<Hash> {
    let mut whole = Range::empty_at(from);
    let start = ranges.partition_point(|range| range.to() <= from);
    for node in ranges.get(start..)?.iter().flat_map(Range::nodes).skip_while(|node| node.to() <= from) {
        if node.from() >= to {
            break;
        }
        whole.push_node(*node).ok()?;
    }
    (whole.to() == to).then(|| whole.hash()).flatten()
}

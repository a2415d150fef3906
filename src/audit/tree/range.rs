//! A stretch of entries by the perfect subtrees that cover it: at most 126 hashes, however long it is.

use super::{Hash, Node, cover, empty_root, leaf_hash, node_hash};

/// The entries from one index up to another, as the shortest row of perfect subtrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    from: u64,
    to: u64,
    nodes: Vec<Node>,
}

/// What was to be added does not begin where the stretch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entries from {found} on where {expected} follows")]
pub struct NotNext {
    pub expected: u64,
    pub found: u64,
}

impl Range {
    /// No entries, at this place.
    #[must_use]
    pub fn empty_at(from: u64) -> Self {
        Self { from, to: from, nodes: Vec::new() }
    }

    /// The stretch that these subtrees cover; `None` if they are not exactly its cover.
    #[must_use]
    pub fn of_cover(from: u64, to: u64, nodes: Vec<Node>) -> Option<Self> {
        let exact = from <= to && cover(from, to).eq(nodes.iter().map(|node| (node.level, node.index)));
        exact.then_some(Self { from, to, nodes })
    }

    /// Its first entry.
    #[must_use]
    pub fn from(&self) -> u64 {
        self.from
    }

    /// The entry after its last.
    #[must_use]
    pub fn to(&self) -> u64 {
        self.to
    }

    /// Whether it has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// The subtrees, in the order of their entries.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Adds the next entry.
    pub fn push(&mut self, entry: &[u8]) {
        self.push_leaf(leaf_hash(entry));
    }

    /// Adds the next entry by its hash.
    pub fn push_leaf(&mut self, hash: Hash) {
        self.put(Node { level: 0, index: self.to, hash });
    }

    /// Adds the entries under a perfect subtree that begins where this stretch ends.
    pub fn push_node(&mut self, node: Node) -> Result<(), NotNext> {
        if node.from() != self.to || node.to() == u64::MAX {
            return Err(NotNext { expected: self.to, found: node.from() });
        }
        self.put(node);
        Ok(())
    }

    /// Adds a stretch that begins where this one ends.
    pub fn extend(&mut self, next: &Self) -> Result<(), NotNext> {
        if next.from != self.to {
            return Err(NotNext { expected: self.to, found: next.from });
        }
        next.nodes.iter().try_for_each(|node| self.push_node(*node))
    }

    /// The root of the tree that ends where this stretch ends; `None` unless it begins at 0.
    #[must_use]
    pub fn root(&self) -> Option<Hash> {
        (self.from == 0).then(|| self.hash().unwrap_or_else(empty_root))
    }

    /// The RFC's hash of a list, of exactly these entries; `None` without any. It stands in a tree where the tree
    /// splits at both ends of the stretch.
    #[must_use]
    pub fn hash(&self) -> Option<Hash> {
        let mut right_to_left = self.nodes.iter().rev().map(|node| node.hash);
        let last = right_to_left.next()?;
        Some(right_to_left.fold(last, |right, left| node_hash(&left, &right)))
    }

    fn put(&mut self, node: Node) {
        self.to = node.to();
        let mut last = node;
        while let Some(joined) = self.nodes.last().and_then(|left| left.joined(&last)) {
            self.nodes.pop();
            last = joined;
        }
        self.nodes.push(last);
    }
}

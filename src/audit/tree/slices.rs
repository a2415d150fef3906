//! Entries cut into stretches at given places, in one pass: at the sizes of checkpoints to get their
//! roots, at the borders of a proof to get its hashes.

use super::{Hash, Node, Range};

/// Collects entries in order, and begins a new stretch at every cut.
#[derive(Clone, Debug)]
pub struct Slices {
    done: Vec<Range>,
    open: Range,
    /// Cuts still to come, nearest last.
    cuts: Vec<u64>,
}

impl Slices {
    /// From entry `first` on; `cuts` in any order, those not behind `first` are none.
    #[must_use]
    pub fn new(first: u64, cuts: impl IntoIterator<Item = u64>) -> Self {
        let mut cuts: Vec<u64> = cuts.into_iter().filter(|cut| *cut > first).collect();
        cuts.sort_unstable_by(|a, b| b.cmp(a));
        cuts.dedup();
        Self { done: Vec::new(), open: Range::empty_at(first), cuts }
    }

    /// The index of the next entry.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.open.to()
    }

    /// Adds the next entry.
    pub fn push(&mut self, entry: &[u8]) {
        self.open.push(entry);
        self.cut();
    }

    /// Adds the next entry by its hash.
    pub fn push_leaf(&mut self, hash: Hash) {
        self.open.push_leaf(hash);
        self.cut();
    }

    /// Adds the entries under a subtree. A cut within it is passed over: what lies there is gone. `false` if the subtree
    /// is not next.
    #[must_use]
    pub fn push_node(&mut self, node: Node) -> bool {
        let next = self.open.push_node(node).is_ok();
        if next {
            self.cuts.retain(|cut| *cut >= node.to() || *cut <= node.from());
            self.cut();
        }
        next
    }

    /// The stretches between the cuts, in order. None of them is empty.
    #[must_use]
    pub fn finish(mut self) -> Vec<Range> {
        if !self.open.is_empty() {
            self.done.push(self.open);
        }
        self.done
    }

    fn cut(&mut self) {
        let at = self.open.to();
        if self.cuts.last() == Some(&at) {
            self.cuts.pop();
            self.done.push(std::mem::replace(&mut self.open, Range::empty_at(at)));
        }
    }
}

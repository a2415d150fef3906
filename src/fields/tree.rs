//! The granted fields of one grant as one tree: which members to follow, where arrays stand, which leaf has which type.
//!
//! Built once per grant and shared; a clone costs a reference count. No two granted paths may disagree: none equals
//! another, none leads through another's leaf, none takes for an array what another takes for an object.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::names::head_of;
use super::{FieldPath, LeafType, Step};

/// Exactly what may leave of an answer.
#[derive(Debug, Clone)]
pub struct Projection(Arc<Tree>);

/// Why granted paths do not make one projection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    #[error("no field is granted; name at least one")]
    Empty,
    #[error("{path} is named twice; each path may be granted once")]
    Twice { path: FieldPath },
    #[error("{path} leads through {leaf}, which is a value; one of the two paths is wrong")]
    ThroughLeaf { path: FieldPath, leaf: FieldPath },
    #[error("{path} and {other} take the same value for an array and for an object; one of the two paths is wrong")]
    ArrayOrObject { path: FieldPath, other: FieldPath },
}

#[derive(Debug)]
pub(super) struct Tree {
    slots: Box<[Slot]>,
    /// Whether any granted path leads through an array.
    pub(super) has_arrays: bool,
}

/// A node of the tree by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(NonZeroU32);

#[derive(Debug)]
pub(super) struct Slot {
    /// `,"name":` as it is written before the value, the comma only behind another member; empty for elements.
    pub(super) token: Box<[u8]>,
    pub(super) node: Node,
}

#[derive(Debug)]
pub(super) enum Node {
    Leaf(LeafType),
    Object(Members),
    /// `outermost`: no other array on the way from the root.
    Array {
        element: NodeId,
        outermost: bool,
    },
}

/// The granted members of one object, ordered by head and name.
#[derive(Debug)]
pub(super) struct Members(Box<[Member]>);

#[derive(Debug)]
struct Member {
    head: u64,
    name: Box<[u8]>,
    child: NodeId,
}

impl Members {
    pub(super) fn find(&self, head: u64, name: &[u8]) -> Option<NodeId> {
        let place = self.0.binary_search_by(|m| m.head.cmp(&head).then_with(|| (*m.name).cmp(name))).ok()?;
        self.0.get(place).map(|m| m.child)
    }
}

impl Tree {
    pub(super) fn get(&self, id: NodeId) -> Option<&Slot> {
        self.slots.get(id.0.get() as usize - 1)
    }

    pub(super) fn root(&self) -> Option<NodeId> {
        // children are laid down before their parents
        u32::try_from(self.slots.len()).ok().and_then(NonZeroU32::new).map(NodeId)
    }
}

impl Projection {
    /// The tree of these paths; their order means nothing.
    pub fn new(fields: impl IntoIterator<Item = (FieldPath, LeafType)>) -> Result<Self, TreeError> {
        let mut fields = fields.into_iter();
        let (path, leaf) = fields.next().ok_or(TreeError::Empty)?;
        let mut root = Branch::chain(path.steps(), &path, leaf);
        for (path, leaf) in fields {
            root.graft(path.steps(), &path, leaf)?;
        }
        let mut slots = Vec::new();
        root.lay(&mut slots, Box::default(), false);
        let has_arrays = slots.iter().any(|slot| matches!(slot.node, Node::Array { .. }));
        Ok(Self(Arc::new(Tree { slots: slots.into(), has_arrays })))
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.0
    }
}

/// The tree while it grows; at most as deep as a path has steps.
enum Branch {
    Leaf(LeafType, FieldPath),
    Object(BTreeMap<Box<str>, Branch>),
    Array(Box<Branch>),
}

impl Branch {
    fn chain(steps: &[Step], path: &FieldPath, leaf: LeafType) -> Self {
        match steps.split_first() {
            None => Self::Leaf(leaf, path.clone()),
            Some((Step::Elements, rest)) => Self::Array(Box::new(Self::chain(rest, path, leaf))),
            Some((Step::Member(name), rest)) => {
                Self::Object(BTreeMap::from([(name.clone(), Self::chain(rest, path, leaf))]))
            }
        }
    }

    fn graft(&mut self, steps: &[Step], path: &FieldPath, leaf: LeafType) -> Result<(), TreeError> {
        let path_of = FieldPath::clone;
        match (self, steps.split_first()) {
            (Self::Leaf(..), None) => Err(TreeError::Twice { path: path_of(path) }),
            (Self::Leaf(_, leaf), Some(_)) => Err(TreeError::ThroughLeaf { path: path_of(path), leaf: path_of(leaf) }),
            (Self::Object(members), Some((Step::Member(name), rest))) => {
                if let Some(child) = members.get_mut(name) {
                    return child.graft(rest, path, leaf);
                }
                members.insert(name.clone(), Self::chain(rest, path, leaf));
                Ok(())
            }
            (Self::Array(element), Some((Step::Elements, rest))) => element.graft(rest, path, leaf),
            (branch, None) => {
                Err(TreeError::ThroughLeaf { path: branch.any_path().unwrap_or(path).clone(), leaf: path_of(path) })
            }
            (branch, Some(_)) => {
                Err(TreeError::ArrayOrObject { path: path_of(path), other: branch.any_path().unwrap_or(path).clone() })
            }
        }
    }

    /// One of the paths that lead through here.
    fn any_path(&self) -> Option<&FieldPath> {
        match self {
            Self::Leaf(_, path) => Some(path),
            Self::Object(members) => members.values().next()?.any_path(),
            Self::Array(element) => element.any_path(),
        }
    }

    fn lay(self, slots: &mut Vec<Slot>, token: Box<[u8]>, in_array: bool) -> NodeId {
        let node = match self {
            Self::Leaf(leaf, _) => Node::Leaf(leaf),
            Self::Array(element) => {
                Node::Array { element: element.lay(slots, Box::default(), true), outermost: !in_array }
            }
            Self::Object(members) => {
                let lay = |(name, child): (Box<str>, Self)| Member {
                    head: head_of(name.as_bytes()),
                    child: child.lay(slots, token_of(&name), in_array),
                    name: name.into_boxed_bytes(),
                };
                let mut members: Vec<Member> = members.into_iter().map(lay).collect();
                members.sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| a.name.cmp(&b.name)));
                Node::Object(Members(members.into()))
            }
        };
        slots.push(Slot { token, node });
        let id = u32::try_from(slots.len()).unwrap_or(u32::MAX);
        NodeId(NonZeroU32::new(id).unwrap_or(NonZeroU32::MAX))
    }
}

fn token_of(name: &str) -> Box<[u8]> {
    let mut token = String::from(",\"");
    for c in name.chars() {
        match c {
            '"' => token.push_str("\\\""),
            '\\' => token.push_str("\\\\"),
            '\u{8}' => token.push_str("\\b"),
            '\u{c}' => token.push_str("\\f"),
            '\n' => token.push_str("\\n"),
            '\r' => token.push_str("\\r"),
            '\t' => token.push_str("\\t"),
            c if c < ' ' => {
                token.push_str("\\u00");
                token.extend(
                    [u32::from(c) / 16, u32::from(c) % 16].iter().filter_map(|digit| char::from_digit(*digit, 16)),
                );
            }
            c => token.push(c),
        }
    }
    token.push_str("\":");
    token.into_bytes().into()
}

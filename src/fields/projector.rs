//! The one pass over an answer: everything is checked, the granted leaves and the containers on their way are written.
//!
//! Null where a granted path leads on stays null, a missing member stays missing; anything else that is not what the
//! path or the catalogue says ends the pass. Names on the way are written as the catalogue has them, values as they
//! stand in the answer, members in the answer's order.

#[cfg(test)]
mod tests;

use super::names::{Names, Text};
use super::reader::Reader;
use super::tree::{Members, Node, NodeId, Slot, Tree};
use super::{AnswerError, LeafType, Projection};

/// The most containers that may stand in each other; the outermost counts as one.
pub const MAX_DEPTH: usize = 64;

/// What a projected answer contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Projected {
    /// Elements of the granted arrays that stand in no other granted array. Where no granted path leads through an
    /// array, 1 for an object and 0 for a null document.
    pub items: u64,
}

/// Memory that a worker keeps from answer to answer, so that the usual one needs no allocation.
#[derive(Debug, Default)]
pub struct Scratch(Names);

impl Projection {
    /// Checks the whole `body` and appends its granted leaves to `out`, which is left as it was when an error is given.
    pub fn project(&self, body: &[u8], out: &mut Vec<u8>) -> Result<Projected, AnswerError> {
        self.project_with(&mut Scratch::default(), body, out)
    }

    /// The same with memory of an earlier call; nothing else passes from one call to the next.
    pub fn project_with(
        &self,
        scratch: &mut Scratch,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Projected, AnswerError> {
        scratch.0.reset();
        let before = out.len();
        let projected = self.walk(&mut scratch.0, body, out);
        if projected.is_err() {
            out.truncate(before);
        }
        projected
    }

    fn walk(&self, names: &mut Names, body: &[u8], out: &mut Vec<u8>) -> Result<Projected, AnswerError> {
        let tree = self.tree();
        let mut walk = Walk { reader: Reader::new(body)?, tree, names, out, items: 0 };
        let is_object = walk.reader.token()? == b'{';
        walk.value(tree.root(), 0)?;
        walk.reader.end()?;
        Ok(Projected { items: if tree.has_arrays { walk.items } else { u64::from(is_object) } })
    }
}

struct Walk<'a, 'o> {
    reader: Reader<'a>,
    tree: &'a Tree,
    names: &'o mut Names,
    out: &'o mut Vec<u8>,
    items: u64,
}

impl<'a> Walk<'a, '_> {
    /// Reads one value inside `depth` containers; writes what `granted` says of it.
    fn value(&mut self, granted: Option<NodeId>, depth: usize) -> Result<(), AnswerError> {
        let byte = self.reader.token()?;
        match granted.and_then(|id| Some((id, self.tree.get(id)?))) {
            None => self.dropped(byte, depth),
            Some((id, slot)) => self.kept(byte, id, slot, depth),
        }
    }

    #[inline]
    fn dropped(&mut self, byte: u8, depth: usize) -> Result<(), AnswerError> {
        match byte {
            b'"' => self.reader.string().map(drop),
            b'-' | b'0'..=b'9' => self.reader.number().map(drop),
            b'{' => self.object(None, depth + 1),
            b'[' => self.array(None, depth + 1),
            b't' => self.reader.literal(b"true"),
            b'f' => self.reader.literal(b"false"),
            b'n' => self.reader.literal(b"null"),
            _ => Err(self.reader.unexpected()),
        }
    }

    fn kept(&mut self, byte: u8, id: NodeId, slot: &'a Slot, depth: usize) -> Result<(), AnswerError> {
        let at = self.reader.at();
        let fault = match (&slot.node, byte) {
            (_, b'n') => {
                self.reader.literal(b"null")?;
                self.out.extend_from_slice(b"null");
                return Ok(());
            }
            (Node::Object(members), b'{') => return self.object(Some((id, members)), depth + 1),
            (Node::Array { element, outermost }, b'[') => return self.array(Some((*element, *outermost)), depth + 1),
            (Node::Leaf(leaf), _) => {
                let expected = *leaf;
                if self.leaf(byte, expected)? {
                    self.out.extend_from_slice(self.reader.since(at));
                    return Ok(());
                }
                AnswerError::WrongType { at, expected }
            }
            (Node::Object(_), _) => AnswerError::NotAnObject { at },
            (Node::Array { .. }, _) => AnswerError::NotAnArray { at },
        };
        // what is not JSON at all is called that
        if self.reader.at() == at {
            self.dropped(byte, depth)?;
        }
        Err(fault)
    }

    /// Reads the value if it can be of this type; tells whether it is.
    fn leaf(&mut self, byte: u8, leaf: LeafType) -> Result<bool, AnswerError> {
        Ok(match (leaf, byte) {
            (LeafType::String, b'"') => self.reader.string().map(|_| true)?,
            (LeafType::Integer, b'-' | b'0'..=b'9') => self.reader.number()?,
            (LeafType::Number, b'-' | b'0'..=b'9') => self.reader.number().map(|_| true)?,
            (LeafType::Boolean, b't') => self.reader.literal(b"true").map(|()| true)?,
            (LeafType::Boolean, b'f') => self.reader.literal(b"false").map(|()| true)?,
            _ => false,
        })
    }

    fn array(&mut self, granted: Option<(NodeId, bool)>, depth: usize) -> Result<(), AnswerError> {
        self.enter(depth)?;
        let element = granted.map(|(element, _)| element);
        if element.is_some() {
            self.out.push(b'[');
        }
        let mut count = 0;
        if self.reader.token()? != b']' {
            loop {
                self.value(element, depth)?;
                count += 1;
                if self.reader.token()? != b',' {
                    break;
                }
                self.reader.advance(1);
                if element.is_some() {
                    self.out.push(b',');
                }
            }
        }
        self.reader.expect(b']')?;
        if let Some((_, outermost)) = granted {
            self.out.push(b']');
            if outermost {
                self.items += count;
            }
        }
        Ok(())
    }

    fn object(&mut self, granted: Option<(NodeId, &'a Members)>, depth: usize) -> Result<(), AnswerError> {
        self.enter(depth)?;
        self.names.open(depth, granted.map(|(owner, _)| owner));
        let members = granted.map(|(_, members)| members);
        if members.is_some() {
            self.out.push(b'{');
        }
        let start = self.out.len();
        let mut count = 0;
        if self.reader.token()? != b'}' {
            loop {
                let child = self.name(members, depth, count)?;
                count += 1;
                self.reader.expect(b':')?;
                match child.and_then(|id| Some((id, self.tree.get(id)?))) {
                    None => {
                        let byte = self.reader.token()?;
                        self.dropped(byte, depth)?;
                    }
                    Some((id, slot)) => {
                        let comma = usize::from(self.out.len() == start);
                        self.out.extend_from_slice(slot.token.get(comma..).unwrap_or_default());
                        let byte = self.reader.token()?;
                        self.kept(byte, id, slot, depth)?;
                    }
                }
                if self.reader.token()? != b',' {
                    break;
                }
                self.reader.advance(1);
            }
        }
        self.reader.expect(b'}')?;
        if members.is_some() {
            self.out.push(b'}');
        }
        let body = self.reader.body();
        self.names.close(depth, count, body).map_err(|at| AnswerError::DuplicateName { at })
    }

    /// Reads the name number `index` of the object at `depth`; gives the granted member of that name.
    #[inline]
    fn name(
        &mut self,
        members: Option<&'a Members>,
        depth: usize,
        index: usize,
    ) -> Result<Option<NodeId>, AnswerError> {
        if self.reader.token()? != b'"' {
            return Err(self.reader.unexpected());
        }
        if let Some(guess) = self.names.guess(depth, index)
            && let Some(length) = guess.stands_at(self.reader.body(), self.reader.at())
        {
            self.reader.advance(length);
            return Ok(guess.child);
        }
        self.other_name(members, depth, index)
    }

    fn other_name(
        &mut self,
        members: Option<&'a Members>,
        depth: usize,
        index: usize,
    ) -> Result<Option<NodeId>, AnswerError> {
        let at = self.reader.at();
        let token = self.reader.string()?;
        let text = if token.escaped {
            let start = self.names.unescaped.len();
            self.reader.unescape(at, token.len, &mut self.names.unescaped)?;
            Text::Unescaped { start }
        } else {
            Text::AsWritten { len: token.len }
        };
        let find = |head, text: &[u8]| members.and_then(|members| members.find(head, text));
        let body = self.reader.body();
        if self.names.add(depth, index, body, at, text, find) {
            Ok(self.names.guess(depth, index).and_then(|name| name.child))
        } else {
            Err(AnswerError::DuplicateName { at })
        }
    }

    /// Goes into a container whose opening byte stands here.
    #[inline]
    fn enter(&mut self, depth: usize) -> Result<(), AnswerError> {
        if depth > MAX_DEPTH {
            return Err(AnswerError::TooDeep { at: self.reader.at() });
        }
        self.reader.advance(1);
        Ok(())
    }
}

//! The shape of a document, read off the catalogue's paths.

use std::collections::BTreeMap;

use crate::fields::{FieldPath, Step};

/// What stands at one place of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    #[default]
    Unknown,
    Object(BTreeMap<String, Shape>),
    Array(Box<Shape>),
    /// Index of the field whose value stands here.
    Leaf(usize),
}

impl Shape {
    /// The shape that has every path; one that does not parse, or that contradicts an earlier one, is left out.
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut shape = Self::default();
        for (index, path) in paths.into_iter().enumerate() {
            if let Ok(path) = path.parse::<FieldPath>()
                && shape.has_room(path.steps())
            {
                shape.insert(path.steps(), index);
            }
        }
        shape
    }

    fn has_room(&self, steps: &[Step]) -> bool {
        match (self, steps.split_first()) {
            (Self::Unknown, _) => true,
            (Self::Object(members), Some((Step::Member(name), rest))) => {
                members.get(&**name).is_none_or(|member| member.has_room(rest))
            }
            (Self::Array(item), Some((Step::Elements, rest))) => item.has_room(rest),
            _ => false,
        }
    }

    fn insert(&mut self, steps: &[Step], leaf: usize) {
        let Some((first, rest)) = steps.split_first() else {
            *self = Self::Leaf(leaf);
            return;
        };
        if *self == Self::Unknown {
            *self = match first {
                Step::Member(_) => Self::Object(BTreeMap::new()),
                Step::Elements => Self::Array(Box::default()),
            };
        }
        match (self, first) {
            (Self::Object(members), Step::Member(name)) => {
                members.entry(name.to_string()).or_default().insert(rest, leaf);
            }
            (Self::Array(item), Step::Elements) => item.insert(rest, leaf),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_contradicts_an_earlier_one_is_left_out_whole() {
        let shape = Shape::of(["$.a.b", "$.a[*].c", "$.a.b.d", "$.a", "$.e"]);
        assert_eq!(shape, Shape::of(["$.a.b", "bad", "bad", "bad", "$.e"]));
    }
}

//! The shape of a document, read off the catalogue's paths.

use std::collections::BTreeMap;

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

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Each,
}

impl Shape {
    /// The shape that has every path; one that does not parse, or that contradicts an earlier one, is left out.
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut shape = Self::default();
        for (index, path) in paths.into_iter().enumerate() {
            if let Some(steps) = steps(path)
                && shape.has_room(&steps)
            {
                shape.insert(&steps, index);
            }
        }
        shape
    }

    fn has_room(&self, steps: &[Step]) -> bool {
        match (self, steps.split_first()) {
            (Self::Unknown, _) => true,
            (Self::Object(members), Some((Step::Member(name), rest))) => {
                members.get(name).is_none_or(|member| member.has_room(rest))
            }
            (Self::Array(item), Some((Step::Each, rest))) => item.has_room(rest),
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
                Step::Each => Self::Array(Box::default()),
            };
        }
        match (self, first) {
            (Self::Object(members), Step::Member(name)) => members.entry(name.clone()).or_default().insert(rest, leaf),
            (Self::Array(item), Step::Each) => item.insert(rest, leaf),
            _ => {}
        }
    }
}

/// The steps of `$.data[*]['名称']`; `None` if it is not of the subset.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let step;
        (step, rest) = if let Some(after) = rest.strip_prefix("[*]") {
            (Step::Each, after)
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at_checked(end)?;
            let plain = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
            (Step::Member(plain.then(|| name.to_owned())?), after)
        } else {
            let quoted = rest.strip_prefix('[')?;
            let quote = quoted.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
            let (name, after) = quoted.strip_prefix(quote)?.split_once(quote)?;
            (Step::Member(name.to_owned()), after.strip_prefix(']')?)
        };
        if matches!(&step, Step::Member(name) if name.is_empty()) {
            return None;
        }
        steps.push(step);
    }
    matches!(steps.last(), Some(Step::Member(_))).then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_subset_are_read() {
        assert_eq!(
            steps("$.data[*]['名.称'][\"b\"]"),
            Some(vec![
                Step::Member("data".into()),
                Step::Each,
                Step::Member("名.称".into()),
                Step::Member("b".into())
            ])
        );
        for bad in ["", "data", "$", "$.", "$.a[*]", "$.a[0]", "$..a", "$.a['b", "$['']", "$.a]", "$[a]"] {
            assert_eq!(steps(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_path_that_contradicts_an_earlier_one_is_left_out_whole() {
        let shape = Shape::of(["$.a.b", "$.a[*].c", "$.a.b.d", "$.a", "$.e"]);
        assert_eq!(shape, Shape::of(["$.a.b", "bad", "bad", "bad", "$.e"]));
    }
}

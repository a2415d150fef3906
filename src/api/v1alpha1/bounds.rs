//! Lengths and ranges of the published schemas, checked without an API server. The schema is the
//! only place where a bound is written; this walks it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde_json::Value;

use super::validate::Violation;
use super::{Kind, definition};

/// Every bound that `spec` breaks. Types and unknown members are not looked at: deserializing tells those.
#[must_use]
pub fn violations(kind: Kind, spec: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    schema(kind).check(&At { above: None, step: Step::Member("spec") }, spec, &mut found);
    found
}

/// Where a value stands. Written out only when something is wrong there.
struct At<'a> {
    above: Option<&'a At<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Member(&'a str),
    Entry(usize),
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(f)?;
        }
        match (&self.step, self.above) {
            (Step::Member(name), None) => f.write_str(name),
            (Step::Member(name), Some(_)) => write!(f, ".{name}"),
            (Step::Entry(index), _) => write!(f, "[{index}]"),
        }
    }
}

#[derive(Debug, Default)]
struct Node {
    members: BTreeMap<String, Node>,
    each: Option<Box<Node>>,
    least: Option<f64>,
    most: Option<f64>,
}

impl Node {
    fn compile(schema: &Value) -> Self {
        let number = |names: [&str; 3]| names.iter().find_map(|name| schema.get(name)).and_then(Value::as_f64);
        let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        Self {
            members: members.map(|(name, schema)| (name.clone(), Self::compile(schema))).collect(),
            each: schema
                .get("items")
                .or_else(|| schema.get("additionalProperties"))
                .map(|s| Box::new(Self::compile(s))),
            least: number(["minLength", "minItems", "minimum"]),
            most: number(["maxLength", "maxItems", "maximum"]),
        }
    }

    fn check(&self, at: &At<'_>, value: &Value, found: &mut Vec<Violation>) {
        match value {
            Value::String(text) => self.size(at, text.chars().count(), "characters", found),
            Value::Array(items) => {
                self.size(at, items.len(), "entries", found);
                if let Some(each) = &self.each {
                    for (index, item) in items.iter().enumerate() {
                        each.check(&At { above: Some(at), step: Step::Entry(index) }, item, found);
                    }
                }
            }
            Value::Number(number) => {
                let value = number.as_f64().unwrap_or(f64::NAN);
                if self.least.is_some_and(|least| value < least) || self.most.is_some_and(|most| value > most) {
                    found.push(Violation::new(
                        at.to_string(),
                        format!("must be {}", self.range("")),
                        "write a number within the range",
                    ));
                }
            }
            Value::Object(members) => {
                for (name, value) in members {
                    if let Some(node) = self.members.get(name).or(self.each.as_deref()) {
                        node.check(&At { above: Some(at), step: Step::Member(name) }, value, found);
                    }
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    #[allow(clippy::cast_precision_loss)] // a text or list of 2^52 entries does not fit a file
    fn size(&self, at: &At<'_>, size: usize, what: &str, found: &mut Vec<Violation>) {
        let size = size as f64;
        if self.least.is_some_and(|least| size < least) {
            let message = format!("must have {}, has {size}", self.range(what));
            found.push(Violation::new(
                at.to_string(),
                message,
                "fill it in, or leave the member out if it may be absent",
            ));
        } else if self.most.is_some_and(|most| size > most) {
            found.push(Violation::new(
                at.to_string(),
                format!("must have {}, has {size}", self.range(what)),
                "shorten it",
            ));
        }
    }

    fn range(&self, what: &str) -> String {
        let text = match (self.least, self.most) {
            (Some(least), Some(most)) => format!("{least} to {most} {what}"),
            (Some(least), None) => format!("at least {least} {what}"),
            (None, Some(most)) => format!("at most {most} {what}"),
            (None, None) => what.to_owned(),
        };
        text.trim_end().to_owned()
    }
}

fn schema(kind: Kind) -> &'static Node {
    static SCHEMAS: OnceLock<BTreeMap<&'static str, Node>> = OnceLock::new();
    static NOTHING: Node = Node { members: BTreeMap::new(), each: None, least: None, most: None };
    let all = SCHEMAS.get_or_init(|| {
        Kind::ALL
            .into_iter()
            .map(|kind| {
                let schema = definition::schema(kind);
                (kind.name(), schema.pointer("/properties/spec").map(Node::compile).unwrap_or_default())
            })
            .collect()
    });
    all.get(kind.name()).unwrap_or(&NOTHING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bounds_come_from_the_schema() {
        let found =
            violations(Kind::SharedResource, &json!({"title": "", "fields": [], "limits": {"maxResponseBytes": 0}}));
        let members: Vec<_> = found.iter().map(|v| v.member.as_str()).collect();
        assert_eq!(members, ["spec.fields", "spec.limits.maxResponseBytes", "spec.title"]);
        assert!(violations(Kind::SharedResource, &json!({"title": "税"})).is_empty());
    }
}

//! A whole invented answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::SampleResource;
use super::seed::Seed;
use super::shape::Shape;
use super::value::Record;
use super::words;

/// The answer of `resource` to a call of `operation` with these decoded parameters. Every field of the
/// catalogue stands at its path, an array has one to three elements, and each object that holds fields
/// also holds members that no catalogue names. The same call always gets the same answer.
#[must_use]
pub fn document(resource: &SampleResource, operation: &str, parameters: &BTreeMap<String, String>) -> Value {
    let call = [resource.host.as_str(), resource.base_path.as_str(), operation];
    let given = parameters.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let seed = Seed::new(call.into_iter().chain(given));
    let shape = Shape::of(resource.fields.iter().map(|field| field.path.as_str()));
    let mut root = Writer { resource, parameters }.write(&shape, seed, Place::default());
    if let Value::Object(members) = &mut root {
        add(members, "code", json!("0"));
        add(members, "message", json!("成功"));
        add(members, "traceId", json!(format!("sample-{:08x}", seed.below("trace", u32::MAX))));
    }
    root
}

/// Where in the document we are, as far as it decides which values repeat what the call asked for.
#[derive(Clone, Copy, Default)]
struct Place {
    /// Within an element or an object that holds fields: arrays below list its parts.
    part: bool,
    /// Within the second or third part: a co-owner is not the owner asked for.
    other: bool,
}

struct Writer<'a> {
    resource: &'a SampleResource,
    parameters: &'a BTreeMap<String, String>,
}

impl Writer<'_> {
    fn write(&self, shape: &Shape, seed: Seed, place: Place) -> Value {
        match shape {
            Shape::Object(members) => Value::Object(self.object(members, seed, place)),
            Shape::Array(item) => (0..seed.between("length", 1, 3))
                .map(|index| {
                    let place = Place { part: true, other: place.other || (place.part && index > 0) };
                    self.write(item, seed.child(&index.to_string()), place)
                })
                .collect(),
            Shape::Leaf(_) | Shape::Unknown => Value::Null,
        }
    }

    fn object(&self, shapes: &BTreeMap<String, Shape>, seed: Seed, place: Place) -> Map<String, Value> {
        let asked = |name: &str| if place.other { None } else { self.parameters.get(name).map(String::as_str) };
        let record = Record { seed, asked: &asked };
        let mut members = Map::new();
        let holds_fields = shapes.values().any(|shape| matches!(shape, Shape::Leaf(_)));
        let place = Place { part: place.part || holds_fields, ..place };
        for (name, shape) in shapes {
            let field = if let Shape::Leaf(index) = shape { self.resource.fields.get(*index) } else { None };
            let value = field.map_or_else(|| self.write(shape, seed.child(name), place), |field| record.value(field));
            members.insert(name.clone(), value);
        }
        if holds_fields {
            add(&mut members, "operatorId", json!(format!("op-{:04}", seed.below("operator", 10_000))));
            add(&mut members, "internalRemark", json!(seed.pick("remark", words::REMARKS)));
        }
        members
    }
}

/// Adds a member that no catalogue names, unless this one does.
fn add(members: &mut Map<String, Value>, name: &str, value: Value) {
    members.entry(name).or_insert(value);
}

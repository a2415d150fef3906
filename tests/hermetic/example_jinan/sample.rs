//! The sample upstream's data for the example.

use std::collections::{BTreeMap, BTreeSet};

use datashare::cli::sample::{SampleField, SampleOperation, SampleResource, ValueKind, document};
use serde_json::Value;

use super::objects;

fn resource(object: &Value) -> SampleResource {
    let spec = &object["spec"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = |list: &Value| list.as_array().unwrap().clone();
    let url = text(&spec["interface"]["upstream"]["url"]);
    let (host, base_path) = url.strip_prefix("https://").unwrap().split_once('/').unwrap();
    SampleResource {
        host: host.to_owned(),
        base_path: format!("/{base_path}"),
        operations: items(&spec["interface"]["operations"])
            .iter()
            .map(|operation| SampleOperation {
                name: text(&operation["name"]),
                method: text(&operation["method"]),
                path: text(&operation["path"]),
            })
            .collect(),
        fields: items(&spec["fields"])
            .iter()
            .map(|field| SampleField {
                name: text(&field["name"]),
                title: text(&field["title"]),
                path: text(&field["path"]),
                kind: match field["type"].as_str().unwrap() {
                    "String" => ValueKind::String,
                    "Integer" => ValueKind::Integer,
                    "Number" => ValueKind::Number,
                    _ => ValueKind::Boolean,
                },
            })
            .collect(),
    }
}

/// How many values of the right type stand at a path of members and `[*]`.
fn count(value: &Value, path: &str, kind: ValueKind) -> usize {
    if path.is_empty() {
        let right = match kind {
            ValueKind::String => value.as_str().is_some_and(|text| !text.is_empty()),
            ValueKind::Integer => value.is_u64(),
            ValueKind::Number => value.is_number(),
            ValueKind::Boolean => value.is_boolean(),
        };
        assert!(right, "{value} is no {kind:?}");
        return 1;
    }
    if let Some(rest) = path.strip_prefix("[*]") {
        return value.as_array().unwrap().iter().map(|item| count(item, rest, kind)).sum();
    }
    let path = path.strip_prefix('.').unwrap();
    let end = path.find(['.', '[']).unwrap_or(path.len());
    count(&value[&path[..end]], &path[end..], kind)
}

#[test]
fn the_sample_answers_every_operation_with_the_whole_catalogue() {
    let mut clueless = BTreeSet::new();
    for (path, object) in objects("SharedResource") {
        let resource = resource(&object);
        for operation in object["spec"]["interface"]["operations"].as_array().unwrap() {
            let parameters: BTreeMap<String, String> = operation["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|parameter| (parameter["name"].as_str().unwrap().to_owned(), "示例-1".to_owned()))
                .collect();
            let answer = document(&resource, operation["name"].as_str().unwrap(), &parameters);
            for field in &resource.fields {
                assert!(count(&answer, &field.path[1..], field.kind) > 0, "{}: {}", path.display(), field.path);
                let repeated = answer.to_string().contains("示例-1");
                assert!(repeated, "{}: {} shows nothing of what was asked", path.display(), operation["name"]);
                if answer.to_string().contains(&format!("示例{}", field.title)) {
                    clueless.insert(field.title.clone());
                }
            }
        }
    }
    assert!(clueless.is_empty(), "the sample has no idea of {clueless:?}");
}

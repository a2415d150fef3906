//! The committed definitions are what the types say, bounded everywhere, and read like documentation.

use std::fs;
use std::path::{Path, PathBuf};

use datashare::api::v1alpha1::{Kind, definition};
use datashare::cli::crds;
use serde_json::{Value, json};

/// For `kubectl apply`, and for the chart.
const FOLDERS: [&str; 2] = ["crds", "charts/datashare-crds/definitions"];

fn file(folder: &str, kind: Kind) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(format!("{}.yaml", definition::name(kind)))
}

#[test]
fn committed_definitions_are_what_the_types_say() {
    for folder in FOLDERS {
        for kind in Kind::ALL {
            let (file, fresh) = (file(folder, kind), crds::render(kind).unwrap());
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&file, &fresh).unwrap();
            }
            let committed = fs::read_to_string(&file).unwrap_or_default();
            assert!(committed == fresh, "{} is stale: run the test with UPDATE_GOLDEN=1", file.display());
        }
        let there =
            fs::read_dir(file(folder, Kind::AccessGrant).parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
        let definitions = there.filter(|path| path.extension().is_some_and(|end| end == "yaml")).count();
        assert_eq!(definitions, Kind::ALL.len(), "{folder} holds one definition per kind and no other");
    }
}

#[test]
fn the_command_prints_all_five_as_one_stream() {
    let mut out = Vec::new();
    crds::Crds {}.run(&mut out).unwrap();
    let documents = datashare::source::yaml::parse(&String::from_utf8(out).unwrap());
    let kinds: Vec<_> =
        documents.iter().map(|d| d.as_ref().unwrap().value.pointer("/spec/names/kind").unwrap().clone()).collect();
    assert_eq!(kinds, Kind::ALL.map(|kind| json!(kind.name())));
}

#[test]
fn names_columns_and_subresources_are_there() {
    for kind in Kind::ALL {
        let definition = definition::definition(kind);
        let at = |pointer: &str| definition.pointer(pointer).cloned().unwrap_or_default();
        let (plural, short) = kind.aliases();
        assert_eq!(at("/metadata/name"), json!(definition::name(kind)));
        assert_eq!(at("/spec/group"), json!("datashare.dev"));
        assert_eq!(at("/spec/scope"), json!("Namespaced"));
        assert_eq!(at("/spec/names/kind"), json!(kind.name()));
        assert_eq!(at("/spec/names/plural"), json!(plural));
        assert_eq!(at("/spec/names/shortNames"), json!([short]));
        assert_eq!(at("/spec/names/categories"), json!(["datashare"]));
        assert_eq!(at("/spec/versions/0/name"), json!("v1alpha1"));
        assert_eq!(at("/spec/versions/0/subresources/status"), json!({}));
        let columns = at("/spec/versions/0/additionalPrinterColumns");
        let columns = columns.as_array().unwrap();
        assert!(columns.iter().any(|column| column["name"] == "Ready"), "{}", kind.name());
        for column in columns {
            assert!(column["description"].is_string(), "{} {}", kind.name(), column["name"]);
        }
    }
}

#[test]
fn everything_is_bounded_described_and_without_defaults() {
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let schema = definition::schema(kind);
        assert!(schema["properties"]["spec"].is_object() && schema["properties"]["status"].is_object());
        walk(&schema, kind.name(), &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn walk(schema: &Value, at: &str, found: &mut Vec<String>) {
    let has = |name: &str| schema.get(name).is_some();
    for name in ["default", "nullable", "$ref", "oneOf", "anyOf", "allOf", "x-kubernetes-preserve-unknown-fields"] {
        if has(name) {
            found.push(format!("{at}: {name}"));
        }
    }
    let bound = match schema["type"].as_str() {
        Some("string") => has("enum") || has("format") || has("maxLength"),
        Some("array") => has("maxItems"),
        Some("object") => has("properties") || has("maxProperties"),
        Some("integer" | "number" | "boolean") => true,
        _ => false,
    };
    if !bound {
        found.push(format!("{at}: unbounded {}", schema["type"]));
    }
    if let Some(members) = schema["properties"].as_object() {
        // the metadata of an object is the API server's own
        for (name, member) in members.iter().filter(|(name, _)| *name != "metadata") {
            let at = format!("{at}.{name}");
            if member["description"].as_str().is_none_or(|text| text.len() <= 4) {
                found.push(format!("{at}: no description"));
            }
            walk(member, &at, found);
        }
    }
    for each in ["items", "additionalProperties"] {
        if let Some(schema) = schema.get(each) {
            walk(schema, &format!("{at}[]"), found);
        }
    }
}

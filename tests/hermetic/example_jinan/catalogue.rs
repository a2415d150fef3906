//! The example's resources against the table of data sets.

use std::collections::{BTreeMap, BTreeSet};

use datashare::api::v1alpha1::validate::Validate;
use datashare::api::v1alpha1::{AccessGrantSpec, AuditPolicySpec, DataShareRequestSpec, SharedResourceSpec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{objects, texts};

#[test]
fn there_is_one_resource_for_each_row_of_the_standards_table() {
    let mut rows: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let resources = objects("SharedResource");
    for (_, resource) in &resources {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let clause = text(&resource["metadata"]["labels"]["datashare.dev/clause"]);
        let spec = &resource["spec"];
        *rows.entry((clause, text(&spec["channel"]["tier"]), text(&spec["direction"]))).or_default() += 1;
    }
    let row = |clause: &str, tier: &str, direction: &str, count| {
        ((clause.to_owned(), tier.to_owned(), direction.to_owned()), count)
    };
    let table = BTreeMap::from([
        row("4.1.1", "National", "In", 7),
        row("4.1.2", "Provincial", "In", 5),
        row("4.1.3", "City", "In", 13),
        row("4.1.4", "Bureau", "In", 3),
        row("4.1.5", "Direct", "In", 3),
        row("4.2.3", "City", "Out", 1),
    ]);
    assert_eq!(rows, table);
    assert_eq!(resources.len(), 32);
}

#[test]
fn every_catalogue_is_worth_reading() {
    let chinese = |text: &str| text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
    let mut names = BTreeSet::new();
    let mut titles = BTreeSet::new();
    for (path, resource) in objects("SharedResource") {
        let name = resource["metadata"]["name"].as_str().unwrap().to_owned();
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), name);
        assert_eq!(resource["metadata"]["namespace"], "jinan-registration", "{name}");
        assert!(names.insert(name.clone()), "{name} twice");
        assert!(titles.insert(resource["spec"]["title"].as_str().unwrap().to_owned()), "title of {name} twice");
        let fields = resource["spec"]["fields"].as_array().unwrap();
        assert!((5..=15).contains(&fields.len()), "{name} has {} fields", fields.len());
        for field in fields {
            assert!(chinese(field["title"].as_str().unwrap()), "{name}: {field}");
        }
        let host = resource["spec"]["interface"]["upstream"]["url"].as_str().unwrap().split('/').nth(2).unwrap();
        assert!(host.ends_with(".example"), "{name}: {host}");
        assert_eq!(resource["spec"]["auditPolicyRef"]["name"], "default", "{name}");
    }
}

/// Reads every spec of a kind as its type, checks its rules, and writes it back unchanged.
fn well_formed<Spec: DeserializeOwned + Serialize + Validate>(kind: &str) -> usize {
    let all = objects(kind);
    for (path, object) in &all {
        let spec: Spec = serde_json::from_value(object["spec"].clone())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(spec.violations(), [], "{}", path.display());
        assert_eq!(serde_json::to_value(&spec).unwrap(), object["spec"], "{}", path.display());
    }
    all.len()
}

#[test]
fn every_object_keeps_the_rules_of_its_kind() {
    assert_eq!(well_formed::<SharedResourceSpec>("SharedResource"), 32);
    assert_eq!(well_formed::<DataShareRequestSpec>("DataShareRequest"), 12);
    assert_eq!(well_formed::<AccessGrantSpec>("AccessGrant"), 11);
    assert_eq!(well_formed::<AuditPolicySpec>("AuditPolicy"), 1);
}

#[test]
fn requests_ask_for_nothing_outside_the_catalogue() {
    let resources = objects("SharedResource");
    for (path, request) in objects("DataShareRequest") {
        let spec = &request["spec"];
        let (_, resource) =
            resources.iter().find(|(_, resource)| resource["metadata"]["name"] == spec["resourceRef"]["name"]).unwrap();
        let named = |list: &Value| -> BTreeSet<String> {
            list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
        };
        let fields = named(&resource["spec"]["fields"]);
        let operations = named(&resource["spec"]["interface"]["operations"]);
        assert!(texts(&spec["fields"]).into_iter().all(|field| fields.contains(field)), "{}", path.display());
        assert!(texts(&spec["operations"]).into_iter().all(|name| operations.contains(name)), "{}", path.display());
    }
}

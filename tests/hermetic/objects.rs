//! What one object may say: every file of `tests/objects` is judged by the CEL rules of the
//! committed definitions, as an API server judges it, and by our own checks, which must agree.

mod corpus;
mod hostile;
mod rules;

use std::collections::BTreeSet;

use corpus::{Sample, cel, rust, samples};
use datashare::api::v1alpha1::{Kind, bounds, definition};
use serde_json::Value;

#[test]
fn accepted_objects_pass_everywhere_and_are_written_back_as_they_were() {
    for kind in Kind::ALL {
        let samples = samples(kind, "accept");
        assert!(samples.len() >= 6, "{}: {} accepted objects", kind.name(), samples.len());
        for sample in samples {
            let told = cel(kind, &sample.object, sample.old.as_ref());
            assert!(told.is_empty(), "{}: CEL says {told:?}", sample.file);
            let (violations, back) = rust(kind, &sample.object).unwrap_or_else(|e| panic!("{}: {e}", sample.file));
            assert!(violations.is_empty(), "{}: we say {violations:?}", sample.file);
            assert!(bounds(kind, &sample).is_empty(), "{}: {:?}", sample.file, bounds(kind, &sample));
            assert_eq!(back, sample.object, "{}: changed by reading and writing", sample.file);
        }
    }
}

#[test]
fn refused_objects_are_refused_with_the_stated_sentence() {
    for kind in Kind::ALL {
        let samples = samples(kind, "reject");
        assert!(samples.len() >= 12, "{}: {} refused objects", kind.name(), samples.len());
        for sample in samples {
            let (message, member) = (sample.stated("message"), sample.stated("member"));
            let told = cel(kind, &sample.object, sample.old.as_ref());
            assert!(told.contains(&message), "{}: CEL says {told:?}", sample.file);
            assert_eq!(BTreeSet::from_iter(&told).len(), 1, "{}: breaks more than one rule: {told:?}", sample.file);
            let (violations, back) = rust(kind, &sample.object).unwrap_or_else(|e| panic!("{}: {e}", sample.file));
            assert_eq!(back, sample.object, "{}: changed by reading and writing", sample.file);
            assert!(bounds(kind, &sample).is_empty(), "{}: {:?}", sample.file, bounds(kind, &sample));
            let ours: Vec<_> = violations.iter().map(|v| (v.member.clone(), v.message.to_string())).collect();
            if sample.old.is_some() {
                // what may change is the API server's question; a directory has no before
                assert!(ours.is_empty(), "{}: we say {ours:?}", sample.file);
                assert!(cel(kind, &sample.object, None).is_empty(), "{}: wrong by itself", sample.file);
            } else {
                assert_eq!(ours, [(member, message)], "{}", sample.file);
                assert!(violations.iter().all(|v| !v.fix.is_empty()), "{}", sample.file);
            }
        }
    }
}

#[test]
fn every_rule_of_every_kind_is_broken_by_some_object() {
    for kind in Kind::ALL {
        let mut rules = BTreeSet::new();
        messages(&definition::schema(kind)["properties"]["spec"], &mut rules);
        let broken: BTreeSet<_> = samples(kind, "reject").iter().map(|s| s.stated("message")).collect();
        let silent: Vec<_> = rules.difference(&broken).collect();
        assert!(silent.is_empty(), "{}: no object breaks {silent:?}", kind.name());
    }
}

#[test]
fn the_example_passes_the_rules_of_an_api_server() {
    for object in corpus::examples() {
        let Some(kind) = object["kind"].as_str().and_then(Kind::from_word) else { continue };
        let told = cel(kind, &object, None);
        assert!(told.is_empty(), "{}: {told:?}", object["metadata"]["name"]);
    }
}

fn bounds(kind: Kind, sample: &Sample) -> Vec<datashare::api::v1alpha1::validate::Violation> {
    bounds::violations(kind, &sample.object["spec"])
}

fn messages(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for rule in members.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                found.insert(rule["message"].as_str().expect("every rule has its sentence").to_owned());
            }
            members.values().for_each(|member| messages(member, found));
        }
        Value::Array(all) => all.iter().for_each(|one| messages(one, found)),
        _ => {}
    }
}

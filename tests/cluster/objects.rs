//! The files of `tests/objects` before the real API server: it decides as the local run of the same rules does, in
//! the same words, and keeps what it accepts exactly as it was written.

use std::collections::BTreeSet;

use datashare::api::v1alpha1::Kind;
use serde_json::{Value, json};

use crate::control_plane::{Answer, ControlPlane};
use crate::corpus::{Sample, cel, rust, samples};
use crate::definitions::{collection, served};

/// What the server says to a file, strictly and without keeping it.
fn tried(plane: &ControlPlane, kind: Kind, sample: &Sample) -> Answer {
    let query = "dryRun=All&fieldValidation=Strict";
    let namespace = plane.namespace("tried");
    let collection = collection(kind, &namespace);
    let here = |object: &Value| {
        let mut object = object.clone();
        object["metadata"]["namespace"] = json!(namespace);
        object
    };
    let Some(old) = &sample.old else {
        return plane.ask("POST", &format!("{collection}?{query}"), &here(&sample.object));
    };
    let before = plane.ask("POST", &format!("{collection}?fieldValidation=Strict"), &here(old));
    assert_eq!(before.status, 201, "{}: the old one: {}", sample.file, before.message());
    let name = old["metadata"]["name"].as_str().unwrap();
    let mut new = here(&sample.object);
    new["metadata"]["resourceVersion"] = before.body["metadata"]["resourceVersion"].clone();
    plane.ask("PUT", &format!("{collection}/{name}?{query}"), &new)
}

#[test]
fn accepted_objects_are_accepted_and_kept_as_written() {
    let plane = served();
    for kind in Kind::ALL {
        for sample in samples(kind, "accept") {
            let answer = tried(plane, kind, &sample);
            assert!(matches!(answer.status, 200 | 201), "{}: {}", sample.file, answer.message());
            assert!(answer.warnings.is_empty(), "{}: {:?}", sample.file, answer.warnings);
            assert_eq!(answer.body["spec"], sample.object["spec"], "{}: changed by the server", sample.file);
            let (violations, back) = rust(kind, &answer.body).unwrap();
            assert!(violations.is_empty(), "{}: {violations:?}", sample.file);
            assert_eq!(back["spec"], sample.object["spec"], "{}: changed by us", sample.file);
        }
    }
}

#[test]
fn refused_objects_are_refused_in_the_same_words() {
    let plane = served();
    for kind in Kind::ALL {
        for sample in samples(kind, "reject") {
            let answer = tried(plane, kind, &sample);
            assert_eq!(answer.status, 422, "{}: {}", sample.file, answer.message());
            let local = BTreeSet::from_iter(cel(kind, &sample.object, sample.old.as_ref()));
            let causes = answer.causes();
            // before our sentence the server shows the value, in a form that depends on its type
            let ends = |said: &str, sentence: &str| said.ends_with(&format!(": {sentence}"));
            for sentence in &local {
                let heard = causes.iter().any(|(_, said)| ends(said, sentence));
                assert!(heard, "{}: not '{sentence}': {}", sample.file, answer.message());
            }
            for (_, said) in &causes {
                let known = local.iter().any(|sentence| ends(said, sentence));
                assert!(known, "{}: only the server says '{said}'", sample.file);
            }
            // a rule stands at the object that holds all it looks at; we name the one member to mend
            let member = sample.stated("member");
            let there = causes.iter().any(|(field, _)| !field.is_empty() && member.starts_with(field));
            assert!(there, "{}: not at {member}: {causes:?}", sample.file);
        }
    }
}

#[test]
fn unknown_members_are_refused_where_strictness_is_asked_for() {
    let plane = served();
    let namespace = plane.namespace("unknown");
    for kind in Kind::ALL {
        let mut object = samples(kind, "accept").remove(0).object;
        object["metadata"]["namespace"] = json!(namespace);
        object["spec"]["unheardOf"] = json!(true);
        let collection = collection(kind, &namespace);
        let create = |strictness: &str| {
            plane.ask("POST", &format!("{collection}?dryRun=All&fieldValidation={strictness}"), &object)
        };

        let strict = create("Strict");
        assert_eq!(strict.status, 400, "{strict:?}");
        assert!(strict.message().contains("unknown field \"spec.unheardOf\""), "{}", strict.message());

        // applying on the server's side is strict whatever is asked for
        let name = object["metadata"]["name"].as_str().unwrap();
        let uri = format!("{collection}/{name}?dryRun=All&fieldManager=suite&fieldValidation=Ignore");
        let apply = plane.ask_as(&plane.client(None), "PATCH", &uri, "application/apply-patch+yaml", &object);
        assert_ne!(apply.status / 100, 2, "{apply:?}");
        assert!(apply.message().contains("unheardOf"), "{}", apply.message());

        // elsewhere the server drops it, with a warning (the default) or silently: what it keeps is what was known
        let warned = create("Warn");
        assert_eq!(warned.status, 201, "{warned:?}");
        assert!(warned.warnings.iter().any(|text| text.contains("spec.unheardOf")), "{:?}", warned.warnings);
        assert_eq!(warned.body["spec"].get("unheardOf"), None);
        let ignored = create("Ignore");
        assert_eq!((ignored.status, ignored.warnings), (201, Vec::new()));
        assert_eq!(ignored.body["spec"].get("unheardOf"), None);
    }
}

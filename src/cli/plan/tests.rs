//! What a plan says of two versions of a directory.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::{diff, json, markdown, table};
use crate::cli::world::World;
use crate::judge::ledger::Ledger;

fn now() -> Timestamp {
    "2026-11-24T12:00:00+08:00".parse().unwrap()
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The plan from the example to the example after `change`, or the other way round.
fn plan(change: impl FnOnce(&Path), back: bool) -> (Value, String, String) {
    let place = tempfile::tempdir().unwrap();
    copy(&example(), place.path());
    change(place.path());
    let example = example();
    let (old, new) = if back { (place.path(), example.as_path()) } else { (example.as_path(), place.path()) };
    let old = World::load(old, Ledger::default(), now()).unwrap();
    let new = World::load(new, old.index.ledger().clone(), now()).unwrap();
    let diff = diff::diff(&old, &new, now());
    let zone = &new.settings.time_zone;
    (json::value("old", "new", &diff), table::draw(&diff, zone), markdown::draw("old", "new", &diff, zone))
}

fn remove(file: &'static str) -> impl FnOnce(&Path) {
    move |root| fs::remove_file(root.join(file)).unwrap()
}

#[test]
fn a_new_grant_is_told_with_its_terms() {
    let (json, table, markdown) = plan(remove("grants/deed-tax.yaml"), true);
    let change = &json["changes"][0];
    assert_eq!(json["changes"].as_array().unwrap().len(), 1);
    assert_eq!(
        (change["effect"].as_str(), change["resource"]["name"].as_str()),
        (Some("Gains"), Some("property-ownership"))
    );
    let gained: Vec<_> = change["gained"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    let granted = ["buildingArea", "certificateNumber", "ownerName", "ownershipShare", "plannedUse", "propertyAddress"];
    assert_eq!(gained, granted);
    assert!(change["after"]["purpose"].as_str().unwrap().contains('税') && change["before"].is_null());
    assert_eq!(change["after"]["approvedBy"].as_array().unwrap().len(), 2);
    for text in ["gains 6 fields", "权利人", "[Personal]", "2027-11-19", "director@registration.jinan (Provider)"] {
        assert!(table.contains(text), "{text}: {table}");
    }
    assert!(markdown.contains("**Personal**") && markdown.contains("权利人"), "{markdown}");
}

#[test]
fn a_grant_that_goes_is_told_with_the_reason() {
    let (json, table, _) = plan(remove("grants/deed-tax.yaml"), false);
    assert_eq!(
        (&json["changes"][0]["effect"], &json["changes"][0]["reason"]),
        (&"Loses".into(), &"GrantMissing".into())
    );
    assert!(table.contains("loses 6 fields"), "{table}");
    let (json, _, _) = plan(remove("requests/tax-bureau/deed-tax.yaml"), false);
    assert_eq!(json["changes"][0]["reason"], "RequestMissing");
    let edit = |root: &Path| {
        let file = root.join("grants/deed-tax.yaml");
        let text = fs::read_to_string(&file).unwrap().replace("perDay: ", "perDay: 1");
        fs::write(file, text).unwrap();
    };
    let (json, _, _) = plan(edit, false);
    // the same serial with other terms; the signature is what fails first
    assert_eq!(json["changes"][0]["reason"], "ApprovalInvalid");
}

#[test]
fn a_successor_changes_what_its_subject_may_do() {
    let (json, table, markdown) = plan(remove("grants/home-purchase.yaml"), true);
    let change = &json["changes"][0];
    assert_eq!((json["changes"].as_array().unwrap().len(), &change["effect"]), (1, &"Changes".into()));
    let gained: Vec<_> = change["gained"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!((gained, change["lost"].as_array().unwrap().len()), (vec!["ownerName", "seized"], 0));
    let until = change["differences"].as_array().unwrap().iter().find(|one| one["what"] == "until").unwrap();
    assert!(until["from"].as_str().unwrap().starts_with("2026-12-31"), "{until}");
    assert!(table.contains("has other access to") && markdown.contains("✏️"), "{table}");
    assert_eq!(json["notServing"][0]["after"], "Superseded");
}

#[test]
fn what_waits_is_told_apart() {
    let (json, table, _) = plan(remove("grants/judicial-enforcement.yaml"), true);
    assert!(json["changes"].as_array().unwrap().is_empty());
    assert_eq!(
        (&json["notServing"][0]["before"], &json["notServing"][0]["after"]),
        (&"absent".into(), &"Pending".into())
    );
    assert!(table.contains("absent -> Pending"), "{table}");
}

#[test]
fn a_deleted_revocation_revives_nothing() {
    let revoke = |root: &Path| {
        let text = "apiVersion: datashare.dev/v1alpha1\nkind: Revocation\nmetadata: {namespace: jinan-registration, name: r}\n\
             spec:\n  target: {grant: {serial: 济登共享〔2026〕12号}}\n  clause: End\n  reason: over\n  decidedBy: d\n  \
             decidedAt: \"2026-11-24T00:00:00+08:00\"\n";
        fs::write(root.join("r.yaml"), text).unwrap();
    };
    let (json, table, _) = plan(revoke, false);
    assert_eq!(
        (&json["changes"][0]["reason"], &json["revocations"][0]["change"]),
        (&"Revoked".into(), &"Added".into())
    );
    assert!(table.contains("because     Revoked"), "{table}");
    let (json, table, _) = plan(revoke, true);
    assert!(json["changes"].as_array().unwrap().is_empty(), "{table}");
    assert!(table.contains("revives nothing"), "{table}");
}

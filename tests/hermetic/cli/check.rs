//! `datashare check` over the example and over what can go wrong in it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{datashare, edit, jinan};

fn findings(root: &Path, path: &str) -> (i32, Vec<Value>) {
    let ran = datashare(root, &["check", path, "--output", "json"]);
    (ran.code, ran.json().as_array().unwrap().clone())
}

fn only<'f>(all: &'f [Value], code: &str) -> &'f Value {
    let own: Vec<&Value> = all.iter().filter(|one| one["code"] == code).collect();
    assert_eq!(own.len(), 1, "{code}: {all:#?}");
    own[0]
}

/// Line of a text in a file, from 1.
fn line_of(file: &Path, text: &str) -> u64 {
    let all = fs::read_to_string(file).unwrap();
    let at = all.lines().position(|line| line.contains(text)).unwrap();
    u64::try_from(at).unwrap() + 1
}

#[test]
fn the_example_has_no_errors() {
    let (_place, root) = jinan();
    let (code, all) = findings(&root, ".");
    let errors: Vec<_> = all.iter().filter(|one| one["severity"] == "error").collect();
    assert!(code == 0 && errors.is_empty(), "{errors:#?}");
    assert_eq!(only(&all, "denied")["severity"], "note");
    for one in &all {
        for member in ["severity", "code", "file", "line", "message", "fix"] {
            assert!(!one[member].is_null(), "{member}: {one}");
        }
        assert!(root.join(one["file"].as_str().unwrap()).is_file(), "{one}");
    }
}

#[test]
fn one_bad_file_never_stops_the_others() {
    let (_place, root) = jinan();
    fs::write(root.join("grants/half.yaml"), "apiVersion: datashare.dev/v1alpha1\nkind: AccessGr").unwrap();
    fs::write(root.join("resources/tab.yaml"), "a:\n\tb: [\n").unwrap();
    edit(&root.join("requests/court/judicial-enforcement.yaml"), "purpose:", "porpose:");
    let (code, all) = findings(&root, ".");
    assert_eq!(code, 1);
    let unknown = only(&all, "member-unknown");
    let file = root.join("requests/court/judicial-enforcement.yaml");
    assert_eq!(unknown["line"], line_of(&file, "porpose"));
    assert!(unknown["fix"].as_str().unwrap().contains("purpose"), "{unknown}");
    // what depended on it counts as undecided, at the member that says so
    let missing = only(&all, "request-missing");
    assert_eq!(missing["member"], "spec.requestRef.name");
    let grant = fs::read_to_string(root.join("grants/judicial-enforcement.yaml")).unwrap();
    let names = grant.lines().zip(1_u64..).filter(|(line, _)| line.contains("name: judicial-enforcement"));
    assert_eq!(missing["line"], names.map(|(_, number)| number).nth(1).unwrap());
    only(&all, "denied");
}

#[test]
fn edited_content_and_other_sites_break_signatures() {
    let (_place, root) = jinan();
    let grant = root.join("grants/deed-tax.yaml");
    edit(&grant, "perDay: 2", "perDay: 3");
    let (code, all) = findings(&root, "grants/deed-tax.yaml");
    let forged: Vec<_> = all.iter().filter(|one| one["code"] == "signature-invalid").collect();
    assert!(code == 1 && !forged.is_empty(), "{all:#?}");
    assert_eq!(forged[0]["member"], "spec.approvals[0].signature");
    assert_eq!(forged[0]["line"], line_of(&grant, "signature:"));
    assert!(all.iter().all(|one| one["file"] == "grants/deed-tax.yaml"), "{all:#?}");

    let (_place, root) = jinan();
    edit(&root.join("datashare.yaml"), "site: jinan-demo", "site: elsewhere");
    let (code, all) = findings(&root, ".");
    let forged = all.iter().filter(|one| one["code"] == "signature-invalid");
    assert!(code == 1 && forged.clone().count() > 5);
    assert!(forged.clone().all(|one| one["fix"].as_str().unwrap().contains("elsewhere")));
}

#[test]
fn signers_are_looked_at() {
    let (_place, root) = jinan();
    let signers = root.join("allowed_signers");
    let kept: Vec<String> = fs::read_to_string(&signers).unwrap().lines().map(str::to_owned).collect();
    let without: Vec<_> = kept.iter().filter(|line| !line.starts_with("share@bigdata")).cloned().collect();
    fs::write(&signers, without.join("\n") + "\n* ssh-ed25519 AAAA\n").unwrap();
    let (code, all) = findings(&root, ".");
    assert_eq!(code, 1);
    let void = only(&all, "signer-void");
    assert_eq!(
        (void["file"].as_str(), void["line"].as_u64()),
        (Some("allowed_signers"), Some(without.len() as u64 + 1))
    );
    assert!(all.iter().any(|one| one["code"] == "signer-unknown" && one["severity"] == "warning"));
    let unlisted = all.iter().find(|one| one["code"] == "approval-invalid").unwrap();
    assert!(unlisted["message"].as_str().unwrap().contains("share@bigdata.jinan"), "{unlisted}");
}

#[test]
fn references_that_lead_nowhere() {
    let (_place, root) = jinan();
    fs::remove_file(root.join("audit-policy.yaml")).unwrap();
    fs::remove_file(root.join("resources/marriage-shandong.yaml")).unwrap();
    let (code, all) = findings(&root, ".");
    let members: Vec<_> = all
        .iter()
        .filter(|one| one["code"] == "reference-missing")
        .map(|one| one["member"].as_str().unwrap())
        .collect();
    assert_eq!(code, 1);
    assert!(members.contains(&"spec.auditPolicyRef.name"), "{members:?}");
}

#[test]
fn a_file_elsewhere_is_of_no_directory_that_its_path_passes_through() {
    let (_place, root) = jinan();
    let elsewhere = root.parent().unwrap().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(root.join("grants/deed-tax.yaml"), elsewhere.join("deed-tax.yaml")).unwrap();
    let ran = datashare(&root, &["digest", "grants/../../elsewhere/deed-tax.yaml"]);
    assert!(ran.code == 2 && ran.messages.contains("no datashare.yaml"), "{}\n{}", ran.out, ran.messages);
}

#[test]
fn files_are_judged_in_their_directory() {
    let (_place, root) = jinan();
    let above = root.parent().unwrap();
    let ran = datashare(above, &["check", "jinan/grants/inheritance-denied.yaml", "-o", "json"]);
    let all = ran.json();
    assert_eq!((ran.code, all.as_array().unwrap().len()), (0, 1), "{all:#}");
    assert_eq!(
        (all[0]["code"].as_str(), all[0]["file"].as_str()),
        (Some("denied"), Some("jinan/grants/inheritance-denied.yaml"))
    );
    assert_eq!(datashare(&root, &["check", "no-such-file.yaml"]).code, 2);
}

#[test]
fn without_settings_that_is_the_finding() {
    let (_place, root) = jinan();
    edit(&root.join("datashare.yaml"), "site:", "sight:");
    let (code, all) = findings(&root, "grants");
    assert_eq!(code, 1);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(only(&all, "settings-invalid")["file"], "datashare.yaml");
}

#[test]
fn forms_for_people_and_pull_requests() {
    let (_place, root) = jinan();
    edit(&root.join("resources/household.yaml"), "title:", "titel:");
    let text = datashare(&root, &["check", "."]);
    assert_eq!(text.code, 1);
    assert!(text.out.contains("resources/household.yaml:") && text.out.contains("[member-unknown]"), "{}", text.out);
    assert!(!text.out.contains('\u{1b}') && text.messages.contains("error"), "{}", text.messages);
    let github = datashare(&root, &["check", ".", "--output", "github"]);
    assert_eq!(github.code, 1);
    assert!(github.out.contains("::error file=resources/household.yaml,line="), "{}", github.out);
    assert!(github.out.lines().all(|line| line.starts_with("::")), "{}", github.out);
}

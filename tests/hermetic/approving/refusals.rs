//! What `approve` will not sign, with the words it says and the code it gives.

use super::site::Site;

const REQUEST: &str = "requests/tax-bureau/deed-tax.yaml";
const GRANT: &str = "grants/judicial-enforcement.yaml";

fn new(more: &[&'static str]) -> Vec<&'static str> {
    let mut words = vec![REQUEST, "--name", "new", "--serial", "济登共享〔2026〕99号"];
    if !more.contains(&"--principal") {
        words.extend(["--role", "Provider", "--principal", "director@registration.jinan"]);
    }
    if !more.contains(&"--legal-basis") {
        words.extend(["--require", "consent"]);
    }
    words.extend(more);
    words
}

fn refused(site: &Site, words: &[&str], code: u8, sentence: &str) {
    let files = || walk(site.path("").as_path());
    let before = files();
    let said = site.approve(words);
    assert_eq!(said.code, code, "{words:?}: {}", said.messages);
    assert!(said.messages.contains(sentence), "{words:?}: {}", said.messages);
    assert_eq!((said.out.as_str(), files()), ("", before), "{words:?} must write nothing");
}

fn walk(dir: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            all.extend(walk(&entry.path()));
        } else {
            all.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn the_plain_case_is_signed() {
    let site = Site::copy();
    let said = site.approve(&new(&[]));
    assert_eq!(said.code, 0, "{}", said.messages);
}

#[test]
fn what_could_never_count_is_not_signed() {
    let site = Site::copy();
    for (more, sentence) in [
        (&["--role", "Provider", "--principal", "leader@registration.jinan"][..], "not listed for the role Provider"),
        (&["--role", "Janitor", "--principal", "director@registration.jinan"], "it asks for Provider (director@"),
        (&["--role", "Provider", "--principal", "intake@registration.jinan"], "not listed for the role"),
        (&["--fields", "ownerName,owner-shoe-size"], "owner-shoe-size was not asked for"),
        (&["--operations", "by-all"], "operation by-all was not asked for"),
        (&["--not-after", "2027-11-20"], "ends after 2027-11-19"),
        (&["--not-before", "2025-11-01", "--not-after", "2026-11-20"], "at most 366 days"),
        (&["--not-before", "2026-01-01", "--not-after", "2026-11-20"], "ended at"),
        (&["--legal-basis", " "], "spec.legalBasis: must not be blank"),
        (&["--supersedes", "济登共享〔2025〕7号"], "for another resource, unit or system"),
        (&["--supersedes", "济登共享〔2026〕99号"], "supersede its own serial"),
        (&["--quota-per-second", "0"], "must be 1 to 100000"),
    ] {
        refused(&site, &new(more), 1, sentence);
    }
}

#[test]
fn a_used_serial_or_name_is_not_signed_again() {
    let site = Site::copy();
    let mut words = new(&[]);
    words[4] = "济登共享〔2026〕14号";
    refused(&site, &words, 1, "already that of jinan-registration/judicial-enforcement");
    words[4] = "济登共享〔2026〕99号";
    words[2] = "deed-tax";
    refused(&site, &words, 1, "there is a grant jinan-registration/deed-tax already");
}

#[test]
fn a_grant_is_signed_by_those_who_may_and_once() {
    let site = Site::copy();
    let sign = |role, principal| vec![GRANT, "--role", role, "--principal", principal];
    refused(&site, &sign("Provider", "director@registration.jinan"), 1, "has signed as Provider already");
    let again = site.approve(&[&sign("Provider", "director@registration.jinan")[..], &["--again"]].concat());
    assert_eq!(again.code, 0, "{}", again.messages);
    assert_eq!(super::site::signatures(&site.read(GRANT)).len(), 2, "the same person once more");
    refused(&site, &sign("DataAuthority", "director@registration.jinan"), 1, "not listed for the role");
    site.edit("allowed_signers", "share@bigdata.jinan names", "nobody@bigdata.jinan names");
    refused(&site, &sign("DataAuthority", "share@bigdata.jinan"), 1, "lists no key for share@bigdata.jinan");
}

#[test]
fn the_receiver_and_the_same_key_do_not_approve() {
    let site = Site::copy();
    site.edit("requests/tax-bureau/deed-tax.yaml", "receivedBy: intake@", "receivedBy: director@");
    refused(&site, &new(&[]), 1, "received the request and may not approve it");
    let site = Site::copy();
    let director = std::fs::read_to_string(site.path("demo-keys/director@registration.jinan.pub")).unwrap();
    let signers = format!("{}share@bigdata.jinan {director}", site.read("allowed_signers"));
    std::fs::write(site.path("allowed_signers"), signers).unwrap();
    let key = site.path("demo-keys/director@registration.jinan").display().to_string();
    let said = site.approve_as(
        &[GRANT, "--role", "DataAuthority", "--principal", "share@bigdata.jinan", "--yes", "--key", &key],
        None,
    );
    assert!(said.code == 1 && said.messages.contains("the same key has also signed"), "{}", said.messages);
}

#[test]
fn a_changed_request_or_slice_is_not_signed_under_the_old_digest() {
    let site = Site::copy();
    let words = [GRANT, "--role", "DataAuthority", "--principal", "share@bigdata.jinan"];
    site.edit("requests/court/judicial-enforcement.yaml", "purpose: ", "purpose: 另：");
    refused(&site, &words, 1, "is not the one that was reviewed");
    let site = Site::copy();
    let resource = site.read("resources/property-ownership.yaml");
    std::fs::write(site.path("resources/property-ownership.yaml"), resource.replace("Conditional", "NotShared"))
        .unwrap();
    refused(&site, &words, 1, "may not be granted to anyone");
}

#[test]
fn missing_objects_are_named() {
    let site = Site::copy();
    std::fs::remove_file(site.path("resources/property-ownership.yaml")).unwrap();
    refused(&site, &new(&[]), 1, "SharedResource jinan-registration/property-ownership is not in");
    let site = Site::copy();
    std::fs::remove_file(site.path("requests/court/judicial-enforcement.yaml")).unwrap();
    let words = [GRANT, "--role", "DataAuthority", "--principal", "share@bigdata.jinan"];
    refused(&site, &words, 1, "DataShareRequest court/judicial-enforcement is not in");
}

#[test]
fn wrong_use_has_code_two() {
    let site = Site::copy();
    let who = ["--role", "Provider", "--principal", "director@registration.jinan"];
    let with = |words: &[&'static str]| [words, &who].concat();
    refused(&site, &with(&[REQUEST]), 2, "give --serial");
    refused(&site, &with(&[GRANT, "--fields", "ownerName"]), 2, "leave out --fields");
    refused(&site, &with(&[GRANT, "--draft"]), 2, "leave out --draft");
    refused(&site, &with(&["audit-policy.yaml"]), 2, "holds 0 of kind");
    refused(&site, &with(&["nowhere.yaml"]), 2, "cannot be read");
    refused(&site, &new(&["--not-after", "soon"]), 2, "write a day as");
    std::fs::write(site.path("broken.yaml"), "kind: [").unwrap();
    refused(&site, &with(&["broken.yaml"]), 2, "not valid YAML");
    std::fs::remove_file(site.path("datashare.yaml")).unwrap();
    refused(&site, &new(&[]), 2, "name the directory with --dir");
}

#[test]
fn without_a_yes_nothing_is_signed() {
    let site = Site::copy();
    let words = [GRANT, "--role", "DataAuthority", "--principal", "share@bigdata.jinan"];
    let before = site.read(GRANT);
    let declined = site.approve_as(&words, Some(false));
    assert!(declined.code == 1 && declined.messages.ends_with("not signed\n"), "{}", declined.messages);
    let nobody = site.approve_as(&words, None);
    assert!(nobody.code == 2 && nobody.messages.contains("give --yes"), "{}", nobody.messages);
    let unknown = site.approve_as(&[&words[..3], &["--principal", "intake@registration.jinan"]].concat(), Some(true));
    assert!(unknown.code == 2 && unknown.messages.contains("no key for intake@"), "{}", unknown.messages);
    assert_eq!(site.read(GRANT), before);
    assert_eq!(site.approve_as(&words, Some(true)).code, 0);
    assert_ne!(site.read(GRANT), before);
}

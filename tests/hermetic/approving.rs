//! `digest`, `statement` and `approve` on a copy of the example: what they print and write, what the
//! judge and the real `ssh-keygen` say to it, and every refusal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that fails may panic"
)]

mod refusals;
mod site;

use datashare::approval::sshsig;
use datashare::judge::reason::Reason;
use site::{Said, Site};

#[test]
fn every_digest_of_the_example_is_the_one_that_its_grants_name() {
    let site = Site::copy();
    for grant in site.grants() {
        let text = site.read(&grant);
        let told = site.digest(&[&grant]);
        assert_eq!(told.code, 0, "{grant}: {}", told.messages);
        let [terms, slice]: [&str; 2] = told.out.lines().collect::<Vec<_>>().try_into().unwrap();
        assert!(terms.starts_with("AccessGrant jinan-registration/") && terms.contains(" sha256:"), "{terms}");
        let (resource, digest) = slice.rsplit_once(' ').unwrap();
        assert!(resource.starts_with("SharedResource jinan-registration/"), "{slice}");
        let member = |section: &str, member: &str| {
            let mut lines = text.lines().skip_while(|line| *line != format!("  {section}:")).skip(1);
            lines.find_map(|line| line.trim().strip_prefix(&format!("{member}: ")).map(str::to_owned)).unwrap()
        };
        assert_eq!(member("resourceRef", "digest"), digest, "{grant}");
        let request = format!("requests/{}/{}.yaml", member("requestRef", "namespace"), member("requestRef", "name"));
        let told = site.digest(&[&request]);
        assert!(told.out.trim_end().ends_with(&member("requestRef", "digest")), "{grant}: {}", told.out);
    }
}

#[test]
fn a_digest_that_cannot_be_told_says_why_and_the_rest_is_told() {
    let site = Site::copy();
    let resource = site.digest(&["resources/property-ownership.yaml"]);
    assert_eq!((resource.code, resource.out.as_str()), (1, ""));
    assert!(resource.messages.contains("name the grant"), "{}", resource.messages);
    std::fs::remove_file(site.path("requests/tax-bureau/deed-tax.yaml")).unwrap();
    let orphan = site.digest(&["grants/deed-tax.yaml", "audit-policy.yaml"]);
    assert_eq!((orphan.code, orphan.out.lines().count()), (1, 2), "{}", orphan.out);
    assert!(orphan.messages.contains("DataShareRequest tax-bureau/deed-tax is not in"), "{}", orphan.messages);
}

#[test]
fn statements_are_what_the_example_was_signed_over() {
    let site = Site::copy();
    let text = site.read("grants/deed-tax.yaml");
    let signature = site::signatures(&text).remove(0);
    let statement =
        site.statement("grants/deed-tax.yaml", "Provider", "director@registration.jinan", "2026-11-18T10:12:00+08:00");
    assert_eq!(statement.last(), Some(&b'\n'));
    assert!(sshsig::verify(&signature, &statement).is_ok());
    assert!(site.keygen_verifies("director@registration.jinan", &signature, &statement));
    for (role, principal, at) in [
        ("Leader", "director@registration.jinan", "2026-11-18T10:12:00+08:00"),
        ("Provider", "leader@registration.jinan", "2026-11-18T10:12:00+08:00"),
        ("Provider", "director@registration.jinan", "2026-11-18T02:12:00Z"),
    ] {
        let other = site.statement("grants/deed-tax.yaml", role, principal, at);
        assert_eq!(sshsig::verify(&signature, &other), Err(sshsig::SignatureError::Mismatch));
    }
}

#[test]
fn a_request_becomes_a_grant_that_serves_once_both_have_signed() {
    let site = Site::copy();
    std::fs::remove_file(site.path("grants/deed-tax.yaml")).unwrap();
    let first = site.approve(&[
        "requests/tax-bureau/deed-tax.yaml",
        "--role",
        "Provider",
        "--principal",
        "director@registration.jinan",
        "--serial",
        "济登共享〔2026〕99号",
        "--fields",
        "ownerName,propertyAddress",
        "--operations",
        "by-unit",
        "--require",
        "consent",
        "--quota-per-second",
        "20",
        "--not-before",
        "2026-11-24",
    ]);
    assert_eq!(first.code, 0, "{}", first.messages);
    let grant = "requests/tax-bureau/deed-tax-grant.yaml";
    assert_eq!(first.out.trim_end(), site.path(grant).display().to_string());
    for word in [
        "济登共享〔2026〕99号",
        "契税征管系统",
        "权利人",
        "Personal",
        "2 of 10 asked for",
        "by-unit",
        "1 as DataAuthority",
    ] {
        assert!(first.messages.contains(word), "{word}: {}", first.messages);
    }
    assert_eq!(site.reason("deed-tax"), Some(Reason::Pending));
    let before = site.read(grant);
    let second = site.approve(&[grant, "--role", "DataAuthority", "--principal", "share@bigdata.jinan"]);
    assert_eq!(second.code, 0, "{}", second.messages);
    assert!(second.messages.contains("then missing    nobody"), "{}", second.messages);
    assert!(site.read(grant).starts_with(before.trim_end()), "the first signature must stand as it stood");
    assert_eq!(site.reason("deed-tax"), None, "it serves");
    for (signature, (role, principal)) in site::signatures(&site.read(grant))
        .iter()
        .zip([("Provider", "director@registration.jinan"), ("DataAuthority", "share@bigdata.jinan")])
    {
        let statement = site.statement(grant, role, principal, site::NOW);
        assert!(site.keygen_verifies(principal, signature, &statement), "{role}");
    }
}

#[test]
fn a_pending_grant_takes_its_second_signature_and_keeps_every_other_line() {
    let site = Site::copy();
    let grant = "grants/judicial-enforcement.yaml";
    let before = site.read(grant);
    let said = site.approve(&[grant, "--role", "DataAuthority", "--principal", "share@bigdata.jinan"]);
    assert_eq!(said.code, 0, "{}", said.messages);
    let after = site.read(grant);
    assert!(after.starts_with(&before) && after.starts_with("# Pending"), "{after}");
    assert_eq!(site.reason("judicial-enforcement"), None);
}

#[test]
fn an_approval_from_the_future_is_a_warning_until_then() {
    let site = Site::copy();
    let grant = "grants/judicial-enforcement.yaml";
    assert_eq!(site.approve(&[grant, "--role", "DataAuthority", "--principal", "share@bigdata.jinan"]).code, 0);
    let at = |text: &str| datashare::cli::check::findings(&site.path(""), text.parse().unwrap()).unwrap();
    let told = at("2026-11-24T09:59:59+08:00");
    let early = told.iter().find(|one| one.code == "approval-in-future").unwrap();
    assert_eq!(early.member.as_deref(), Some("spec.approvals[1].approvedAt"));
    assert_eq!(early.severity, datashare::source::finding::Severity::Warning);
    assert!(at(site::NOW).iter().all(|one| one.code != "approval-in-future"));
}

#[test]
fn a_copy_is_written_where_it_is_asked_for_and_over_nothing() {
    let site = Site::copy();
    let grant = "grants/judicial-enforcement.yaml";
    let before = site.read(grant);
    let copy = site.path("copy.yaml").display().to_string();
    let args = [grant, "--role", "DataAuthority", "--principal", "share@bigdata.jinan", "-o", &copy];
    assert_eq!(site.approve(&args).code, 0);
    assert_eq!(site.read(grant), before);
    assert!(site.read("copy.yaml").contains("share@bigdata.jinan"));
    std::fs::write(site.path("other.txt"), "mine").unwrap();
    let other = site.path("other.txt").display().to_string();
    let again = site.approve(&[&args[..5], &["-o", &other]].concat());
    assert!(again.code == 2 && again.messages.contains("is there already"), "{}", again.messages);
}

#[test]
fn a_denial_carries_its_reason_and_one_signature() {
    let site = Site::copy();
    std::fs::remove_file(site.path("grants/inheritance-denied.yaml")).unwrap();
    let said = site.approve(&[
        "requests/notary-office/inheritance.yaml",
        "--role",
        "Provider",
        "--principal",
        "director@registration.jinan",
        "--serial",
        "济登共享〔2026〕98号",
        "--deny",
        "未附公证委托书",
        "--name",
        "no",
    ]);
    assert_eq!(said.code, 0, "{}", said.messages);
    assert!(said.messages.contains("is denied       未附公证委托书"), "{}", said.messages);
    assert_eq!(site.reason("no"), Some(Reason::Denied));
}

#[test]
fn what_is_different_from_the_superseded_grant_is_shown() {
    let site = Site::copy();
    std::fs::remove_file(site.path("grants/home-purchase.yaml")).unwrap();
    let said = site.approve(&[
        "requests/housing-bureau/home-purchase.yaml",
        "--role",
        "Provider",
        "--principal",
        "director@registration.jinan",
        "--serial",
        "济登共享〔2026〕97号",
        "--legal-basis",
        "示例",
    ]);
    assert_eq!(said.code, 0, "{}", said.messages);
    assert!(said.messages.contains("replaces        济登共享〔2025〕7号; against it:"), "{}", said.messages);
    assert!(said.messages.contains("+ field ") && said.messages.contains("until: 2026-12-31"), "{}", said.messages);
    assert!(site.read("requests/housing-bureau/home-purchase-grant.yaml").contains("supersedes: 济登共享〔2025〕7号"));
}

#[test]
fn the_listed_key_among_several_is_found_and_a_draft_can_be_signed_later() {
    let site = Site::copy();
    std::fs::remove_file(site.path("grants/deed-tax.yaml")).unwrap();
    let draft = site.approve(&[
        "requests/tax-bureau/deed-tax.yaml",
        "--role",
        "Provider",
        "--principal",
        "director@registration.jinan",
        "--serial",
        "济登共享〔2026〕96号",
        "--require",
        "consent",
        "--draft",
    ]);
    assert_eq!(draft.code, 0, "{}", draft.messages);
    let grant = "requests/tax-bureau/deed-tax-grant.yaml";
    assert!(!site.read(grant).contains("approvals"));
    let Said { code, messages, .. } =
        site.approve_without_key(&[grant, "--role", "Provider", "--principal", "director@registration.jinan"]);
    assert_eq!(code, 0, "{messages}");
    assert_eq!(site::signatures(&site.read(grant)).len(), 1);
    assert_eq!(site.reason("deed-tax"), Some(Reason::Pending));
}

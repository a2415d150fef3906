//! Lines of allowed_signers: those that count and those that are void.

use proptest::prelude::*;

use super::*;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEAWvOcN3mBqcaL19CD51x0/F6oQyl2YvBWp/Mhs7u4w";
const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

fn key_of(line: &str) -> KeyId {
    line::parse(&format!("x {line}")).unwrap().unwrap().key
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn one_issue(text: &str) -> SignersIssue {
    let (signers, mut issues) = Signers::parse(text);
    assert_eq!(issues.len(), 1, "{text}: {issues:?}");
    let issue = issues.remove(0);
    assert_eq!(issue.kind, IssueKind::Void);
    assert_eq!(signers, Signers::default(), "a void line must list nobody");
    issue
}

#[test]
fn a_listed_key_counts_within_its_time_and_namespace() {
    let (signers, issues) = Signers::parse(&format!(
        "# who approves\n\n a@x,b@x {KEY} comment here\r\n\
         c@x namespaces=\"git\" {OTHER}\n\
         d@x valid-after=\"20260101Z\",valid-before=\"20261231235959Z\" {OTHER}\n\
         d@x NAMESPACES=\"approval@*\",valid-after=\"20280101Z\" {OTHER}\n"
    ));
    assert_eq!(issues.iter().filter(|issue| issue.kind == IssueKind::Void).count(), 0, "{issues:?}");
    let now = at("2026-06-01T00:00:00Z");
    let check = |who, key, when| signers.check(who, &key_of(key), when);
    assert_eq!(check("a@x", KEY, now), Ok(()));
    assert_eq!(check("b@x", KEY, now), Ok(()));
    assert!(matches!(check("a@x", OTHER, now), Err(ListingError::KeyNotListed { .. })));
    assert!(matches!(check("z@x", KEY, now), Err(ListingError::UnknownPrincipal { .. })));
    assert!(matches!(check("c@x", OTHER, now), Err(ListingError::OtherNamespaces { .. })));
    assert_eq!(check("d@x", OTHER, now), Ok(()));
    assert_eq!(check("d@x", OTHER, at("2026-12-31T23:59:59Z")), Ok(()));
    assert_eq!(check("d@x", OTHER, at("2026-01-01T00:00:00Z")), Ok(()));
    assert!(matches!(check("d@x", OTHER, at("2025-12-31T23:59:59Z")), Err(ListingError::NotYetValid { .. })));
    assert!(check("d@x", OTHER, at("2027-06-01T00:00:00Z")).is_err());
    assert_eq!(check("d@x", OTHER, at("2028-06-01T00:00:00Z")), Ok(()));
    assert_eq!(signers.principals_of(&key_of(KEY)), ["a@x", "b@x"]);
    assert!(signers.knows("c@x") && !signers.knows("x"));
}

#[test]
fn an_ended_key_says_so() {
    let (signers, _) = Signers::parse(&format!("a valid-before=\"20260101Z\" {KEY}\na namespaces=\"git\" {KEY}"));
    let error = signers.check("a", &key_of(KEY), at("2026-06-01T00:00:00Z")).unwrap_err();
    assert!(matches!(error, ListingError::NoLongerValid { .. }), "{error}");
    assert!(error.to_string().contains("2026-01-01"));
}

#[test]
fn a_key_with_two_owners_is_noted_and_counts() {
    let (signers, issues) = Signers::parse(&format!("a {KEY}\na {KEY}\nb {KEY}\n"));
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert_eq!((issues[0].line, issues[0].kind), (3, IssueKind::Note));
    assert!(signers.check("b", &key_of(KEY), Timestamp::UNIX_EPOCH).is_ok());
}

#[test]
fn every_void_line_says_why() {
    let rsa_2048 = include_str!("rsa2048.pub").trim();
    for (line, word) in [
        (format!("* {KEY}"), "wildcard"),
        (format!("a?@x {KEY}"), "wildcard"),
        (format!("a@x,!b@x {KEY}"), "wildcard"),
        (format!("a cert-authority {KEY}"), "cert-authority"),
        (format!("a cert-authority,namespaces=\"x\" {KEY}"), "cert-authority"),
        (format!("a valid-after=\"20260101\" {KEY}"), "no `Z`"),
        (format!("a valid-after=\"2026010112\" {KEY}"), "no `Z`"),
        (format!("a valid-after=\"20261301Z\" {KEY}"), "is none"),
        (format!("a valid-after=\"19700101Z\" {KEY}"), "is none"),
        (format!("a valid-after=\"soon\" {KEY}"), "is none"),
        (format!("a valid-after=20260101Z {KEY}"), "quotation"),
        (format!("a valid-after=\"20270101Z\",valid-before=\"20260101Z\" {KEY}"), "not later"),
        (format!("a namespaces=\"x\",namespaces=\"y\" {KEY}"), "twice"),
        (format!("a namespaces=\"x {KEY}"), "quotation"),
        (format!("a namespaces=\"x\", {KEY}"), "not known"),
        (format!("a no-touch-required {KEY}"), "not known"),
        (format!("\"a {KEY}"), "quotation"),
        (format!("a\"b\" {KEY}"), "quotation"),
        (format!(", {KEY}"), "no principal"),
        ("a".into(), "no key"),
        ("a ssh-ed25519".into(), "no key"),
        ("a namespaces=\"x\"".into(), "no key"),
        ("a ssh-ed25519 AAAA".into(), "damaged"),
        ("a ssh-ed25519 !!!!".into(), "damaged"),
        (format!("a {}", KEY.replace("ssh-ed25519", "ssh-rsa")), "another type"),
        (format!("a {}", KEY.replace("7u4w", "")), "damaged"),
        ("a ssh-dss AAAAB3NzaC1kc3M=".into(), "can never approve"),
        (format!("a {rsa_2048}"), "2048 bits"),
    ] {
        let issue = one_issue(&line);
        assert!(issue.message.contains(word), "{line}: {}", issue.message);
        assert!(!issue.mend.is_empty());
    }
    assert_eq!(one_issue(&format!("{}a", " ".repeat(MAX_TEXT))).line, 1);
}

#[test]
fn quoted_principals_may_hold_spaces() {
    let (signers, issues) = Signers::parse(&format!("\"li wei,b\" {KEY}"));
    assert!(signers.check("li wei", &key_of(KEY), Timestamp::UNIX_EPOCH).is_ok(), "{issues:?}");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\PC|\n|\"|,|=|\\\\){0,200}") {
        let _ = Signers::parse(&text);
        let _ = Signers::parse(&format!("a {text} {KEY}"));
        let _ = Signers::parse(&format!("a valid-after=\"{text}Z\" {KEY}"));
    }

    #[test]
    fn a_line_more_never_takes_a_right_away(text in "(\\PC|\"|,|=){0,80}") {
        let (signers, _) = Signers::parse(&format!("a {KEY}\n{text}\n"));
        prop_assert!(signers.check("a", &key_of(KEY), Timestamp::UNIX_EPOCH).is_ok());
    }
}

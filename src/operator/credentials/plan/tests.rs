//! When a token is minted, and which of the older ones stay.

use serde_json::{Value, json};

use super::*;
use crate::api::v1alpha1::AccessGrantSpec;
use crate::judge::facts::{Key, Site};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn grant(serial: &str) -> Grant {
    let spec: AccessGrantSpec = serde_json::from_value(json!({
        "serial": serial, "decision": "Approved",
        "requestRef": {"namespace": "tax", "name": "deed", "digest": format!("sha256:{}", "1".repeat(64))},
        "resourceRef": {"name": "ownership", "digest": format!("sha256:{}", "2".repeat(64))},
        "provider": {"contact": "sun", "phone": "1", "email": "s@x.example", "office": "1"},
        "fields": ["owner"], "operations": ["by-id"],
        "notBefore": "2026-11-01T00:00:00Z", "notAfter": "2027-03-01T00:00:00Z",
        "credential": {"rotateEvery": "30d", "overlap": "48h"},
    }))
    .unwrap();
    let site = Site { name: "test".into(), time_zone: jiff::tz::TimeZone::UTC };
    Grant::read(Key::new("n", "g"), &spec, &site).unwrap()
}

fn hash(id: &str, serial: &str, from: &str, until: &str) -> CredentialHash {
    CredentialHash {
        id: id.to_owned(),
        serial: Some(serial.to_owned()),
        sha256: id.repeat(64),
        not_before: from.to_owned(),
        not_after: until.to_owned(),
        asked: None,
        request_uid: Some("u-1".to_owned()),
    }
}

/// The plan in short: why, and which stay until when.
fn planned(hashes: &[CredentialHash], held: &str, asked: Option<&str>, now: &str) -> Value {
    planned_for("u-1", hashes, held, asked, now)
}

fn planned_for(request: &str, hashes: &[CredentialHash], held: &str, asked: Option<&str>, now: &str) -> Value {
    match plan(hashes, &grant("S-1"), Some(request), asked, |hash| hash.id == held, at(now)) {
        Plan::Keep { next } => json!({"next": next.map(|at| at.to_string())}),
        Plan::Mint { keep, why } => {
            let kept: Vec<_> = keep.iter().map(|hash| format!("{} {}", hash.id, hash.not_after)).collect();
            json!({"why": format!("{why:?}"), "keep": kept})
        }
    }
}

#[test]
fn a_token_is_minted_when_there_is_none_for_this_decision() {
    let now = "2026-11-10T00:00:00Z";
    let first = json!({"why": "First", "keep": []});
    assert_eq!(planned(&[], "", None, now), first);
    let old = [hash("a", "S-0", "2026-11-05T00:00:00Z", "2026-12-07T00:00:00Z")];
    assert_eq!(planned(&old, "a", None, now), first, "of another decision");
    let over = [hash("a", "S-1", "2026-09-05T00:00:00Z", "2026-11-09T00:00:00Z")];
    assert_eq!(planned(&over, "a", None, now), first, "out of time");
    let mut unnamed = hash("a", "S-1", "2026-11-05T00:00:00Z", "2026-12-07T00:00:00Z");
    unnamed.serial = None;
    assert_eq!(planned(&[unnamed], "a", None, now), first, "we always say for which");
}

#[test]
fn it_is_kept_until_it_is_due_and_the_old_one_stays_for_its_overlap() {
    let one = [hash("a", "S-1", "2026-11-05T00:00:00Z", "2026-12-07T00:00:00Z")];
    assert_eq!(planned(&one, "a", None, "2026-12-04T23:59:59Z"), json!({"next": "2026-12-05T00:00:00Z"}));
    let due = json!({"why": "Due", "keep": ["a 2026-12-07T00:00:00Z"]});
    assert_eq!(planned(&one, "a", None, "2026-12-05T00:00:00Z"), due);
    let last = [hash("z", "S-1", "2027-02-05T00:00:00Z", "2027-03-01T00:00:00Z")];
    assert_eq!(
        planned(&last, "z", None, "2027-02-28T00:00:00Z"),
        json!({"next": null}),
        "the last one ends with its grant"
    );
}

#[test]
fn what_was_never_handed_over_is_replaced_and_what_the_consumer_holds_is_not() {
    let two = [
        hash("a", "S-1", "2026-11-05T00:00:00Z", "2026-12-07T00:00:00Z"),
        hash("b", "S-1", "2026-12-05T00:00:00Z", "2027-01-06T00:00:00Z"),
    ];
    let now = "2026-12-05T00:00:01Z";
    // died between the hashes and the Secret: the consumer has the old one
    assert_eq!(planned(&two, "a", None, now), json!({"why": "Lost", "keep": ["a 2026-12-07T00:00:00Z"]}));
    assert_eq!(planned(&two[1..], "", None, now), json!({"why": "Lost", "keep": []}));
    assert_eq!(planned(&two, "b", None, now), json!({"next": "2027-01-04T00:00:00Z"}));
}

#[test]
fn who_asks_gets_one_and_the_overlap_begins() {
    let mut one = [hash("a", "S-1", "2026-11-05T00:00:00Z", "2026-12-07T00:00:00Z")];
    let now = "2026-11-10T00:00:00Z";
    let asked = json!({"why": "Asked", "keep": ["a 2026-11-12T00:00:00Z"]});
    assert_eq!(planned(&one, "a", Some("x"), now), asked);
    one[0].asked = Some("x".to_owned());
    assert_eq!(planned(&one, "a", Some("x"), now), json!({"next": "2026-12-05T00:00:00Z"}), "once");
    assert_eq!(
        planned(&one, "a", None, now),
        json!({"next": "2026-12-05T00:00:00Z"}),
        "taking it back asks for nothing"
    );
    assert_eq!(planned(&one, "a", Some("y"), now), asked);
    // whoever asks again and again does not fill the status
    let many: Vec<_> = (0..8u8)
        .map(|n| hash(&char::from(b'a' + n).to_string(), "S-1", "2026-11-05T00:00:00Z", "2026-12-07T00:00:00Z"))
        .collect();
    let kept = planned(&many, "h", Some("y"), now);
    assert_eq!(kept["keep"].as_array().unwrap().len(), 3, "{kept}");
}

#[test]
fn a_request_that_is_back_gets_another_token_and_the_one_before_keeps_its_time() {
    let now = "2026-11-10T00:00:00Z";
    let all = [
        hash("a", "S-1", "2026-10-20T00:00:00Z", "2026-11-12T00:00:00Z"),
        hash("b", "S-1", "2026-11-05T00:00:00Z", "2026-12-07T00:00:00Z"),
    ];
    let both = json!({"why": "Returned", "keep": ["a 2026-11-12T00:00:00Z", "b 2026-12-07T00:00:00Z"]});
    assert_eq!(planned_for("u-2", &all, "", None, now), both);
    // a Secret that somebody threw away, and its token with it
    let lost = json!({"why": "Lost", "keep": ["a 2026-11-12T00:00:00Z"]});
    assert_eq!(planned_for("u-1", &all, "", None, now), lost);
    let held = json!({"next": "2026-12-05T00:00:00Z"});
    assert_eq!(planned_for("u-2", &all, "b", None, now), held, "it came back sooner than its Secret went");
    // written by who did not know of requests
    let mut unknown = all.clone();
    unknown[1].request_uid = None;
    assert_eq!(planned_for("u-2", &unknown, "", None, now), lost);
}

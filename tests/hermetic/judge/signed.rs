//! Which signatures count: by whose key, when, in which role, and how many people that makes.

use datashare::judge::reason::Reason;
use serde_json::json;

use super::world::{Approver, Scene, judged, signers, signers_of};

const DIRECTOR: (&str, u8, &str) = ("director@jinan", 1, "");
const SHARE: (&str, u8, &str) = ("share@jinan", 2, "");
const DEPUTY: (&str, u8, &str) = ("deputy@jinan", 4, "");
const EARLY: &str = "2026-11-18T10:00:00+08:00";
const LATE: &str = "2026-11-18T11:00:00+08:00";

fn by(role: &'static str, (principal, seed, _): (&'static str, u8, &str), at: &str) -> Approver {
    Approver { role, principal, seed, at: at.to_owned() }
}

fn reason(scene: &Scene, listed: &[(&str, u8, &str)]) -> Option<Reason> {
    judged(scene, signers_of(listed)).map(|finding| finding.reason)
}

#[test]
fn the_key_must_be_that_of_the_principal_and_for_approvals() {
    let scene = Scene::new();
    assert_eq!(reason(&scene, &[DIRECTOR, SHARE]), None);
    for (listed, says) in [
        ([("director@jinan", 5, ""), SHARE], "other keys for director@jinan"),
        ([("deputy@jinan", 1, ""), SHARE], "no key for director@jinan"),
        ([("director@jinan", 1, "namespaces=\"git\" "), SHARE], "leave out approval@datashare.dev"),
    ] {
        let finding = judged(&scene, signers_of(&listed)).unwrap();
        assert_eq!(finding.reason, Reason::ApprovalInvalid, "{says}");
        assert!(finding.message.contains(says), "{}", finding.message);
    }
}

#[test]
fn the_key_must_have_been_valid_when_the_approval_was_given_whatever_it_is_now() {
    let scene = Scene::new();
    for (options, counts) in [
        ("valid-before=\"20261119Z\" ", true),
        ("valid-before=\"20261118020000Z\" ", true),
        ("valid-before=\"20261118015959Z\" ", false),
        ("valid-after=\"20261118020000Z\" ", true),
        ("valid-after=\"20261118020001Z\" ", false),
    ] {
        let found = reason(&scene, &[("director@jinan", 1, options), SHARE]);
        assert_eq!(found, (!counts).then_some(Reason::ApprovalInvalid), "{options}");
    }
}

#[test]
fn an_approval_is_not_older_than_the_day_of_the_request() {
    for (at, counts) in [("2026-11-12T00:00:00+08:00", true), ("2026-11-11T23:59:59+08:00", false)] {
        let mut scene = Scene::new();
        scene.approvals[0].at = at.to_owned();
        let found = judged(&scene, signers()).map(|finding| finding.reason);
        assert_eq!(found, (!counts).then_some(Reason::ApprovalInvalid), "{at}");
    }
}

#[test]
fn a_role_is_filled_only_by_those_whom_the_resource_lists_for_it() {
    let mut scene = Scene::new();
    scene.approvals[1] = by("DataAuthority", DEPUTY, LATE);
    let finding = judged(&scene, signers()).unwrap();
    assert_eq!(finding.reason, Reason::ApprovalInvalid);
    assert!(finding.message.contains("not listed for the role DataAuthority"), "{}", finding.message);
}

#[test]
fn one_key_does_not_speak_in_two_roles() {
    let mut scene = Scene::new();
    scene.approvals[1].seed = 1;
    let finding = judged(&scene, signers_of(&[DIRECTOR, ("share@jinan", 1, "")])).unwrap();
    assert_eq!(finding.reason, Reason::ApprovalInvalid);
    assert!(finding.message.contains("the same key has also signed"), "{}", finding.message);
}

#[test]
fn one_person_does_not_speak_in_two_roles_whatever_the_key() {
    let mut scene = Scene::new();
    scene.resource["approval"][1]["principals"] = json!(["director@jinan"]);
    let second = ("director@jinan", 5, "");
    scene.approvals[1] = by("DataAuthority", second, LATE);
    let finding = judged(&scene, signers_of(&[DIRECTOR, second])).unwrap();
    assert_eq!(finding.reason, Reason::ApprovalInvalid);
    assert!(finding.message.contains("has also signed as DataAuthority"), "{}", finding.message);
}

#[test]
fn a_denial_needs_one_valid_signature_of_any_approving_role() {
    let denied = |approvals: &[Approver]| {
        let mut scene = Scene::new();
        scene.terms = json!({"serial": "S-1", "decision": "Denied", "reason": "too much"});
        scene.approvals = approvals.to_vec();
        judged(&scene, signers()).map(|finding| finding.reason)
    };
    assert_eq!(denied(&[by("Provider", DIRECTOR, EARLY)]), Some(Reason::Denied));
    assert_eq!(denied(&[by("DataAuthority", SHARE, EARLY)]), Some(Reason::Denied));
    assert_eq!(denied(&[]), Some(Reason::Pending), "nobody has decided");
    assert_eq!(denied(&[by("Provider", ("director@jinan", 9, ""), EARLY)]), Some(Reason::Pending), "not their key");
    assert_eq!(denied(&[by("DataAuthority", DEPUTY, EARLY)]), Some(Reason::Pending), "not their role");
}

#[test]
fn a_signature_that_proves_nothing_spoils_nobody_elses() {
    // anybody can write a name down; only a key that speaks for it counts against its owner
    let mut scene = Scene::new();
    scene.approvals.push(by("DataAuthority", ("director@jinan", 9, ""), LATE));
    assert_eq!(judged(&scene, signers()), None);
}

/// A resource that two people must approve as Provider, signed by these.
fn two_of(approvals: &[Approver]) -> Scene {
    let mut scene = Scene::new();
    scene.resource["approval"][0]["threshold"] = json!(2);
    scene.approvals = approvals.iter().cloned().chain([by("DataAuthority", SHARE, LATE)]).collect();
    scene
}

#[test]
fn a_threshold_counts_people_with_keys_of_their_own() {
    let second = ("director@jinan", 5, "");
    let shared = ("deputy@jinan", 1, "");
    let all = [DIRECTOR, second, DEPUTY, shared, SHARE];
    let provider = |who, at| by("Provider", who, at);
    let pending = Some(Reason::Pending);
    for (approvals, expected, why) in [
        (vec![provider(DIRECTOR, EARLY)], pending, "one of two"),
        (vec![provider(DIRECTOR, EARLY), provider(DEPUTY, LATE)], None, "two people, two keys"),
        (vec![provider(DIRECTOR, EARLY), provider(DIRECTOR, LATE)], pending, "one person twice"),
        (vec![provider(DIRECTOR, EARLY), provider(second, LATE)], pending, "one person with two keys"),
        (vec![provider(DIRECTOR, EARLY), provider(shared, LATE)], pending, "two names, one key"),
        (vec![provider(DIRECTOR, EARLY), provider(second, LATE), provider(shared, LATE)], None, "a key for each"),
    ] {
        assert_eq!(reason(&two_of(&approvals), &all), expected, "{why}");
    }
}

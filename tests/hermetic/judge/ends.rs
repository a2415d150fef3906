//! What ends for good stays ended, whatever is deleted, brought back or copied; and who is barred.

use datashare::judge::facts::Key;
use datashare::judge::index::{Change, Index, Standing};
use datashare::judge::ledger::LedgerEntry;
use datashare::judge::reason::Reason;
use datashare::judge::refusal::Code;
use serde_json::{Value, json};

use super::world::{
    Approver, PROVIDER, SYSTEM, Scene, UNIT, apply, apply_at, ask, ask_as, at, flush, flush_at, now, revocation,
    signers, site,
};

fn reason(index: &Index, key: &Key) -> Option<Reason> {
    match index.standing(key, now()).unwrap() {
        Standing::Serves => None,
        Standing::Refused(finding) => Some(finding.reason),
    }
}

/// Deleted and brought back, and copied: nothing opens. Then the same after a restart.
fn stays_ended(mut index: Index, scene: &Scene, expected: Reason) {
    let copy = Scene { name: "copy".to_owned(), ..scene.clone() };
    apply(&mut index, Change::GrantGone(scene.key()));
    apply(&mut index, Change::from(scene.grant()));
    assert_eq!(reason(&index, &scene.key()), Some(expected));
    apply(&mut index, Change::GrantGone(scene.key()));
    apply(&mut index, Change::from(copy.grant()));
    assert_eq!(reason(&index, &copy.key()), Some(expected));

    let mut ledger = datashare::judge::ledger::Ledger::default();
    for entry in index.ledger().compact(now()) {
        ledger.take(&entry);
    }
    let mut restarted = Index::new(site(), signers(), ledger);
    let effects = restarted.load(scene.changes(), now());
    flush(&mut restarted, effects);
    assert_eq!(reason(&restarted, &scene.key()), Some(expected));
}

#[test]
fn a_revoked_grant_stays_ended_without_its_revocation() {
    let scene = Scene::new();
    let mut index = scene.serving();
    apply(&mut index, Change::Revocation(revocation("r", &json!({"grant": {"serial": "S-1"}}), None)));
    assert_eq!(ask(&index), Err(Code::GrantRevoked));
    apply(&mut index, Change::RevocationGone(Key::new(PROVIDER, "r")));
    assert_eq!(ask(&index), Err(Code::GrantRevoked));
    stays_ended(index, &scene, Reason::Revoked);
}

#[test]
fn an_expired_grant_stays_ended_when_the_clock_goes_back() {
    let scene = Scene::new();
    let mut index = scene.serving();
    let end = at("2027-10-31T00:00:00+08:00");
    assert_eq!(ask_as(&index, None, end), Err(Code::GrantExpired), "before the timer fires");
    let effects = index.settle(end);
    assert!(effects.changed.contains(&scene.key()));
    flush_at(&mut index, effects, end);
    stays_ended(index, &scene, Reason::Expired);
}

#[test]
fn the_old_grant_serves_until_the_new_one_is_enforced_then_never() {
    let old = Scene::new();
    let mut index = old.serving();
    let mut new = Scene::new().with_serial("deed-tax-2", "S-2");
    new.terms["supersedes"] = "S-1".into();
    let effects = index.apply(Change::from(new.grant()), now());
    assert_eq!(ask(&index), Ok(()), "not on disk yet");
    assert_eq!(reason(&index, &new.key()), Some(Reason::Enforcing));
    assert!(effects.ledger.iter().any(|e| matches!(e, LedgerEntry::Ended { .. })));
    flush(&mut index, effects);
    assert_eq!(ask(&index), Err(Code::GrantSuperseded));
    assert_eq!(reason(&index, &new.key()), None);
    apply(&mut index, Change::GrantGone(new.key()));
    assert_eq!(ask(&index), Err(Code::GrantSuperseded), "present or not");
    stays_ended(index, &old, Reason::Superseded);
}

#[test]
fn a_pending_successor_leaves_the_old_grant_serving() {
    let mut index = Scene::new().serving();
    let mut new = Scene::new().with_serial("deed-tax-2", "S-2");
    new.terms["supersedes"] = "S-1".into();
    new.approvals.truncate(1);
    apply(&mut index, Change::from(new.grant()));
    assert_eq!(ask(&index), Ok(()));
}

#[test]
fn supersedes_is_refused_for_a_known_grant_of_another_kind_and_free_for_an_unknown_one() {
    let edits: [fn(&mut Value); 2] = [
        |r| r["applicant"]["unit"]["code"] = "11370100DEM000217N".into(),
        |r| r["applicant"]["system"]["name"] = "another".into(),
    ];
    for edit in edits {
        let mut index = Scene::new().serving();
        let mut new = Scene::new().with_serial("deed-tax-2", "S-2");
        new.terms["supersedes"] = "S-1".into();
        edit(&mut new.request);
        apply(&mut index, Change::from(new.request_as("other")));
        apply(&mut index, Change::from(new.grant_for("other")));
        assert_eq!(reason(&index, &new.key()), Some(Reason::SupersedesOther));
        assert_eq!(ask(&index), Ok(()));
    }
    let mut free = Scene::new();
    free.terms["supersedes"] = "S-unknown".into();
    free.serving();
}

#[test]
fn a_scope_that_becomes_known_late_still_counts() {
    // the older grant is gone before its serial is on disk: only the ledger tells its scope
    let old = Scene::new();
    let mut index = Index::new(site(), signers(), datashare::judge::ledger::Ledger::default());
    let late = index.load(old.changes(), now());
    index.apply(Change::GrantGone(old.key()), now());
    let mut new = Scene::new().with_serial("deed-tax-2", "S-2");
    new.terms["supersedes"] = "S-1".into();
    new.request["applicant"]["system"]["name"] = "another".into();
    apply(&mut index, Change::from(new.request_as("other")));
    index.apply(Change::from(new.grant_for("other")), now());
    assert_eq!(reason(&index, &new.key()), Some(Reason::Enforcing));
    flush(&mut index, late);
    assert_eq!(reason(&index, &new.key()), Some(Reason::SupersedesOther));
}

fn bars() -> [(Value, Option<&'static str>, Code); 4] {
    [
        (json!({"unit": {"code": UNIT}}), None, Code::UnitRevoked),
        (json!({"system": {"unitCode": UNIT, "name": SYSTEM}}), None, Code::SystemRevoked),
        (json!({"person": {"id": "p-1"}}), Some("p-1"), Code::PersonRevoked),
        (json!({"person": {"id": "p-1", "unitCode": UNIT}}), Some("p-1"), Code::PersonRevoked),
    ]
}

#[test]
fn bars_close_and_lifted_ones_open_only_what_is_signed_later() {
    for (target, user, code) in bars() {
        let old = Scene::new();
        let mut index = old.serving();
        apply(&mut index, Change::Revocation(revocation("r", &target, None)));
        assert_eq!(ask_as(&index, user, now()), Err(code));
        if user.is_some() {
            assert_eq!(ask_as(&index, Some("p-2"), now()), Ok(()), "another person");
        }
        apply(&mut index, Change::RevocationGone(Key::new(PROVIDER, "r")));
        assert_eq!(ask_as(&index, user, now()), Err(code), "signed before the bar was lifted");

        let later = at("2026-11-26T00:00:00+08:00");
        let mut new = Scene::new().with_serial("deed-tax-2", "S-2");
        new.approvals[0] = Approver::new("Provider", "director@jinan", "2026-11-25T10:00:00+08:00");
        apply_at(&mut index, Change::from(new.grant()), later);
        let key = [(super::world::TOKEN, super::world::credential())];
        index.add_credentials(&new.key(), &"S-2".into(), key);
        assert_eq!(ask_as(&index, user, later), Err(code), "one of its signatures is older");
        new.approvals[1] = Approver::new("DataAuthority", "share@jinan", "2026-11-25T11:00:00+08:00");
        apply_at(&mut index, Change::from(new.grant()), later);
        assert_eq!(ask_as(&index, user, later), Ok(()));
    }
}

#[test]
fn a_narrowed_bar_closes_only_its_resources_and_an_edit_keeps_what_it_closed() {
    let (target, user, code) = bars().into_iter().next().unwrap();
    let mut index = Scene::new().serving();
    apply(&mut index, Change::Revocation(revocation("r", &target, Some(&["marriages"]))));
    assert_eq!(ask_as(&index, user, now()), Ok(()));
    apply(&mut index, Change::Revocation(revocation("r", &target, Some(&["ownership"]))));
    assert_eq!(ask_as(&index, user, now()), Err(code));
    apply(&mut index, Change::Revocation(revocation("r", &target, Some(&["marriages"]))));
    assert_eq!(ask_as(&index, user, now()), Err(code), "an edit is a deletion and a new Revocation");
    assert_eq!(index.ledger().bars().filter(|(_, record)| record.lifted.is_none()).count(), 1);
}

#[test]
fn the_same_revocation_again_changes_nothing() {
    // a receipt is no part of what a Revocation closes, so filing one is no edit
    let (target, ..) = bars().into_iter().next().unwrap();
    let mut index = Scene::new().serving();
    apply(&mut index, Change::Revocation(revocation("r", &target, None)));
    let again = index.apply(Change::Revocation(revocation("r", &target, None)), now());
    assert!(again.ledger.is_empty() && again.changed.is_empty());
}

#[test]
fn a_revocation_removed_while_nobody_looked_is_lifted_when_that_is_noticed() {
    let (target, _, code) = bars().into_iter().next().unwrap();
    let mut index = Scene::new().serving();
    apply(&mut index, Change::Revocation(revocation("r", &target, None)));
    let mut restarted = Index::new(site(), signers(), index.ledger().clone());
    let effects = restarted.load(Scene::new().changes(), now());
    flush(&mut restarted, effects);
    let effects = restarted.notice_absent(now());
    assert!(matches!(effects.ledger.as_slice(), [LedgerEntry::Lifted { .. }]));
    assert_eq!(reason(&restarted, &Scene::new().key()), Some(Reason::UnitRevoked), "{code:?}");
}

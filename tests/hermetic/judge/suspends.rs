//! Absence suspends, and exactly what was signed serves again; serials, credentials and time.

use datashare::judge::index::{Change, Index, Standing};
use datashare::judge::ledger::Ledger;
use datashare::judge::reason::Reason;
use datashare::judge::refusal::Code;

use super::world::{
    Approver, Scene, apply, apply_at, ask, ask_as, at, flush_at, now, signers, signers_without, site, suspended,
};

#[test]
fn absence_suspends_and_return_serves_with_the_same_token() {
    let scene = Scene::new();
    let mut index = scene.serving();
    apply(&mut index, Change::RequestGone(Scene::request_key()));
    assert_eq!(ask(&index), Err(Code::GrantSuspended));
    apply(&mut index, Change::from(scene.request()));
    assert_eq!(ask(&index), Ok(()));
    apply(&mut index, Change::ResourceGone(Scene::resource_key()));
    assert_eq!(ask(&index), Err(Code::GrantSuspended));
    apply(&mut index, Change::Resource(scene.resource()));
    assert_eq!(ask(&index), Ok(()));
    apply(&mut index, Change::GrantGone(scene.key()));
    assert_eq!(ask(&index), Err(Code::CredentialInvalid));
    apply(&mut index, Change::from(scene.grant()));
    assert_eq!(ask(&index), Ok(()));
}

#[test]
fn a_removed_signer_suspends_every_approval_ever_given() {
    let mut index = Scene::new().serving();
    apply(&mut index, Change::Signers(signers_without(&["share@jinan"])));
    assert_eq!(ask(&index), Err(Code::GrantSuspended));
    apply(&mut index, Change::Signers(signers()));
    assert_eq!(ask(&index), Ok(()));
}

#[test]
fn a_changed_slice_suspends_and_another_field_disturbs_nobody() {
    let scene = Scene::new();
    let mut index = scene.serving();
    let mut edited = scene.clone();
    edited.resource["fields"][2]["path"] = "$.data[*].moved".into();
    edited.resource["interface"]["upstream"]["url"] = "https://elsewhere.example/v2".into();
    apply(&mut index, Change::Resource(edited.resource()));
    assert_eq!(ask(&index), Ok(()), "not granted, or the provider's own business");
    edited.resource["fields"][1]["path"] = "$.data[*].moved2".into();
    apply(&mut index, Change::Resource(edited.resource()));
    assert_eq!(ask(&index), Err(Code::GrantSuspended));
    apply(&mut index, Change::Resource(scene.resource()));
    assert_eq!(ask(&index), Ok(()));
}

#[test]
fn a_serial_belongs_to_the_first_terms_enforced_under_it() {
    let scene = Scene::new();
    let mut index = scene.serving();
    let mut other = scene.clone();
    other.terms["fields"] = serde_json::json!(["owner"]);
    apply(&mut index, Change::from(other.grant()));
    assert!(
        matches!(index.standing(&scene.key(), now()), Some(Standing::Refused(f)) if f.reason == Reason::SerialTaken)
    );
    apply(&mut index, Change::from(scene.grant()));
    assert_eq!(ask(&index), Ok(()));
}

#[test]
fn two_fully_signed_grants_of_one_serial_are_both_refused() {
    let scene = Scene::new();
    let mut index = scene.serving();
    let mut copy = scene.clone().with_serial("copy", "S-1");
    copy.approvals.truncate(1);
    apply(&mut index, Change::from(copy.grant()));
    assert_eq!(ask(&index), Ok(()), "a copy that is not fully signed stops nobody");
    apply(&mut index, Change::from(scene.clone().with_serial("copy", "S-1").grant()));
    for key in [scene.key(), copy.key()] {
        let standing = index.standing(&key, now());
        assert!(matches!(standing, Some(Standing::Refused(f)) if f.reason == Reason::SerialAmbiguous), "{key}");
    }
    apply(&mut index, Change::GrantGone(copy.key()));
    assert_eq!(ask(&index), Ok(()));
}

#[test]
fn a_new_decision_under_the_same_name_does_not_accept_the_old_token() {
    let scene = Scene::new();
    let mut index = scene.serving();
    apply(&mut index, Change::from(scene.with_serial("deed-tax", "S-2").grant()));
    assert_eq!(ask(&index), Err(Code::CredentialInvalid));
}

#[test]
fn a_credential_has_its_own_time() {
    let scene = Scene::new();
    let mut index = scene.serving();
    let mut short = super::world::credential();
    short.not_after = at("2026-12-01T00:00:00Z");
    index.add_credentials(&scene.key(), &"S-1".into(), [(super::world::TOKEN, short)]);
    assert_eq!(ask_as(&index, None, at("2026-11-30T23:59:59Z")), Ok(()));
    assert_eq!(ask_as(&index, None, at("2026-12-01T00:00:00Z")), Err(Code::CredentialExpired));
    assert_eq!(ask_as(&index, None, at("2026-11-19T00:00:00Z")), Err(Code::CredentialExpired));
}

#[test]
fn time_opens_what_was_signed_for_later() {
    let opened = |scene: &Scene, moment: &str, before: Reason| {
        let mut index = Scene::new().serving();
        apply(&mut index, Change::GrantGone(Scene::new().key()));
        apply(&mut index, Change::from(scene.grant()));
        let closed = index.standing(&scene.key(), now());
        assert!(matches!(closed, Some(Standing::Refused(f)) if f.reason == before));
        assert_eq!(index.next_due(), Some(at(moment)));
        let effects = index.settle(at(moment));
        super::world::flush_at(&mut index, effects, at(moment));
        assert_eq!(index.standing(&scene.key(), at(moment)), Some(Standing::Serves));
    };
    let mut later = Scene::new().with_serial("later", "S-3");
    later.terms["notBefore"] = "2026-12-01T00:00:00+08:00".into();
    opened(&later, "2026-12-01T00:00:00+08:00", Reason::NotYetValid);
    let mut ahead = Scene::new().with_serial("ahead", "S-4");
    ahead.approvals[1] = Approver::new("DataAuthority", "share@jinan", "2026-11-25T10:00:00+08:00");
    opened(&ahead, "2026-11-25T10:00:00+08:00", Reason::ApprovalInvalid);
}

#[test]
fn who_received_the_request_or_signs_for_two_roles_does_not_count() {
    let flawed = |edit: fn(&mut Scene)| {
        let mut scene = Scene::new();
        edit(&mut scene);
        let mut index = Scene::new().serving();
        apply_at(&mut index, Change::Resource(scene.resource()), now());
        apply_at(&mut index, Change::from(scene.grant()), now());
        let standing = index.standing(&scene.key(), now());
        assert!(matches!(standing, Some(Standing::Refused(f)) if f.reason == Reason::ApprovalInvalid));
    };
    flawed(|s| {
        s.resource["approval"][0]["principals"] = serde_json::json!(["intake@jinan"]);
        s.approvals[0] = Approver::new("Provider", "intake@jinan", "2026-11-18T10:00:00+08:00");
    });
    flawed(|s| {
        s.resource["approval"][1]["principals"] = serde_json::json!(["director@jinan"]);
        s.approvals[1] = Approver::new("DataAuthority", "director@jinan", "2026-11-19T10:00:00+08:00");
    });
    flawed(|s| s.approvals[0] = Approver::new("Provider", "director@jinan", "2026-11-11T10:00:00+08:00"));
}

#[test]
fn an_inspection_suspends_until_an_approver_has_signed_once_more() {
    let scene = Scene::new();
    let mut index = scene.serving();
    let objected = at("2026-11-24T11:00:00+08:00");
    let effects = index.record(&[suspended(objected)], now());
    assert!(effects.changed.contains(&scene.key()));
    assert_eq!(ask(&index), Err(Code::GrantSuspended));
    let reason = |index: &Index| match index.standing(&scene.key(), now()) {
        Some(Standing::Refused(finding)) => Some(finding.reason),
        _ => None,
    };
    assert_eq!(reason(&index), Some(Reason::Suspended));

    // neither a signature of before nor one of somebody who may not approve clears it
    let with = |role, principal, time: &str| {
        let mut scene = scene.clone();
        scene.approvals.push(Approver::new(role, principal, time));
        scene.grant()
    };
    apply(&mut index, Change::from(with("Provider", "director@jinan", "2026-11-24T10:59:59+08:00")));
    assert_eq!(reason(&index), Some(Reason::Suspended));
    apply(&mut index, Change::from(with("Provider", "intake@jinan", "2026-11-24T11:30:00+08:00")));
    assert_eq!(reason(&index), Some(Reason::Suspended));
    let cleared = with("Provider", "director@jinan", "2026-11-24T11:30:00+08:00");
    apply(&mut index, Change::from(cleared.clone()));
    assert_eq!(ask(&index), Ok(()));

    // who takes the clearance away takes it back, and the next objection needs another one
    apply(&mut index, Change::from(scene.grant()));
    assert_eq!(reason(&index), Some(Reason::Suspended));
    apply(&mut index, Change::from(cleared));
    index.record(&[suspended(at("2026-11-24T11:45:00+08:00"))], now());
    assert_eq!(reason(&index), Some(Reason::Suspended));
    // an older one that arrives later changes nothing
    index.record(&[suspended(at("2026-11-24T09:00:00+08:00"))], now());
    assert!(matches!(index.standing(&scene.key(), now()), Some(Standing::Refused(f)) if f.message.contains("03:45")));

    // and what is remembered of it is the same after a restart
    let compact = index.ledger().compact(now());
    let text: Vec<String> = compact.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    let mut ledger = Ledger::default();
    for line in &text {
        let entry = serde_json::from_str(line).unwrap();
        assert!(!ledger.holds(&entry), "{line}");
        ledger.take(&entry);
        assert!(ledger.holds(&entry), "{line}");
    }
    let mut again = Index::new(site(), signers(), ledger);
    let effects = again.load(scene.changes(), now());
    flush_at(&mut again, effects, now());
    assert_eq!(reason(&again), Some(Reason::Suspended));
}

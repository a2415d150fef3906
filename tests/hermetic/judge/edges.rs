//! The rules between objects at their edges: the last moment that fits, the member that does not count.

use datashare::approval::canonical::Digest;
use datashare::judge::facts::Key;
use datashare::judge::index::{Change, Index, Standing};
use datashare::judge::ledger::{Cause, Ledger, LedgerEntry, Scope};
use datashare::judge::permit::Call;
use datashare::judge::reason::Reason;
use datashare::judge::refusal::Code;
use serde_json::{Value, json};

use super::world::{
    PROVIDER, SYSTEM, Scene, TOKEN, UNIT, apply, ask, ask_as, at, judged, now, revocation, signers, site,
};

fn reason(edit: impl FnOnce(&mut Scene)) -> Option<Reason> {
    let mut scene = Scene::new();
    edit(&mut scene);
    judged(&scene, signers()).map(|finding| finding.reason)
}

#[test]
fn a_grant_lasts_to_the_end_of_the_last_day_asked_for_at_the_site() {
    let ends = |until: &str| {
        reason(|s| {
            s.request["notAfter"] = "2027-10-30".into();
            s.terms["notAfter"] = until.into();
        })
    };
    assert_eq!(ends("2027-10-31T00:00:00+08:00"), None);
    assert_eq!(ends("2027-10-30T16:00:00Z"), None);
    assert_eq!(ends("2027-10-31T00:00:01+08:00"), Some(Reason::OutlivesRequest));
}

#[test]
fn a_resource_of_the_same_name_elsewhere_is_another() {
    let elsewhere = reason(|s| s.request["resourceRef"]["namespace"] = "elsewhere".into());
    assert_eq!(elsewhere, Some(Reason::ResourceMismatch));
}

#[test]
fn consent_or_a_legal_basis_is_needed_in_the_grant_itself() {
    let without = |s: &mut Scene| s.terms["requires"] = json!({"user": true});
    let missing = Some(Reason::ConsentMissing);
    assert_eq!(reason(without), missing);
    let of_resource = reason(|s| {
        without(s);
        s.resource["requires"] = json!({"consent": true});
    });
    assert_eq!(of_resource, missing, "what the resource asks is not signed");
    let secret = reason(|s| {
        without(s);
        s.resource["fields"][0]["class"] = "BusinessSecret".into();
    });
    assert_eq!(secret, missing);
    let basis = reason(|s| {
        without(s);
        s.terms["legalBasis"] = "law".into();
    });
    assert_eq!(basis, None);
    let plain = reason(|s| {
        without(s);
        s.terms["fields"] = json!(["use"]);
    });
    assert_eq!(plain, None, "asked for and not granted");
}

#[test]
fn a_call_meets_what_the_grant_asks_and_what_the_resource_asks() {
    let mut scene = Scene::new();
    scene.resource["requires"] = json!({"case": true});
    scene.terms["requires"] = json!({"consent": true, "case": false});
    let index = scene.serving();
    let holder = index.identify(&TOKEN, None, now()).unwrap();
    let source = "10.0.0.1".parse().unwrap();
    let bare = Call { source, operation: Some(0), user: None, case: None, consent: None };
    let refused = |call: &Call<'_>| holder.permit(call).err().map(|refusal| refusal.code);
    assert_eq!(refused(&Call { consent: Some("k"), ..bare }), Some(Code::CaseRequired));
    assert_eq!(refused(&Call { case: Some("c"), ..bare }), Some(Code::ConsentRequired));
    assert_eq!(refused(&Call { case: Some("c"), consent: Some("k"), ..bare }), None);
}

#[test]
fn a_foreign_developer_with_its_approval_is_no_obstacle() {
    let developer = |more: Value| {
        reason(|s| {
            let mut all = json!({"name": "abroad", "code": UNIT});
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            s.request["applicant"]["developer"] = all;
        })
    };
    assert_eq!(developer(json!({"foreign": true})), Some(Reason::DeveloperUnapproved));
    assert_eq!(developer(json!({"foreign": true, "approvalNumber": " "})), Some(Reason::DeveloperUnapproved));
    assert_eq!(developer(json!({"foreign": true, "approvalNumber": "7"})), None);
    assert_eq!(developer(json!({"foreign": false})), None);
}

#[test]
fn operations_are_granted_in_interface_mode_and_only_then() {
    let file = |operations: Value| {
        reason(|s| {
            s.resource["files"] = json!({"store": "s3://bucket"});
            s.resource["channel"]["exception"] = json!({"reason": "r"});
            s.request["mode"] = "File".into();
            s.request.as_object_mut().unwrap().remove("operations");
            s.terms["operations"] = operations;
        })
    };
    assert_eq!(file(json!([])), None);
    assert_eq!(file(json!(["by-unit"])), Some(Reason::OperationsMissing));
}

#[test]
fn a_revocation_acts_in_its_own_namespace_and_on_the_resources_it_names() {
    let targets = [
        json!({"grant": {"serial": "S-1"}}),
        json!({"unit": {"code": UNIT}}),
        json!({"system": {"unitCode": UNIT, "name": SYSTEM}}),
        json!({"person": {"id": "p-1"}}),
    ];
    for target in targets {
        let open = |index: &Index| ask_as(index, Some("p-1"), now());
        let mut index = Scene::new().serving();
        let mut foreign = revocation("foreign", &target, None);
        foreign.key = Key::new("elsewhere", "foreign");
        apply(&mut index, Change::Revocation(foreign));
        apply(&mut index, Change::Revocation(revocation("narrow", &target, Some(&["marriages"]))));
        assert_eq!(open(&index), Ok(()), "{target}");
        apply(&mut index, Change::Revocation(revocation("own", &target, Some(&["ownership"]))));
        assert!(open(&index).is_err(), "{target}");
    }
}

#[test]
fn a_person_is_barred_in_the_unit_that_is_named_and_no_other() {
    let mut index = Scene::new().serving();
    let elsewhere = json!({"person": {"id": "p-1", "unitCode": "11370100DEM000217N"}});
    apply(&mut index, Change::Revocation(revocation("r", &elsewhere, None)));
    assert_eq!(ask_as(&index, Some("p-1"), now()), Ok(()));
}

#[test]
fn a_serial_may_be_revoked_before_its_grant_is_there() {
    let scene = Scene::new();
    let mut index = Index::new(site(), signers(), Ledger::default());
    apply(&mut index, Change::Revocation(revocation("r", &json!({"grant": {"serial": "S-1"}}), None)));
    apply(&mut index, Change::RevocationGone(Key::new(PROVIDER, "r")));
    let effects = index.load(scene.changes(), now());
    assert!(effects.ledger.is_empty(), "{:?}", effects.ledger);
    assert!(matches!(index.standing(&scene.key(), now()), Some(Standing::Refused(f)) if f.reason == Reason::Revoked));
}

#[test]
fn a_revocation_is_felt_by_the_next_call() {
    let mut index = Scene::new().serving();
    index.apply(Change::Revocation(revocation("r", &json!({"grant": {"serial": "S-1"}}), None)), now());
    assert!(ask(&index).is_err(), "not only when the fact is on disk");
}

#[test]
fn of_two_facts_about_one_serial_the_first_stands() {
    // a journal may be read in several copies
    let fact = |serial: &str, digest: &[u8]| LedgerEntry::Enforced {
        namespace: PROVIDER.into(),
        serial: serial.into(),
        digest: Digest::of(digest),
        scope: Scope { resource: "ownership".into(), unit: UNIT.into(), system: SYSTEM.into() },
        not_after: at("2027-10-31T00:00:00+08:00"),
        at: now(),
    };
    let mut ledger = Ledger::default();
    for one in [fact("S-1", b"first"), fact("S-1", b"second"), fact("S-2", b"third")] {
        ledger.take(&one);
    }
    let (digest, ..) = ledger.serial(&PROVIDER.into(), &"S-1".into()).unwrap().enforced.clone().unwrap();
    assert_eq!(digest, Digest::of(b"first"));
}

#[test]
fn what_has_ended_is_remembered_until_it_would_have_expired_and_no_longer() {
    let end = at("2027-10-31T00:00:00+08:00");
    let mut ledger = Ledger::default();
    let (namespace, serial) = (PROVIDER.into(), "S-1".into());
    ledger.take(&LedgerEntry::Enforced {
        namespace,
        serial,
        digest: Scene::new().grant().terms,
        scope: Scope { resource: "ownership".into(), unit: UNIT.into(), system: SYSTEM.into() },
        not_after: end,
        at: now(),
    });
    ledger.take(&LedgerEntry::Ended {
        namespace: PROVIDER.into(),
        serial: "S-1".into(),
        cause: Cause::Revoked,
        digest: None,
        scope: None,
        resources: None,
        by: "r".into(),
        at: now(),
    });
    assert_eq!(ledger.compact(at("2027-10-30T23:59:59+08:00")).len(), 2);
    assert!(ledger.compact(end).is_empty());
}

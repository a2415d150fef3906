//! Each check but `OutsideApproval`: what it finds, with grant, receipt and clause, and what it lets pass.

use datashare::api::v1alpha1::audit_policy::Check;
use datashare::audit::Onward;
use datashare::judge::facts::Key;
use datashare::judge::index::Change;
use datashare::judge::permit::Credential;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Case, person, set};
use crate::judge::world::{PROVIDER, apply, at, now, revocation};

const MONDAY_NOON: &str = "2026-11-23T12:00:00+08:00";

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count * 24)
}

#[test]
fn personal_data_without_consent_is_found_with_grant_receipt_and_clause() {
    let mut case = Case::of(Check::ConsentMissing);
    case.call(MONDAY_NOON, |_| {}).call(MONDAY_NOON, set("fields", json!(["use"])));
    case.call(MONDAY_NOON, set("outcome", "failed")).call(MONDAY_NOON, set("event", "refusal"));
    case.call("2026-11-10T12:00:00+08:00", set("consent", Value::Null));
    assert_eq!(case.said(), [""; 0], "named, not personal, not released, or inspected before");
    case.call(MONDAY_NOON, set("consent", Value::Null)).call(MONDAY_NOON, set("consent", " "));
    let [found] = case.findings().try_into().unwrap();
    assert_eq!((found.check, found.clause, found.count), (Check::ConsentMissing, "B3", 2));
    assert_eq!(found.receipts, ["guard-0/5", "guard-0/6"]);
    assert_eq!(found.resource.as_deref(), Some("registration/ownership"));
    let grant = found.grant.unwrap();
    assert_eq!((grant.name.as_str(), grant.serial.as_str(), &grant.digest), ("deed-tax", "S-1", &case.digest));
    assert!(found.message.en.starts_with("2 releases") && found.message.zh.starts_with("2 次"));
}

#[test]
fn a_legal_basis_needs_no_consent_and_another_policys_resource_is_not_looked_at() {
    let mut case = Case::with(Check::ConsentMissing, |scene| {
        scene.terms["requires"] = json!({"consent": false});
        scene.terms["legalBasis"] = json!("law");
    });
    case.call(MONDAY_NOON, set("consent", Value::Null));
    assert_eq!(case.said(), [""; 0]);
    let mut other = Case::of(Check::ConsentMissing);
    other.call(MONDAY_NOON, set("consent", Value::Null));
    other.order.policy = Key::new(PROVIDER, "another");
    assert_eq!((other.said().len(), other.inspect().entries), (0, 0));
}

#[test]
fn a_resource_that_is_gone_or_is_no_policys_is_inspected_by_every_policy() {
    let seen = |edit: &dyn Fn(&mut Case)| {
        let mut case = Case::of(Check::OutsideApproval);
        case.call(MONDAY_NOON, |_| {}).call(MONDAY_NOON, set("fields", json!(["owner", "area"])));
        case.order.policy = Key::new(PROVIDER, "another");
        edit(&mut case);
        (case.inspect().entries, case.said().len())
    };
    assert_eq!(seen(&|_| {}), (0, 0), "it is the other policy's");
    assert_eq!(seen(&|case| case.policies.clear()), (2, 1), "that policy is not there");
    assert_eq!(seen(&|case| case.order.policy = Key::new("tax", "another")), (0, 0), "of another namespace");
    let absent = |case: &mut Case| {
        let key = Key::new(PROVIDER, "ownership");
        assert!(case.index.resource(&key).is_some());
        apply(&mut case.index, Change::ResourceGone(key));
    };
    assert_eq!(seen(&absent), (2, 1), "whose it was nobody can say");
    let mut nobodys = Case::with(Check::OutsideApproval, |scene| {
        scene.resource.as_object_mut().unwrap().remove("auditPolicyRef");
    });
    nobodys.call(MONDAY_NOON, |_| {}).call(MONDAY_NOON, set("fields", json!(["owner", "area"])));
    assert_eq!((nobodys.inspect().entries, nobodys.said().len()), (2, 1));
}

#[test]
fn what_inspections_say_is_not_counted_as_inspected() {
    let mut case = Case::of(Check::OutsideApproval);
    case.call(MONDAY_NOON, |_| {}).call(MONDAY_NOON, set("event", "refusal"));
    case.call(MONDAY_NOON, set("event", "inspection"));
    assert_eq!(case.inspect().entries, 2);
}

#[test]
fn by_place_everything_since_is_inspected_whatever_its_time_and_nothing_before() {
    let mut case = Case::of(Check::OutsideApproval);
    let last = case.order.until - SignedDuration::from_secs(10);
    case.order.until = last;
    for time in [MONDAY_NOON, "2026-12-24T12:00:00+08:00", "2026-11-01T12:00:00+08:00", MONDAY_NOON] {
        case.call(time, |_| {});
    }
    let found = |case: &Case| (case.inspect().entries, case.inspect().next);
    assert_eq!(found(&case), (2, None), "by time");
    let from = |index| Some(Onward { stream: "guard-0".to_owned(), index });
    case.onward = from(1);
    assert_eq!(found(&case), (3, Some(4)));
    // one of the last moments waits, and with it what is recorded after it
    case.call_at(last + SignedDuration::from_secs(1), |_| {}).call_at(last, |_| {});
    assert_eq!(found(&case), (4, Some(4)));
    case.onward = from(4);
    assert_eq!(found(&case), (1, Some(4)));
    case.order.until = now();
    assert_eq!(found(&case), (2, Some(6)));
    case.onward = from(6);
    assert_eq!(found(&case), (0, Some(6)));
    // other streams have no place here
    case.call(MONDAY_NOON, set("stream", "guard-1"));
    assert_eq!(found(&case), (1, Some(6)));
}

#[test]
fn a_grant_that_nobody_uses_is_found_once_the_record_reaches_back() {
    let mut case = Case::with(Check::UnusedGrant, |scene| {
        scene.request["date"] = json!("2026-06-01");
        scene.terms["notBefore"] = json!("2026-07-01T00:00:00+08:00");
        scene.terms["notAfter"] = json!("2027-06-30T00:00:00+08:00");
    });
    let ledger = case.index.ledger();
    let enforced = ledger.serial(&PROVIDER.into(), &"S-1".into()).unwrap().enforced_at.unwrap();
    case.oldest = Some(at("2026-07-01T00:00:00Z"));
    // the judge of this test saw it first just now
    assert_eq!((enforced, case.said().len()), (now(), 0));
    case.order.now = now() + days(90) - SignedDuration::from_secs(1);
    assert_eq!(case.said(), [""; 0]);
    case.order.now = now() + days(90);
    let [found] = case.findings().try_into().unwrap();
    assert_eq!((found.clause, found.count, found.receipts.len()), ("4.2.5", 1, 0));
    assert_eq!(found.message.en, "never used since 2026-11-24; if it is not needed, end it");
    case.oldest = Some(now() + days(1));
    assert_eq!(case.said(), [""; 0], "what was before this record nobody knows");
    case.last_used.insert(case.scene.key(), now() + days(20));
    assert_eq!(case.said(), [""; 0]);
    case.order.now = now() + days(111);
    assert!(case.said()[0].starts_with("last used on 2026-12-14"), "{:?}", case.said());
    apply(&mut case.index, Change::GrantGone(case.scene.key()));
    assert_eq!(case.said(), [""; 0], "it serves nobody");
}

/// Ten ordinary days: two users, ten people each a day.
fn ordinary(case: &mut Case) {
    for day in 0..10 {
        for number in 0..20 {
            let time = at("2026-11-02T10:00:00+08:00") + days(day) + SignedDuration::from_secs(number * 30);
            case.call_at(time, |entry| {
                entry["user"] = json!(format!("p-{}", number % 2));
                person(entry, usize::try_from(day * 100 + number).unwrap());
            });
        }
    }
}

fn look_up(case: &mut Case, user: &str, people: usize, from: &str) {
    for number in 0..people {
        let time = at(from) + SignedDuration::from_secs(i64::try_from(number).unwrap());
        case.call_at(time, |entry| {
            entry["user"] = json!(user);
            person(entry, 10_000 + number);
        });
    }
}

#[test]
fn far_more_people_than_is_usual_for_the_grant_are_a_harvest() {
    let mut case = Case::of(Check::BulkHarvest);
    ordinary(&mut case);
    look_up(&mut case, "p-1", 40, "2026-11-20T09:00:00+08:00");
    assert_eq!(case.said(), [""; 0], "four times what is usual is not yet far above");
    look_up(&mut case, "p-7", 41, "2026-11-23T09:00:00+08:00");
    let [found] = case.findings().try_into().unwrap();
    assert_eq!((found.clause, found.user.as_deref(), found.count), ("B4", Some("p-7"), 41));
    assert_eq!(found.receipts.len(), 10);
    assert!(found.message.en.contains("41 different subjects on 2026-11-23; at most 10 are usual"), "{found:?}");
    // an hour of all users: twenty are usual
    look_up(&mut case, "p-8", 40, "2026-11-23T09:10:00+08:00");
    assert_eq!(case.findings().len(), 1, "the same people once more");
    for number in 0..81 {
        let time = at("2026-11-24T09:00:00+08:00") + SignedDuration::from_secs(number);
        case.call_at(time, |entry| {
            entry["user"] = json!(format!("u-{number}"));
            person(entry, 50_000 + usize::try_from(number).unwrap());
        });
    }
    let said = case.said();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[1].starts_with("81 different subjects were looked up in the hour from 2026-11-24 09:00"), "{said:?}");
}

#[test]
fn a_harvest_that_was_found_is_not_found_again_before_there_is_a_new_call() {
    let mut case = Case::of(Check::BulkHarvest);
    ordinary(&mut case);
    look_up(&mut case, "p-7", 41, "2026-11-24T09:00:00+08:00");
    assert_eq!(case.findings().len(), 1);
    // the next inspection, while the user's day is not over
    case.order.from = at("2026-11-24T09:10:00+08:00");
    assert_eq!(case.said(), [""; 0], "somebody may have cleared it since");
    look_up(&mut case, "p-7", 42, "2026-11-24T09:20:00+08:00");
    assert_eq!(case.findings().len(), 1, "and goes on");
}

#[test]
fn one_person_a_thousand_times_is_no_harvest_and_a_list_of_all_is_one() {
    let mut case = Case::of(Check::BulkHarvest);
    ordinary(&mut case);
    for second in 0..1_000 {
        case.call_at(at(MONDAY_NOON) + SignedDuration::from_secs(second), |_| {});
    }
    assert_eq!(case.said(), [""; 0]);
    case.call("2026-11-23T15:00:00+08:00", |entry| {
        entry["parameters"] = json!({});
        entry["items"] = json!(5_000);
    });
    let said = case.said();
    assert!(said.iter().any(|said| said.starts_with("user p-1 looked up 5001 different")), "{said:?}");
}

#[test]
fn what_names_nobody_counts_as_many_as_it_answers_and_each_of_it_once() {
    let mut case = Case::of(Check::BulkHarvest);
    let mut ask = |street: &str, items: u32| {
        case.call(MONDAY_NOON, |entry| {
            entry["parameters"] = json!({"street": street});
            entry["items"] = json!(items);
        });
        case.said()
    };
    assert_eq!(ask("a", 150), [""; 0]);
    assert_eq!(ask("a", 150), [""; 0], "the same once more");
    assert_eq!(ask("b", 50), [""; 0]);
    let said = ask("nobody lives here", 0);
    assert!(said[0].starts_with("user p-1 looked up 201 different"), "{said:?}");
    // of one who is named all are of one
    let mut case = Case::of(Check::BulkHarvest);
    case.call(MONDAY_NOON, set("items", 5_000));
    assert_eq!(case.said(), [""; 0]);
}

#[test]
fn without_a_past_only_very_many_are_a_harvest() {
    let mut case = Case::of(Check::BulkHarvest);
    look_up(&mut case, "p-1", 200, MONDAY_NOON);
    assert_eq!(case.said(), [""; 0]);
    look_up(&mut case, "p-2", 201, MONDAY_NOON);
    let said = case.said();
    assert!(said.iter().all(|said| said.contains("201") && said.contains("too little past")), "{said:?}");
    assert_eq!(said.len(), 2, "{said:?}");
}

#[test]
fn nights_and_weekends_are_found_unless_they_are_usual() {
    let mut case = Case::of(Check::OffHours);
    for time in ["2026-11-23T07:00:00+08:00", "2026-11-20T19:59:59+08:00", "2026-11-24T10:00:00+08:00"] {
        case.call(time, |_| {});
    }
    assert_eq!(case.said(), [""; 0]);
    for time in ["2026-11-23T06:59:59+08:00", "2026-11-20T20:00:00+08:00", "2026-11-22T12:00:00+08:00"] {
        case.call(time, |_| {});
    }
    case.call("2026-11-21T12:00:00+08:00", set("user", Value::Null));
    let found = case.findings();
    let seen: Vec<_> = found.iter().map(|one| (one.user.as_deref(), one.count, one.clause)).collect();
    assert_eq!(seen, [(None, 1, "4.2.9"), (Some("p-1"), 3, "4.2.9")]);
    assert_eq!(found[1].receipts, ["guard-0/4", "guard-0/5", "guard-0/3"], "in the order of time");
    // a kiosk: one call in twenty was at night before
    for number in 0..20 {
        let hour = if number == 0 { 3 } else { 11 };
        let day = at("2026-11-09T00:00:00+08:00") + days(number % 5);
        case.call_at(day + SignedDuration::from_hours(hour), |_| {});
    }
    assert_eq!(case.said(), [""; 0]);
    let last = case.entries.len() - 20;
    case.entries.remove(last);
    assert_eq!(case.said().len(), 2, "nineteen calls are no past");
}

fn token(begins: &str, rotate_by: &str) -> Credential {
    let (not_before, rotate_by): (Timestamp, Timestamp) = (at(begins), at(rotate_by));
    Credential { id: "c".into(), not_before, not_after: rotate_by + days(1), rotate_by }
}

#[test]
fn a_credential_that_was_not_changed_is_found() {
    let mut case = Case::of(Check::RotationOverdue);
    let known = case.scene.serving();
    assert!(known.newest_token(&case.scene.key()).is_some());
    assert_eq!(case.said(), [""; 0], "the last token of a grant ends with it");
    let late = token("2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z");
    case.index.add_credentials(&case.scene.key(), &"S-1".into(), [([8; 32], late)]);
    let [found] = case.findings().try_into().unwrap();
    assert_eq!((found.clause, found.grant.unwrap().serial.as_str()), ("B2", "S-1"));
    assert_eq!(found.message.en, "its credential was to be changed on 2026-11-23 and was not");
    case.order.now = at("2026-11-23T01:00:00Z");
    assert_eq!(case.said(), [""; 0], "an hour of grace");
    case.order.now = now();
    let fresh = token("2026-11-23T00:00:00Z", "2027-02-21T00:00:00Z");
    case.index.add_credentials(&case.scene.key(), &"S-1".into(), [([9; 32], fresh)]);
    assert_eq!(case.said(), [""; 0]);
}

fn recall(case: &mut Case, name: &str, target: &Value, receipt: bool) {
    let mut spec = json!({
        "target": target, "clause": "B6", "reason": "leak", "decidedBy": "registration",
        "decidedAt": "2026-11-20T10:00:00+08:00", "recall": {"due": "2026-11-23", "what": "Destroy"},
    });
    if receipt {
        let at = "2026-11-22T10:00:00+08:00";
        spec["receipt"] = json!({"uri": "https://x.example", "sha256": "4".repeat(64), "signedBy": "a", "at": at});
    }
    apply(&mut case.index, Change::Revocation(revocation(name, target, None)));
    let spec = serde_json::from_value(spec).unwrap();
    case.revocations.insert(Key::new(PROVIDER, name), std::sync::Arc::new(spec));
}

#[test]
fn data_that_did_not_come_back_is_found_under_the_grants_it_was_taken() {
    let mut case = Case::of(Check::RecallOverdue);
    recall(&mut case, "back", &json!({"grant": {"serial": "S-1"}}), true);
    assert_eq!(case.said(), [""; 0], "a receipt is filed");
    recall(&mut case, "missing", &json!({"grant": {"serial": "S-1"}}), false);
    let [found] = case.findings().try_into().unwrap();
    assert_eq!((found.clause, found.grant.unwrap().serial.as_str()), ("B6", "S-1"));
    assert!(found.message.en.contains("Revocation registration/missing recalls the data by 2026-11-23"));
    case.order.now = at("2026-11-23T23:59:59+08:00");
    assert_eq!(case.said(), [""; 0], "the day is not over");
    case.order.now = now();
    recall(&mut case, "nobody", &json!({"person": {"id": "p-9"}}), false);
    let found = case.findings();
    assert_eq!(found.len(), 2);
    assert!(found.iter().any(|one| one.grant.is_none() && one.message.zh.contains("registration/nobody")));
}

#[test]
fn a_direct_line_past_its_day_is_found_with_the_grants_over_it() {
    let direct = |by: &'static str| {
        Case::with(Check::MigrationOverdue, |scene| {
            scene.resource["channel"] = json!({
                "tier": "Direct", "migration": {"to": "City", "by": by},
                "exception": {"reason": "r", "approval": {"uri": "https://x.example", "sha256": "5".repeat(64)}},
            });
        })
    };
    assert_eq!(direct("2026-11-24").said(), [""; 0]);
    let mut late = direct("2026-11-23");
    let [found] = late.findings().try_into().unwrap();
    assert_eq!((found.clause, found.grant.unwrap().serial.as_str()), ("4.1.5", "S-1"));
    assert!(found.message.en.contains("tier City by 2026-11-23"));
    apply(&mut late.index, Change::GrantGone(late.scene.key()));
    let [found] = late.findings().try_into().unwrap();
    assert_eq!((found.grant, found.resource.as_deref()), (None, Some("registration/ownership")));
}

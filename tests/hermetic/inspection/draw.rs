//! The draw: repeatable, fair, of what was released and of nothing else, and bounded.

use std::collections::BTreeSet;

use datashare::api::v1alpha1::audit_policy::Check;
use datashare::audit::inspection::{Order, Seed};
use jiff::SignedDuration;
use serde_json::json;

use super::{Case, set};
use crate::judge::world::at;

fn calls(count: i64) -> Case {
    let mut case = Case::of(Check::LogGap);
    for number in 0..count {
        case.call_at(at("2026-11-20T09:00:00+08:00") + SignedDuration::from_secs(number), |_| {});
    }
    case
}

fn drawn(case: &Case) -> Vec<String> {
    case.inspect().sample.into_iter().map(|one| one.receipt).collect()
}

#[test]
fn the_same_seed_draws_the_same_entries_whatever_their_order() {
    let mut case = calls(500);
    let first = drawn(&case);
    assert_eq!(first.len(), 10);
    case.entries.reverse();
    assert_eq!(drawn(&case), first);
    case.order.seed = Seed::new([2; 16]);
    assert_ne!(drawn(&case), first);
    case.order.seed = "01010101010101010101010101010101".parse().unwrap();
    assert_eq!(drawn(&case), first);
}

#[test]
fn every_entry_is_as_likely_as_another() {
    let mut case = calls(50);
    case.order.sample = 5;
    let mut hits = vec![0_u32; 50];
    for number in 0..400_u32 {
        let mut seed = [0; 16];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        case.order.seed = Seed::new(seed);
        for receipt in drawn(&case) {
            hits[receipt.rsplit_once('/').unwrap().1.parse::<usize>().unwrap()] += 1;
        }
    }
    // 40 are to be expected; six standard deviations leave room for none of the fifty
    assert!(hits.iter().all(|hits| (8..=76).contains(hits)), "{hits:?}");
}

#[test]
fn only_releases_of_the_inspected_time_are_drawn_and_with_what_a_unit_must_prove() {
    let mut case = calls(3);
    case.call("2026-11-20T10:00:00+08:00", set("outcome", "refused"));
    case.call("2026-11-16T10:00:00+08:00", |_| {});
    case.call("2026-11-20T10:00:00+08:00", set("resource", json!({"namespace": "other", "name": "ownership"})));
    let inspected = case.inspect();
    assert_eq!((inspected.sample.len(), inspected.entries), (3, 4));
    let one = &inspected.sample[0];
    assert_eq!(
        (one.consent.as_deref(), one.serial.as_deref(), one.user.as_deref()),
        (Some("c-1"), Some("S-1"), Some("p-1"))
    );
    case.order.sample = 0;
    assert_eq!(drawn(&case), [""; 0]);
}

#[test]
fn seeds_differ_and_without_a_list_everything_is_looked_for() {
    let seeds: BTreeSet<String> = (0..100).map(|_| Seed::draw().unwrap().to_string()).collect();
    assert_eq!(seeds.len(), 100);
    assert_eq!(Order::checks(None).len(), Check::ALL.len());
    assert_eq!(Order::checks(Some(&std::collections::BTreeMap::new())).len(), 0);
}

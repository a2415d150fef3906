//! What a guard says of its inspections: in its Lease. How the last one by each policy ended, and what is to
//! be suspended that is not in the ledger yet.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::v1alpha1::audit_policy::Check;
use crate::api::v1alpha1::status::InspectionResult;
use crate::judge::ledger::LedgerEntry;

/// Annotation of a guard's Lease.
pub const INSPECTED: &str = "datashare.dev/inspected";
/// Suspensions that are told at once; the rest follows when these are in the ledger.
const MOST: usize = 100;

/// The longest `report` of a status.
const LONGEST: usize = 1024;

/// How the last inspection by one policy ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub time: Timestamp,
    /// Findings by check.
    pub findings: BTreeMap<Check, u64>,
    /// Of its last entry, which says that it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

/// All that one guard says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectedBy {
    /// By `namespace/name` of the policy.
    pub policies: BTreeMap<String, Ended>,
    pub suspends: Vec<LedgerEntry>,
}

impl InspectedBy {
    /// Reads what [`InspectedBy::text`] wrote; nothing where it is something else. Of the ledger, a guard may say nothing
    /// but what is to be suspended.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut read: Self = serde_json::from_slice(text).ok()?;
        read.suspends.retain(|entry| matches!(entry, LedgerEntry::Suspended { .. }));
        Some(read)
    }

    /// As JSON.
    #[must_use]
    pub fn text(&self) -> String {
        let told =
            Self { policies: self.policies.clone(), suspends: self.suspends.iter().take(MOST).cloned().collect() };
        // numbers, times and texts always have a JSON form
        serde_json::to_string(&told).unwrap_or_default()
    }
}

/// What all guards together have found by one policy. Each inspects its own stream; what is in no stream, each finds alike.
#[must_use]
pub fn together<'e>(guards: impl Iterator<Item = &'e Ended>) -> Option<InspectionResult> {
    let mut newest: Option<Timestamp> = None;
    let mut findings: BTreeMap<Check, u64> = BTreeMap::new();
    let mut receipts = BTreeSet::new();
    for ended in guards {
        newest = newest.max(Some(ended.time));
        receipts.extend(ended.receipt.as_deref().filter(|receipt| is_receipt(receipt)));
        for (check, count) in &ended.findings {
            let all = findings.entry(*check).or_default();
            *all = match check {
                Check::UnusedGrant | Check::RotationOverdue | Check::RecallOverdue | Check::MigrationOverdue => {
                    (*all).max(*count)
                }
                _ => all.saturating_add(*count),
            };
        }
    }
    let count = findings.values().fold(0_u64, |all, count| all.saturating_add(*count));
    Some(InspectionResult {
        time: newest?.to_string(),
        pass: count == 0,
        findings: i64::try_from(count).unwrap_or(i64::MAX),
        report: report(receipts),
    })
}

/// The receipts, as many as a status takes.
fn report(receipts: BTreeSet<&str>) -> Option<String> {
    let mut report = String::new();
    for receipt in receipts {
        if report.len() + 1 + receipt.len() <= LONGEST {
            report.push_str(if report.is_empty() { "" } else { " " });
            report.push_str(receipt);
        }
    }
    (!report.is_empty()).then_some(report)
}

/// Whether it can be one: a guard's word goes into a status.
fn is_receipt(text: &str) -> bool {
    text.split_once('/').is_some_and(|(stream, index)| {
        let letters = stream.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        letters && !stream.is_empty() && index.parse::<u64>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::judge::ledger::Cause;

    fn ended(second: i64, findings: &[(Check, u64)]) -> Ended {
        let receipt = Some(format!("guard-{second}/{second}"));
        Ended { time: Timestamp::from_second(second).unwrap(), findings: findings.iter().copied().collect(), receipt }
    }

    fn suspended(serial: &str) -> LedgerEntry {
        LedgerEntry::Suspended {
            namespace: "jinan".into(),
            serial: serial.into(),
            check: Check::BulkHarvest,
            by: "jinan/default".into(),
            receipt: None,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn streams_add_up_and_what_is_in_none_counts_once() {
        let guards = [
            ended(10, &[(Check::BulkHarvest, 2), (Check::RecallOverdue, 3)]),
            ended(20, &[(Check::BulkHarvest, 1), (Check::RecallOverdue, 3)]),
        ];
        let result = together(guards.iter()).unwrap();
        assert_eq!((result.findings, result.pass, result.time.as_str()), (6, false, "1970-01-01T00:00:20Z"));
        assert_eq!(result.report.as_deref(), Some("guard-10/10 guard-20/20"));
        assert!(together([ended(1, &[])].iter()).unwrap().pass);
        let many: Vec<_> = (0..500).map(|second| ended(second, &[])).collect();
        assert!(together(many.iter()).unwrap().report.unwrap().len() <= LONGEST);
        let liar = Ended { receipt: Some("see http://elsewhere.example/".to_owned()), ..ended(1, &[]) };
        assert_eq!(together([liar].iter()).unwrap().report, None);
        assert_eq!(together(std::iter::empty()), None);
    }

    #[test]
    fn a_guard_can_suspend_and_nothing_else_and_not_without_bound() {
        let ends = LedgerEntry::Ended {
            namespace: "jinan".into(),
            serial: "S-1".into(),
            cause: Cause::Revoked,
            digest: None,
            scope: None,
            resources: None,
            by: "x".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        let told = InspectedBy { suspends: vec![ends, suspended("S-2")], ..InspectedBy::default() };
        assert_eq!(InspectedBy::parse(told.text().as_bytes()).unwrap().suspends, [suspended("S-2")]);
        let many = InspectedBy { suspends: vec![suspended("S-3"); 500], ..InspectedBy::default() };
        assert!(many.text().len() < 32 << 10, "an annotation has bounds");
        assert_eq!(InspectedBy::parse(many.text().as_bytes()).unwrap().suspends.len(), MOST);
    }

    proptest! {
        #[test]
        fn what_is_told_is_what_is_heard(policies in prop::collection::btree_map("[a-z]{1,8}/[a-z]{1,8}", (0_i64..4_000_000_000, 0_u64..9), 0..4), serials in prop::collection::vec("\\PC{1,20}", 0..5)) {
            let policies = policies.into_iter().map(|(policy, (second, count))| (policy, ended(second, &[(Check::LogGap, count)])));
            let told = InspectedBy { policies: policies.collect(), suspends: serials.iter().map(|serial| suspended(serial)).collect() };
            prop_assert_eq!(InspectedBy::parse(told.text().as_bytes()), Some(told));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,40}") {
            let _ = InspectedBy::parse(text.as_bytes());
        }
    }
}

//! Inspections: what each check finds and what it lets pass, that a draw can be repeated, that they come
//! on time and once, and that what they suspend stays suspended.

mod checks;
mod clock;
mod draw;
mod outside;
pub mod scheduled;
mod verified;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datashare::api::v1alpha1::RevocationSpec;
use datashare::api::v1alpha1::audit_policy::{Check, Effect};
use datashare::audit::inspection::{Beside, Facts, Finding, Inspected, Inspection, Order, Seed};
use datashare::audit::{Onward, Recorded};
use datashare::judge::facts::Key;
use datashare::judge::index::Index;
use jiff::tz::{TimeZone, offset};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::judge::world::{PROVIDER, SYSTEM, Scene, UNIT, at, now};

/// The scene under a policy, and the record of its calls.
struct Case {
    scene: Scene,
    index: Index,
    order: Order,
    entries: Vec<Recorded>,
    revocations: BTreeMap<Key, Arc<RevocationSpec>>,
    last_used: std::collections::HashMap<Key, Timestamp>,
    oldest: Option<Timestamp>,
    policies: BTreeSet<Key>,
    max_staleness: Option<SignedDuration>,
    onward: Option<Onward>,
    digest: String,
}

impl Case {
    /// Looks for one thing only, in the week before now.
    fn of(check: Check) -> Self {
        Self::with(check, |_| {})
    }

    fn with(check: Check, edit: impl FnOnce(&mut Scene)) -> Self {
        let mut scene = Scene::new();
        scene.resource["auditPolicyRef"] = json!({"name": "default"});
        edit(&mut scene);
        let order = Order {
            policy: Key::new(PROVIDER, "default"),
            from: now() - SignedDuration::from_hours(7 * 24),
            until: now(),
            now: now(),
            seed: Seed::new([1; 16]),
            sample: 10,
            checks: BTreeMap::from([(check, Effect::Report)]),
            zone: TimeZone::fixed(offset(8)),
        };
        Self {
            index: scene.serving(),
            digest: scene.grant().terms.to_string(),
            scene,
            order,
            entries: Vec::new(),
            revocations: BTreeMap::new(),
            last_used: std::collections::HashMap::new(),
            oldest: Some(now()),
            policies: [Key::new(PROVIDER, "default")].into(),
            max_staleness: Some(SignedDuration::ZERO),
            onward: None,
        }
    }

    /// A release as the guard records it, with some members changed.
    fn call(&mut self, time: &str, edit: impl FnOnce(&mut Value)) -> &mut Self {
        self.call_at(at(time), edit)
    }

    fn call_at(&mut self, time: Timestamp, edit: impl FnOnce(&mut Value)) -> &mut Self {
        let mut entry = json!({
            "v": 1, "stream": "guard-0", "index": self.entries.len(), "time": time, "event": "call",
            "grant": {"namespace": PROVIDER, "name": "deed-tax", "serial": "S-1", "digest": self.digest},
            "request": {"namespace": "tax", "name": "deed-tax"},
            "unit": {"code": UNIT, "name": "tax"}, "system": SYSTEM, "user": "p-1", "consent": "c-1",
            "source": "10.0.0.7", "resource": {"namespace": PROVIDER, "name": "ownership"}, "operation": "by-unit",
            "parameters": {"id": "hmac-sha256:00"}, "outcome": "released", "fields": ["owner", "use"], "items": 1,
        });
        edit(&mut entry);
        self.entries.push(serde_json::from_value(entry).unwrap());
        self
    }

    fn inspect(&self) -> Inspected {
        let beside = Beside {
            revocations: self.revocations.clone(),
            last_used: self.last_used.clone(),
            oldest: self.oldest,
            policies: self.policies.clone(),
            max_staleness: self.max_staleness,
            onward: self.onward.clone(),
            ..Beside::default()
        };
        let facts = Facts::gather(&self.index, &self.order.policy, beside, self.order.now);
        let mut entries = self.entries.clone();
        entries.sort_by_key(|entry| entry.time);
        let mut inspection = Inspection::new(&self.order, &facts);
        entries.iter().for_each(|entry| inspection.add(entry));
        let inspected = inspection.end(&BTreeMap::new());
        assert_eq!(inspected.pass, inspected.findings.is_empty());
        inspected
    }

    fn findings(&self) -> Vec<Finding> {
        self.inspect().findings
    }

    /// What is said of the findings, in English.
    fn said(&self) -> Vec<String> {
        self.findings().into_iter().map(|finding| finding.message.en).collect()
    }
}

/// Sets a member.
fn set(member: &'static str, value: impl Into<Value>) -> impl FnOnce(&mut Value) {
    let value = value.into();
    move |entry| entry[member] = value
}

fn person(entry: &mut Value, number: usize) {
    entry["parameters"] = json!({"id": format!("hmac-sha256:{number:064x}")});
}

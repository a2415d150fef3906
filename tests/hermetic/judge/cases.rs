//! One defect for every reason: what is wrong before signing, and what goes wrong after.

use datashare::approval::canonical::Digest;
use datashare::judge::facts::{Grant, Request, Resource};
use datashare::judge::index::{Change, Index, Standing};
use datashare::judge::ledger::{Cause, Ledger, LedgerEntry, Scope};
use datashare::judge::reason::Reason;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::world::{PROVIDER, SYSTEM, Scene, UNIT, at, now, revocation, signers, site, suspended};

pub struct Case {
    pub reason: Reason,
    /// Part of the message.
    pub says: &'static str,
    pub before: fn(&mut Scene),
    pub after: fn(&mut Built),
}

/// The world after signing.
pub struct Built {
    scene: Scene,
    resource: Option<Resource>,
    request: Option<Request>,
    grant: Grant,
    extra: Vec<Change>,
    ledger: Ledger,
    now: Timestamp,
    durable: bool,
}

impl Built {
    /// Later defects go in first, so that an earlier one is whole.
    pub fn with(defects: &[&Case]) -> Self {
        let mut scene = Scene::new();
        defects.iter().rev().for_each(|case| (case.before)(&mut scene));
        let mut built = Self {
            resource: Some(scene.resource()),
            request: Some(scene.request()),
            grant: scene.grant(),
            scene,
            extra: Vec::new(),
            ledger: Ledger::default(),
            now: now(),
            durable: true,
        };
        defects.iter().rev().for_each(|case| (case.after)(&mut built));
        built
    }

    pub fn standing(self) -> Standing {
        let key = self.grant.key.clone();
        let mut index = Index::new(site(), signers(), self.ledger);
        let objects = self.resource.map(Change::Resource).into_iter().chain(self.request.map(Change::from));
        let effects = index.load(objects.chain([Change::from(self.grant)]).chain(self.extra), self.now);
        if self.durable {
            index.record(&effects.ledger, self.now);
        }
        index.standing(&key, self.now).unwrap()
    }

    fn revoke(&mut self, target: &Value) {
        self.extra.push(Change::Revocation(revocation(&format!("r{}", self.extra.len()), target, None)));
    }

    fn enforced(&mut self, serial: &str, resource: &str) {
        let scope = Scope { resource: resource.into(), unit: UNIT.into(), system: SYSTEM.into() };
        let (namespace, digest) = (PROVIDER.into(), Digest::of(b"other terms"));
        let not_after = at("2027-10-31T00:00:00Z");
        self.ledger.take(&LedgerEntry::Enforced {
            namespace,
            serial: serial.into(),
            digest,
            scope,
            not_after,
            at: now(),
        });
    }
}

fn push(value: &mut Value, member: &str, name: &str) {
    value[member].as_array_mut().unwrap().push(name.into());
}

fn remove(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member);
}

fn as_it_was(_: &mut Scene) {}

fn nothing_else(_: &mut Built) {}

fn written(reason: Reason, says: &'static str, before: fn(&mut Scene)) -> Case {
    Case { reason, says, before, after: nothing_else }
}

fn happened(reason: Reason, says: &'static str, after: fn(&mut Built)) -> Case {
    Case { reason, says, before: as_it_was, after }
}

/// The cases, in the order of the checks.
pub fn cases() -> Vec<Case> {
    let mut all = ends();
    all.extend(references());
    all.extend(scope());
    all.extend(decisions());
    all.sort_by_key(|case| case.reason);
    all
}

fn ends() -> Vec<Case> {
    vec![
        happened(Reason::Revoked, "ended this serial for good", |b| b.revoke(&json!({"grant": {"serial": "S-1"}}))),
        happened(Reason::Superseded, "S-2 took its place", |b| {
            b.ledger.take(&LedgerEntry::Ended {
                namespace: PROVIDER.into(),
                serial: "S-1".into(),
                cause: Cause::Superseded,
                digest: None,
                scope: None,
                resources: None,
                by: "S-2".into(),
                at: now(),
            });
        }),
        happened(Reason::Expired, "file a new request", |b| b.now = at("2028-01-01T00:00:00Z")),
        written(Reason::Denied, "the decision is no", |s| {
            s.terms = json!({"serial": "S-1", "decision": "Denied", "reason": "too much"});
        }),
    ]
}

fn references() -> Vec<Case> {
    vec![
        happened(Reason::RequestMissing, "tax/deed-tax is not there; bring it back", |b| b.request = None),
        happened(Reason::RequestChanged, "not the one that was reviewed", |b| {
            let mut edited = b.scene.clone();
            edited.request["purpose"] = "another purpose".into();
            b.request = Some(edited.request());
        }),
        written(Reason::ResourceMismatch, "asks for another resource", |s| {
            s.request["resourceRef"]["name"] = "marriages".into();
        }),
        happened(Reason::ResourceMissing, "ownership is not there; bring it back", |b| b.resource = None),
        written(Reason::NotShared, "NotShared", |s| s.resource["sharing"] = "NotShared".into()),
        written(Reason::ModeNotOffered, "not given out in mode File", |s| {
            s.request["mode"] = "File".into();
            remove(&mut s.request, "operations");
            remove(&mut s.terms, "operations");
        }),
    ]
}

fn scope() -> Vec<Case> {
    vec![
        written(Reason::FieldsNotRequested, "field area was not asked for", |s| push(&mut s.terms, "fields", "area")),
        written(Reason::FieldsNotInCatalogue, "field ghost is not in the resource's catalogue", |s| {
            push(&mut s.request, "fields", "ghost");
            push(&mut s.terms, "fields", "ghost");
        }),
        written(Reason::OperationsMissing, "names operations when", |s| remove(&mut s.terms, "operations")),
        written(Reason::OperationsNotRequested, "by-owner was not asked for", |s| {
            push(&mut s.terms, "operations", "by-owner");
        }),
        written(Reason::OperationsNotOffered, "by-ghost is not offered", |s| {
            push(&mut s.request, "operations", "by-ghost");
            push(&mut s.terms, "operations", "by-ghost");
        }),
        written(Reason::UsersMissing, "must list them too", |s| {
            s.request["users"] = json!(["p-1"]);
            remove(&mut s.terms, "users");
        }),
        written(Reason::UsersNotRequested, "a granted user was not asked for", |s| {
            s.request["users"] = json!(["p-1"]);
            s.terms["users"] = json!(["p-2"]);
        }),
        happened(Reason::ResourceChanged, "what this approval means has changed", |b| {
            let mut moved = b.scene.clone();
            moved.resource["fields"][0]["path"] = "$.data[*].elsewhere".into();
            b.resource = Some(moved.resource());
        }),
        written(Reason::OutlivesRequest, "the last day asked for", |s| s.request["notAfter"] = "2027-10-29".into()),
        written(Reason::ConsentMissing, "promise 3", |s| s.terms["requires"] = json!({"consent": false})),
        written(Reason::DeveloperUnapproved, "promise 5", |s| {
            s.request["applicant"]["developer"] = json!({"name": "abroad", "code": UNIT, "foreign": true});
        }),
    ]
}

fn decisions() -> Vec<Case> {
    vec![
        written(Reason::ApprovalInvalid, "director@jinan", |s| s.approvals[0].seed = 9),
        written(Reason::Pending, "1 more as DataAuthority (from share@jinan)", |s| s.approvals.truncate(1)),
        happened(Reason::Suspended, "found BulkHarvest (receipt guard-0/7)", |b| {
            b.ledger.take(&suspended(now() - SignedDuration::from_hours(1)));
        }),
        happened(Reason::SerialTaken, "other terms were enforced", |b| b.enforced("S-1", "ownership")),
        happened(Reason::SerialAmbiguous, "copy has the same serial", |b| {
            let serial = b.scene.terms["serial"].as_str().unwrap().to_owned();
            b.extra.push(Change::from(b.scene.clone().with_serial("copy", &serial).grant()));
        }),
        Case {
            reason: Reason::SupersedesOther,
            says: "another resource, unit or system",
            before: |s| s.terms["supersedes"] = "S-0".into(),
            after: |b| b.enforced("S-0", "marriages"),
        },
        written(Reason::NotYetValid, "begins at", |s| s.terms["notBefore"] = "2026-12-01T00:00:00+08:00".into()),
        happened(Reason::Enforcing, "being written down", |b| b.durable = false),
        happened(Reason::UnitRevoked, "bars the unit", |b| b.revoke(&json!({"unit": {"code": UNIT}}))),
        happened(Reason::SystemRevoked, "bars the system", |b| {
            b.revoke(&json!({"system": {"unitCode": UNIT, "name": SYSTEM}}));
        }),
    ]
}

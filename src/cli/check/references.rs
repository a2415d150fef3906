//! What objects say of each other: references that lead nowhere, requests nobody could grant, roles
//! nobody could sign in, and days that have passed.

use jiff::Timestamp;

use super::broken::Broken;
use super::finding::Told;
use crate::api::v1alpha1::status::RecallState;
use crate::api::v1alpha1::{DataShareRequestSpec, Kind, RevocationSpec, SharedResourceSpec};
use crate::cli::world::World;
use crate::judge::facts::Key;
use crate::judge::status;
use crate::source::finding::Severity;
use crate::source::object::{Object, ObjectKey, Spec};
use crate::source::typed::nearest;

pub(super) fn findings(world: &World, object: &Object, broken: &Broken, now: Timestamp) -> Vec<Told> {
    let about = About { world, broken, id: object.key(), now };
    match &object.spec {
        Spec::SharedResource(spec) => about.resource(spec),
        Spec::DataShareRequest(spec) => about.request(spec),
        Spec::Revocation(spec) => about.revocation(spec),
        Spec::AccessGrant(_) | Spec::AuditPolicy(_) => Vec::new(),
    }
}

struct About<'a> {
    world: &'a World,
    broken: &'a Broken,
    id: ObjectKey,
    now: Timestamp,
}

impl About<'_> {
    fn told(&self, severity: Severity, code: &str, member: &str, message: String, fix: &str) -> Told {
        Told::of(severity, code, &self.id, member, message, fix)
    }

    fn missing(&self, kind: Kind, namespace: &str, name: &str, member: &str) -> Option<Told> {
        let to = ObjectKey::new(kind, namespace, name);
        if self.world.objects.contains_key(&to) {
            return None;
        }
        if let Some(told) = self.broken.told("reference-missing", &self.id, member, &to) {
            return Some(told);
        }
        let alike = self.world.objects.keys().filter(|key| key.kind() == kind && key.namespace() == namespace);
        let alike: Vec<&str> = alike.map(ObjectKey::name).collect();
        let fix = nearest(name, &alike).map_or_else(
            || "write the name of one that is there, or bring it back".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Some(self.told(Severity::Error, "reference-missing", member, format!("{to} is not there"), &fix))
    }

    fn resource(&self, spec: &SharedResourceSpec) -> Vec<Told> {
        let mut told = Vec::new();
        if let Some(policy) = &spec.audit_policy_ref {
            told.extend(self.missing(Kind::AuditPolicy, self.id.namespace(), &policy.name, "spec.auditPolicyRef.name"));
        }
        let upstream = spec.interface.as_ref().map(|interface| &interface.upstream);
        if upstream.is_some_and(|upstream| upstream.insecure == Some(true)) {
            told.push(self.told(
                Severity::Warning,
                "upstream-insecure",
                "spec.interface.upstream.insecure",
                "the upstream may be called without TLS: anyone on the way can read and change the data".into(),
                "give the upstream a certificate (`caRef` for one of your own) and remove `insecure`",
            ));
        }
        let key = Key::new(self.id.namespace(), self.id.name());
        let end = self.world.index.resource(&key).and_then(|r| status::migration_end(r, self.world.index.site()));
        if end.is_some_and(|end| self.now >= end) {
            told.push(self.told(
                Severity::Warning,
                "migration-overdue",
                "spec.channel.migration.by",
                "the direct line was to move to the exchange platform by this day (clause 4.1.5)".into(),
                "move it and set the tier, or agree on a new day",
            ));
        }
        for (position, rule) in spec.approval.iter().enumerate() {
            let signers = self.world.index.signers();
            for (at, principal) in rule.principals.iter().enumerate().filter(|(_, name)| !signers.knows(name)) {
                told.push(self.told(
                    Severity::Warning,
                    "signer-unknown",
                    &format!("spec.approval[{position}].principals[{at}]"),
                    format!("allowed_signers lists no key for {principal}, so nothing {principal} signs counts"),
                    "add a line with the principal's key to allowed_signers",
                ));
            }
        }
        told
    }

    fn request(&self, spec: &DataShareRequestSpec) -> Vec<Told> {
        let to = &spec.resource_ref;
        let mut told: Vec<Told> =
            self.missing(Kind::SharedResource, &to.namespace, &to.name, "spec.resourceRef.name").into_iter().collect();
        if let Some(earlier) = &spec.amends {
            told.extend(self.missing(Kind::DataShareRequest, self.id.namespace(), earlier, "spec.amends"));
        }
        let Some(resource) = self.world.index.resource(&Key::new(to.namespace.as_str(), to.name.as_str())) else {
            return told;
        };
        let fix = "ask for what the resource offers in a new request, or have its provider publish it";
        for (at, field) in spec.fields.iter().enumerate().filter(|(_, name)| resource.field(name).is_none()) {
            let message = format!("field {field} is not in the resource's catalogue and cannot be granted");
            told.push(self.told(
                Severity::Warning,
                "fields-not-in-catalogue",
                &format!("spec.fields[{at}]"),
                message,
                fix,
            ));
        }
        let offered: Vec<&str> =
            resource.spec.interface.iter().flat_map(|i| &i.operations).map(|o| o.name.as_str()).collect();
        let operations = spec.operations.iter().flatten().enumerate();
        for (at, operation) in operations.filter(|(_, name)| !offered.contains(&name.as_str())) {
            let message = format!("operation {operation} is not offered by the resource");
            told.push(self.told(
                Severity::Warning,
                "operations-not-offered",
                &format!("spec.operations[{at}]"),
                message,
                fix,
            ));
        }
        if !resource.offers(spec.mode) {
            let message = format!("the resource is not given out in mode {:?}", spec.mode);
            told.push(self.told(Severity::Warning, "mode-not-offered", "spec.mode", message, fix));
        }
        told
    }

    fn revocation(&self, spec: &RevocationSpec) -> Vec<Told> {
        let mut told = Vec::new();
        if let Some(target) = &spec.target.grant {
            let mut grants = self.world.index.grants();
            if !grants.any(|g| *g.key.namespace == *self.id.namespace() && *g.serial == *target.serial) {
                told.push(self.told(
                    Severity::Warning,
                    "target-unknown",
                    "spec.target.grant.serial",
                    format!("no grant here has the serial {}; a misspelt one ends nothing", target.serial),
                    "compare it with the grant's; keep it when the grant has been removed already",
                ));
            }
        }
        for (at, name) in spec.resources.iter().flatten().enumerate() {
            told.extend(
                self.missing(Kind::SharedResource, self.id.namespace(), name, &format!("spec.resources[{at}]"))
                    .map(|one| Told { severity: Severity::Warning, ..one }),
            );
        }
        if status::recall(spec, self.world.index.site(), self.now) == Some(RecallState::Overdue) {
            told.push(self.told(
                Severity::Warning,
                "recall-overdue",
                "spec.recall.due",
                "the data was to be taken back by this day, and no receipt is filed".into(),
                "add the receipt, or go after the data",
            ));
        }
        told
    }
}

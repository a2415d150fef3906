//! How each grant stands: the verdict's reason at the member it is about, and each signature that
//! does not count.

use std::sync::Arc;

use jiff::Timestamp;

use super::broken::Broken;
use super::finding::{Told, kebab};
use crate::api::v1alpha1::Kind;
use crate::cli::world::World;
use crate::judge::facts::{Grant, Key};
use crate::judge::index::{Index, Standing};
use crate::judge::reason::Reason;
use crate::judge::verdict::{Finding, Flaw};
use crate::source::finding::Severity;
use crate::source::object::{Object, ObjectKey, Spec};

pub(super) fn findings(world: &World, object: &Object, broken: &Broken, now: Timestamp) -> Vec<Told> {
    let Spec::AccessGrant(_) = object.spec else { return Vec::new() };
    let (key, id) = (Key::new(object.namespace.as_str(), object.name.as_str()), object.key());
    let (Some(grant), Some(standing)) = (world.index.grant(&key), world.index.standing(&key, now)) else {
        return Vec::new();
    };
    let reason = match &standing {
        Standing::Serves => None,
        Standing::Refused(finding) => Some(finding.reason),
    };
    let flaws = world.index.approvals(&key, now).map(|counted| counted.flaws).unwrap_or_default();
    let flaws: Vec<_> = flaws.into_iter().filter(|flaw| matters(flaw, grant, reason)).collect();
    let mut told: Vec<Told> = flaws.iter().map(|flaw| of_flaw(world, grant, &id, flaw)).collect();
    if let Standing::Refused(finding) = &standing
        && (finding.reason != Reason::ApprovalInvalid || told.is_empty())
    {
        let absent = absent(grant, finding.reason);
        let code = kebab(finding.reason.as_str());
        let member = member(&world.index, grant, finding.reason);
        let because = absent.and_then(|to| broken.told(&code, &id, &member, &to));
        told.push(because.unwrap_or_else(|| of_verdict(&id, finding, code, member)));
    }
    told
}

/// A signature whose bytes fit nothing is wrong for good. Whether a key is listed, and what it may
/// sign, matters only while the grant could serve and can be judged.
fn matters(flaw: &Flaw, grant: &Grant, reason: Option<Reason>) -> bool {
    let forged = grant.approvals.get(flaw.position).is_some_and(|signed| signed.by.is_err());
    let over = matches!(reason, Some(Reason::Expired | Reason::Revoked | Reason::Superseded));
    let blind = matches!(reason, Some(Reason::RequestMissing | Reason::ResourceMissing));
    forged || !(over || blind)
}

fn of_flaw(world: &World, grant: &Grant, id: &ObjectKey, flaw: &Flaw) -> Told {
    let forged = grant.approvals.get(flaw.position).is_some_and(|signed| signed.by.is_err());
    let (severity, code) = match (forged, flaw.future) {
        (true, _) => (Severity::Error, "signature-invalid"),
        (false, true) => (Severity::Warning, "approval-in-future"),
        (false, false) => (Severity::Error, "approval-invalid"),
    };
    let other = if forged {
        format!(
            "bring back the terms that were signed, or have them signed anew for site {} ('datashare approve')",
            world.settings.site
        )
    } else {
        "have somebody who may sign do so ('datashare approve'), and remove this one".to_owned()
    };
    let (message, fix) = if forged { (flaw.message.as_str(), None) } else { split(&flaw.message) };
    let fix = fix.map_or(other, str::to_owned);
    // a time that has not come is about the time, not the signature
    let part = if flaw.future { "approvedAt" } else { "signature" };
    Told::of(severity, code, id, format!("spec.approvals[{}].{part}", flaw.position), message, fix)
}

/// What a grant does not stand without.
fn absent(grant: &Grant, reason: Reason) -> Option<ObjectKey> {
    match reason {
        Reason::RequestMissing => {
            Some(ObjectKey::new(Kind::DataShareRequest, &grant.request.namespace, &grant.request.name))
        }
        Reason::ResourceMissing => Some(ObjectKey::new(Kind::SharedResource, &grant.key.namespace, &grant.resource)),
        _ => None,
    }
}

fn of_verdict(id: &ObjectKey, finding: &Finding, code: String, member: String) -> Told {
    let severity = match finding.reason {
        Reason::Pending
        | Reason::Expired
        | Reason::Denied
        | Reason::Revoked
        | Reason::Superseded
        | Reason::NotYetValid
        | Reason::UnitRevoked
        | Reason::SystemRevoked => Severity::Note,
        _ => Severity::Error,
    };
    let (message, fix) =
        if finding.reason == Reason::Pending { (finding.message.as_str(), None) } else { split(&finding.message) };
    let fix = fix.unwrap_or_else(|| mend(finding.reason));
    Told::of(severity, code, id, member, message, fix)
}

/// Many messages end with their mend.
fn split(message: &str) -> (&str, Option<&str>) {
    message.rsplit_once("; ").map_or((message, None), |(message, fix)| (message, Some(fix)))
}

fn mend(reason: Reason) -> &'static str {
    match reason {
        Reason::Pending => "have them signed with 'datashare approve'",
        Reason::NotShared | Reason::ModeNotOffered | Reason::FieldsNotInCatalogue | Reason::OperationsNotOffered => {
            "grant only what the resource offers, or have its provider publish it first"
        }
        Reason::FieldsNotRequested | Reason::OperationsNotRequested | Reason::UsersNotRequested => {
            "grant no more than the request names; more needs a new request"
        }
        Reason::OperationsMissing => "list operations exactly when the request's mode is Interface",
        Reason::UsersMissing => "list the users that may look, no more than the request names",
        Reason::OutlivesRequest => "let it end by that day, or ask for a new request",
        Reason::ConsentMissing => "add one of the two to the grant and have it signed",
        Reason::NotYetValid | Reason::Denied => "nothing to do",
        Reason::UnitRevoked | Reason::SystemRevoked => "nothing to do while the Revocation stands",
        Reason::Revoked | Reason::Superseded | Reason::Expired => "nothing to do; sharing again needs a new decision",
        _ => "see what the message names",
    }
}

/// The member that a reason is about.
fn member(index: &Index, grant: &Grant, reason: Reason) -> String {
    let request = index.request(&grant.request);
    let resource = index.resource(&Key::new(grant.key.namespace.clone(), grant.resource.clone()));
    let first = |list: &str, all: &[Arc<str>], known: &dyn Fn(&str) -> bool| {
        let at = all.iter().position(|name| !known(name));
        at.map_or_else(|| format!("spec.{list}"), |at| format!("spec.{list}[{at}]"))
    };
    let asked = |list: Option<&[Arc<str>]>, name: &str| list.is_none_or(|all| all.iter().any(|one| **one == *name));
    match reason {
        Reason::FieldsNotRequested => first("fields", &grant.fields, &|name| asked(request.map(|r| &*r.fields), name)),
        Reason::FieldsNotInCatalogue => {
            first("fields", &grant.fields, &|name| resource.is_none_or(|r| r.field(name).is_some()))
        }
        Reason::OperationsNotRequested => {
            first("operations", &grant.operations, &|name| asked(request.map(|r| &*r.operations), name))
        }
        Reason::OperationsNotOffered => first("operations", &grant.operations, &|name| {
            let mut offered = resource.iter().flat_map(|r| &r.spec.interface).flat_map(|i| &i.operations);
            offered.any(|operation| operation.name == name)
        }),
        Reason::UsersNotRequested => first("users", grant.users.as_deref().unwrap_or_default(), &|name| {
            asked(request.and_then(|r| r.users.as_deref()), name)
        }),
        Reason::OperationsMissing => "spec.operations".into(),
        Reason::UsersMissing => "spec.users".into(),
        Reason::RequestChanged => "spec.requestRef.digest".into(),
        Reason::RequestMissing
        | Reason::ModeNotOffered
        | Reason::DeveloperUnapproved
        | Reason::UnitRevoked
        | Reason::SystemRevoked => "spec.requestRef.name".into(),
        Reason::ResourceMissing | Reason::ResourceMismatch | Reason::NotShared => "spec.resourceRef.name".into(),
        Reason::ResourceChanged => "spec.resourceRef.digest".into(),
        Reason::OutlivesRequest | Reason::Expired => "spec.notAfter".into(),
        Reason::NotYetValid => "spec.notBefore".into(),
        Reason::ConsentMissing => "spec.requires".into(),
        Reason::ApprovalInvalid | Reason::Pending | Reason::Suspended => "spec.approvals".into(),
        Reason::SerialTaken | Reason::SerialAmbiguous | Reason::Revoked | Reason::Superseded => "spec.serial".into(),
        Reason::SupersedesOther => "spec.supersedes".into(),
        Reason::Denied => "spec.decision".into(),
        Reason::Enforcing => "spec.fields".into(),
    }
}

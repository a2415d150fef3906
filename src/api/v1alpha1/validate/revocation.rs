//! Rules of a `Revocation`.

use super::{Checks, Violation};
use crate::api::v1alpha1::revocation::Clause;
use crate::api::v1alpha1::{RevocationSpec, messages};

pub(super) fn violations(spec: &RevocationSpec) -> Vec<Violation> {
    let mut checks = Checks::default();
    let target = &spec.target;
    let named = [target.grant.is_some(), target.unit.is_some(), target.person.is_some(), target.system.is_some()];
    let one = named.into_iter().filter(|named| *named).count() == 1;
    checks.rule(one, "spec.target", messages::ONE_TARGET, "write one Revocation per target");
    if let Some(grant) = &target.grant {
        checks.serial(&grant.serial, "spec.target.grant.serial");
    }
    if let Some(unit) = &target.unit {
        checks.code(&unit.code, "spec.target.unit.code");
    }
    if let Some(person) = &target.person {
        checks.text(&person.id, "spec.target.person.id");
        if let Some(code) = &person.unit_code {
            checks.code(code, "spec.target.person.unitCode");
        }
    }
    if let Some(system) = &target.system {
        checks.code(&system.unit_code, "spec.target.system.unitCode");
        checks.text(&system.name, "spec.target.system.name");
    }
    checks.unique(spec.resources.as_deref().unwrap_or_default(), "spec.resources", messages::UNIQUE);
    checks.text(&spec.reason, "spec.reason");
    checks.text(&spec.decided_by, "spec.decidedBy");
    checks.time(&spec.decided_at, "spec.decidedAt");
    if let Some(evidence) = &spec.evidence {
        checks.sha256(&evidence.sha256, "spec.evidence.sha256");
    }
    let recalls = !matches!(spec.clause, Clause::B6 | Clause::B7) || spec.recall.is_some();
    checks.rule(recalls, "spec.recall", messages::RECALL_CLAUSE, "add 'recall: {due: \"YYYY-MM-DD\", what: Return}'");
    if let Some(recall) = &spec.recall {
        checks.date(&recall.due, "spec.recall.due");
        // 'U' follows 'T': the day is not before the one the decision's time begins with
        let ahead = spec.decided_at < format!("{}U", recall.due);
        checks.rule(ahead, "spec.recall.due", messages::RECALL_DUE, "write the day by which the data must be back");
    }
    if let Some(receipt) = &spec.receipt {
        let fix = "add 'recall: {due: \"YYYY-MM-DD\", what: Return}'";
        checks.rule(spec.recall.is_some(), "spec.receipt", messages::RECEIPT_RECALL, fix);
        checks.text(&receipt.signed_by, "spec.receipt.signedBy");
        checks.sha256(&receipt.sha256, "spec.receipt.sha256");
        checks.time(&receipt.at, "spec.receipt.at");
    }
    checks.0
}

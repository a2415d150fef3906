//! Rules of a `DataShareRequest`.

use super::{Checks, Violation, syntax};
use crate::api::v1alpha1::common::Mode;
use crate::api::v1alpha1::{DataShareRequestSpec, messages};

pub(super) fn violations(spec: &DataShareRequestSpec) -> Vec<Violation> {
    let mut checks = Checks::default();
    checks.date(&spec.date, "spec.date");
    let applicant = &spec.applicant;
    checks.text(&applicant.unit.name, "spec.applicant.unit.name");
    checks.code(&applicant.unit.code, "spec.applicant.unit.code");
    checks.text(&applicant.person, "spec.applicant.person");
    checks.text(&applicant.phone, "spec.applicant.phone");
    checks.text(&applicant.system.name, "spec.applicant.system.name");
    for (at, source) in applicant.system.sources.iter().enumerate() {
        let member = format!("spec.applicant.system.sources[{at}]");
        checks.rule(syntax::source(source), member, messages::SOURCE, "add the prefix length, as in 10.20.0.7/32");
    }
    if let Some(developer) = &applicant.developer {
        checks.text(&developer.name, "spec.applicant.developer.name");
    }
    if let Some(recipient) = &applicant.recipient {
        let fix = "paste the public key, never the private one";
        checks.rule(is_recipient(recipient), "spec.applicant.recipient", messages::RECIPIENT, fix);
    }
    checks.principal(&spec.received_by, "spec.receivedBy");
    checks.name(&spec.resource_ref.namespace, "spec.resourceRef.namespace");
    checks.name(&spec.resource_ref.name, "spec.resourceRef.name");
    checks.text(&spec.purpose, "spec.purpose");
    checks.optional_text(spec.legal_basis.as_ref(), "spec.legalBasis");
    checks.unique(&spec.fields, "spec.fields", messages::UNIQUE);
    let operations = spec.operations.as_deref().unwrap_or_default();
    checks.unique(operations, "spec.operations", messages::UNIQUE);
    checks.rule(
        (spec.mode == Mode::Interface) != operations.is_empty(),
        "spec.operations",
        messages::OPERATIONS_INTERFACE,
        "name the operations with 'mode: Interface', and leave them out otherwise",
    );
    checks.date(&spec.not_after, "spec.notAfter");
    // days so written sort as text
    let ordered = spec.not_after >= spec.date;
    checks.rule(ordered, "spec.notAfter", messages::NOT_AFTER_DATE, "write the last day the data is needed");
    checks.sha256(&spec.form.sha256, "spec.form.sha256");
    checks.sha256(&spec.commitment.sha256, "spec.commitment.sha256");
    let accepts = &spec.commitment.accepts;
    checks.rule(
        accepts.len() == 7 && syntax::unique(accepts),
        "spec.commitment.accepts",
        messages::COMMITMENTS,
        "list all seven, each once",
    );
    if let Some(amends) = &spec.amends {
        checks.name(amends, "spec.amends");
    }
    checks.0
}

fn is_recipient(text: &str) -> bool {
    if let Some(data) = text.strip_prefix("age1") {
        return data.len() == 58 && data.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    }
    let mut words = text.splitn(3, ' ');
    let known = matches!(words.next(), Some("ssh-ed25519" | "ssh-rsa"));
    let blob = words.next().unwrap_or_default();
    let body = blob.trim_end_matches('=');
    known
        && !body.is_empty()
        && blob.len() - body.len() <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
        && !words.next().is_some_and(|comment| comment.chars().any(char::is_control))
}

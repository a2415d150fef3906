//! What is wrong with `allowed_signers`.

use super::finding::Told;
use crate::approval::signers::{IssueKind, Signers};
use crate::source::directory::SIGNERS;
use crate::source::finding::Severity;

pub(super) fn findings(text: &str) -> Vec<Told> {
    let (_, issues) = Signers::parse(text);
    let told = issues.into_iter().map(|issue| {
        let (severity, code) = match issue.kind {
            IssueKind::Void => (Severity::Error, "signer-void"),
            IssueKind::Note => (Severity::Warning, "signer-doubtful"),
        };
        Told {
            severity,
            code: code.to_owned(),
            file: SIGNERS.to_owned(),
            line: u32::try_from(issue.line).unwrap_or(u32::MAX),
            kind: None,
            namespace: None,
            name: None,
            member: None,
            message: issue.message,
            fix: issue.mend.to_owned(),
        }
    });
    told.collect()
}

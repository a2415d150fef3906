//! Status of an audit policy: the streams it holds for, and how they are kept.

use std::fmt::Write;

use jiff::Timestamp;

use super::View;
use super::conditions::condition;
use crate::api::v1alpha1::status::AuditPolicyStatus;
use crate::judge::facts::Key;

/// Troubles that a message names; the rest is counted.
const NAMED: usize = 3;

impl View<'_> {
    /// Status of an audit policy.
    #[must_use]
    pub fn policy(&self, key: &Key) -> AuditPolicyStatus {
        let (reason, message) = if self.is_guarded() {
            ("InForce", "every guard records under it")
        } else {
            ("NoGuard", "no guard is running; start one")
        };
        let mut conditions = vec![condition("Ready", self.is_guarded(), reason, message, self.now)];
        let kept = &self.observed.kept;
        if kept.values().any(|kept| kept.has_archive || !kept.troubles.is_empty()) {
            let troubles = self.troubles();
            let (reason, message) = if troubles.is_empty() {
                ("Archived", "every sealed segment is in the archive".to_owned())
            } else {
                ("ArchiveFails", troubles)
            };
            conditions.push(condition("Archived", reason == "Archived", reason, &message, self.now));
        }
        // of the stream that lags most; where none does, of the first
        let through = kept.iter().filter_map(|(stream, kept)| Some((kept.lags_since, stream, kept.archived_through?)));
        let through = through.min_by_key(|(since, ..)| since.unwrap_or(Timestamp::MAX));
        AuditPolicyStatus {
            conditions: Some(conditions),
            last_inspection: self.observed.inspections.get(key).cloned(),
            streams: Some(self.observed.streams.clone()).filter(|streams| !streams.is_empty()),
            oldest_record: kept.values().filter_map(|kept| kept.oldest).min().map(|oldest| oldest.to_string()),
            archived_through: through.map(|(_, stream, index)| format!("{stream}/{index}")),
            ..AuditPolicyStatus::default()
        }
    }

    fn troubles(&self) -> String {
        let all = self.observed.kept.iter().flat_map(|(stream, kept)| {
            kept.troubles.iter().map(move |(what, message)| format!("{stream}: {what}: {message}"))
        });
        let all: Vec<String> = all.collect();
        let mut text = all.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
        if all.len() > NAMED {
            // writing into memory cannot fail
            let _ = write!(text, "; and {} more", all.len() - NAMED);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

    use super::super::{Kept, Observed};
    use super::*;
    use crate::approval::signers::Signers;
    use crate::judge::facts::Site;
    use crate::judge::index::Index;
    use crate::judge::ledger::Ledger;

    fn status(kept: [(&str, Kept); 2]) -> AuditPolicyStatus {
        let site = Site { name: "jinan".into(), time_zone: TimeZone::UTC };
        let index = Index::new(site, Signers::default(), Ledger::default());
        let kept: BTreeMap<String, Kept> = kept.into_iter().map(|(stream, kept)| (stream.to_owned(), kept)).collect();
        let observed = Observed { guards: 2, current: 2, kept, ..Observed::default() };
        View { index: &index, observed: &observed, now: Timestamp::UNIX_EPOCH }.policy(&Key::new("jinan", "keep"))
    }

    #[test]
    fn an_archive_that_fails_is_a_condition() {
        let well = Kept { has_archive: true, archived_through: Some(70), ..Kept::default() };
        let told = status([("a", well.clone()), ("b", well.clone())]);
        let archived = told.conditions.unwrap().pop().unwrap();
        assert_eq!((archived.type_.as_str(), archived.status.as_str()), ("Archived", "True"));
        assert_eq!(told.archived_through.as_deref(), Some("a/70"));

        let mut ill = Kept { lags_since: Some(Timestamp::UNIX_EPOCH), archived_through: Some(9), ..well.clone() };
        ill.oldest = Some(Timestamp::UNIX_EPOCH);
        ill.troubles.insert("s3://records".into(), "no answer".into());
        let told = status([("a", well), ("b", ill)]);
        let archived = told.conditions.unwrap().pop().unwrap();
        assert_eq!((archived.status.as_str(), archived.reason.as_str()), ("False", "ArchiveFails"));
        assert_eq!(archived.message, "b: s3://records: no answer");
        assert_eq!(told.archived_through.as_deref(), Some("b/9"));
        assert_eq!(told.oldest_record.as_deref(), Some("1970-01-01T00:00:00Z"));

        let without = status([("a", Kept::default()), ("b", Kept::default())]);
        assert_eq!((without.conditions.unwrap().len(), without.archived_through), (1, None));
    }
}

//! Status of a request: its digest, where it stands, by when it should be decided and what decided.

use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, ToSpan};

use super::View;
use super::conditions::condition;
use super::phase::{phase, rank};
use crate::api::v1alpha1::common::Reference;
use crate::api::v1alpha1::status::{DataShareRequestStatus, IssuedCredential, Phase};
use crate::judge::facts::Key;
use crate::judge::index::Standing;

/// Working days in which a request should be decided.
const WORKING_DAYS: u32 = 10;

/// The decision a request's status tells of.
struct Decision {
    grant: Key,
    phase: Phase,
    serves: bool,
    standing: Standing,
    since: Timestamp,
}

impl View<'_> {
    /// Status of a request; nothing when the judge does not have it.
    #[must_use]
    pub fn request(&self, key: &Key) -> Option<DataShareRequestStatus> {
        let request = self.index.request(key)?;
        let decision = self.decision(key);
        let over = self.now >= self.index.site().end_of(request.not_after);
        let phase = match &decision {
            Some(decision) => decision.phase,
            None if over => Phase::Expired,
            None => Phase::Pending,
        };
        let filed = self.index.site().start_of(request.date).min(self.now);
        let (serves, reason, message, since) = match &decision {
            None if over => (false, "Expired", "nobody decided in time".to_owned(), filed),
            None => (false, "Pending", "no grant decides on it yet ('datashare approve')".to_owned(), filed),
            Some(d) => match &d.standing {
                Standing::Serves if d.serves => (true, "Serving", format!("granted by {}", d.grant), d.since),
                Standing::Serves => (false, "Waiting", "granted; no guard serves it yet".to_owned(), d.since),
                Standing::Refused(finding) => (false, finding.reason.as_str(), finding.message.clone(), d.since),
            },
        };
        let live = decision.as_ref().filter(|d| d.standing == Standing::Serves).map(|d| self.live(&d.grant));
        let token = live.and_then(|live| live.last().copied().cloned());
        Some(DataShareRequestStatus {
            observed_generation: None,
            conditions: Some(vec![condition("Ready", serves, reason, &message, since)]),
            digest: Some(request.digest.to_string()),
            phase: Some(phase),
            due_by: Some(due_by(request.date).to_string()),
            grant_ref: decision
                .map(|d| Reference { namespace: d.grant.namespace.to_string(), name: d.grant.name.to_string() }),
            credential: token.map(|token| IssuedCredential {
                id: Some(token.hash.id),
                not_after: Some(token.hash.not_after),
                ..IssuedCredential::default()
            }),
        })
    }

    /// The decision that counts most: one that serves, then the newest. A namespace that does not
    /// provide the resource decides nothing.
    fn decision(&self, request: &Key) -> Option<Decision> {
        let provider = &self.index.request(request)?.resource.namespace;
        let keys = self.index.decisions(request).iter().filter(|key| key.namespace == *provider);
        let decisions = keys.filter_map(|key| {
            let grant = self.index.grant(key)?;
            let standing = self.index.standing(key, self.now)?;
            let signed = self.index.approvals(key, self.now).is_some_and(|counted| counted.enough());
            let since = grant.approvals.iter().map(|a| a.approved_at).max().unwrap_or(self.now).min(self.now);
            let (phase, serves) = (phase(&standing, signed), self.serves(key));
            Some(Decision { grant: key.clone(), phase, serves, standing, since })
        });
        decisions.max_by_key(|d| (rank(d.phase, d.standing == Standing::Serves), d.since, d.grant.clone()))
    }

    /// The newest grant that serves a request, judged by its terms alone, or what stands against the
    /// decision that counts most; nothing when there is no decision.
    #[must_use]
    pub fn deciding(&self, request: &Key) -> Option<(Key, Standing)> {
        self.decision(request).map(|decision| (decision.grant, decision.standing))
    }
}

/// Ten working days after `day`. Saturdays and Sundays do not count; public holidays are not known here.
fn due_by(day: Date) -> Date {
    let mut due = day;
    let mut left = WORKING_DAYS;
    while left > 0 {
        let Ok(next) = due.checked_add(1.day()) else { return due };
        due = next;
        if !matches!(due.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_working_days_are_two_weeks() {
        for (filed, due) in [("2026-11-02", "2026-11-16"), ("2026-11-06", "2026-11-20"), ("2026-11-07", "2026-11-20")] {
            assert_eq!(due_by(filed.parse().unwrap()).to_string(), due, "{filed}");
        }
    }
}

//! Rules of an `AuditPolicy`.

use super::{Checks, Violation, syntax};
use crate::api::v1alpha1::audit_policy::ArchiveLock;
use crate::api::v1alpha1::schedule::Schedule;
use crate::api::v1alpha1::{AuditPolicySpec, messages};

/// Floor of every record, in days (Cybersecurity Law, Art. 23(3)).
pub const FLOOR_DAYS: i64 = 184;
/// Floor of records of personal data and business secrets, in days (Network Data Security Regulations, Art. 12).
pub const PERSONAL_FLOOR_DAYS: i64 = 1_096;

/// The longest a segment may stay open.
const LONGEST_SEAL: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

pub(super) fn violations(spec: &AuditPolicySpec) -> Vec<Violation> {
    let mut checks = Checks::default();
    let period = syntax::days(&spec.retention.period);
    let holds = period.is_some_and(|days| days >= FLOOR_DAYS);
    checks.rule(holds, "spec.retention.period", messages::RETENTION_FLOOR, "write 184d or more");
    if let Some(personal) = &spec.retention.personal {
        let holds =
            syntax::days(personal).is_some_and(|days| days >= PERSONAL_FLOOR_DAYS && period.is_none_or(|p| days >= p));
        checks.rule(holds, "spec.retention.personal", messages::PERSONAL_FLOOR, "write 1096d or more");
    }
    checks.optional_text(spec.retention.legal_basis.as_ref(), "spec.retention.legalBasis");
    for (place, hold) in spec.retention.holds.iter().flatten().enumerate() {
        let member = |name: &str| format!("spec.retention.holds[{place}].{name}");
        checks.name(&hold.name, member("name"));
        checks.text(&hold.reason, member("reason"));
        checks.text(&hold.decided_by, member("decidedBy"));
        for (day, name) in [(&hold.since, "since"), (&hold.until, "until")] {
            if let Some(day) = day {
                checks.date(day, member(name));
            }
        }
    }
    if let Some(archive) = &spec.archive {
        checks.rule(syntax::store(&archive.url), "spec.archive.url", messages::ARCHIVE_URL, "write the archive's URL");
        let lockable = archive.lock.is_none_or(|lock| lock == ArchiveLock::None) || !archive.url.starts_with("file:");
        checks.rule(lockable, "spec.archive.lock", messages::LOCK_STORE, "remove lock, or archive to S3");
    }
    if let Some(age) = spec.seal.as_ref().and_then(|s| s.max_age.as_ref()) {
        checks.duration(age, "spec.seal.maxAge");
        let soon = syntax::duration(age).is_none_or(|age| age <= LONGEST_SEAL);
        checks.rule(soon, "spec.seal.maxAge", messages::SEAL_AGE, "write 24h or less");
    }
    if let Some(every) = &spec.checkpoint_every {
        let holds =
            syntax::duration(every).is_some_and(|d| (1..=3_600).contains(&d.as_secs())) && !every.ends_with('d');
        checks.rule(holds, "spec.checkpointEvery", messages::CHECKPOINT, "write 1s, or up to 1h");
    }
    if let Some(inspection) = &spec.inspection {
        checks.rule(
            Schedule::parse(&inspection.schedule, None, &jiff::tz::TimeZone::UTC).is_ok(),
            "spec.inspection.schedule",
            messages::CRON,
            "write minute, hour, day, month and weekday",
        );
        if let Some(zone) = &inspection.time_zone {
            let known = syntax::zone(zone) && jiff::tz::TimeZone::get(zone).is_ok();
            checks.rule(known, "spec.inspection.timeZone", messages::TIME_ZONE, "write the zone's IANA name");
        }
    }
    checks.0
}

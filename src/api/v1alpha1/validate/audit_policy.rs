//! Rules of an `AuditPolicy`.

use super::{Checks, Violation, syntax};
use crate::api::v1alpha1::audit_policy::ArchiveLock;
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
            cron(&inspection.schedule),
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

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A cron line of five fields, as every implementation takes it.
fn cron(line: &str) -> bool {
    let fields: [(std::ops::RangeInclusive<u32>, &[&str]); 5] =
        [(0..=59, &[]), (0..=23, &[]), (1..=31, &[]), (1..=12, &MONTHS), (0..=7, &DAYS)];
    let words: Vec<_> = line.split(' ').collect();
    words.len() == fields.len()
        && words.iter().zip(&fields).all(|(word, (range, names))| {
            let value = |text: &str| {
                let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
                let longest = if *range.end() < 10 { 1 } else { 2 };
                digits && text.len() <= longest && text.parse().is_ok_and(|number| range.contains(&number))
                    || names.contains(&text.to_ascii_lowercase().as_str())
            };
            word.split(',').all(|item| cron_item(item, value))
        })
}

fn cron_item(item: &str, value: impl Fn(&str) -> bool) -> bool {
    let (values, step) = item.split_once('/').map_or((item, None), |(values, step)| (values, Some(step)));
    let range = values.split_once('-');
    let known = values == "*" || range.map_or_else(|| value(values), |(from, to)| value(from) && value(to));
    let step = step.is_none_or(|step| {
        let number = (1..=2).contains(&step.len()) && step.bytes().all(|b| b.is_ascii_digit());
        number && !step.starts_with('0') && (values == "*" || range.is_some())
    });
    known && step
}

//! Rules of an `AuditPolicy`.

use super::{Checks, Violation, syntax};
use crate::api::v1alpha1::{AuditPolicySpec, messages};

/// Floor of every record, in days (Cybersecurity Law, Art. 23(3)).
pub const FLOOR_DAYS: i64 = 184;
/// Floor of records of personal data and business secrets, in days (Network Data Security Regulations, Art. 12).
pub const PERSONAL_FLOOR_DAYS: i64 = 1_096;

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
    if let Some(archive) = &spec.archive {
        checks.rule(archive_url(&archive.url), "spec.archive.url", messages::ARCHIVE_URL, "write the archive's URL");
    }
    if let Some(age) = spec.seal.as_ref().and_then(|s| s.max_age.as_ref()) {
        checks.duration(age, "spec.seal.maxAge");
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
            let known = jiff::tz::TimeZone::get(zone).is_ok();
            checks.rule(
                known,
                "spec.inspection.timeZone",
                "timeZone must be an IANA name, as in Asia/Shanghai",
                "write the zone's IANA name",
            );
        }
    }
    checks.0
}

fn archive_url(url: &str) -> bool {
    if let Some(rest) = url.strip_prefix("s3://") {
        let bucket = rest.split('/').next().unwrap_or_default();
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        return (3..=63).contains(&bucket.len())
            && edge(bucket.chars().next())
            && edge(bucket.chars().last())
            && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b));
    }
    url.starts_with("file:///")
}

fn cron(line: &str) -> bool {
    let letters = |extra: &'static [u8]| move |b: u8| b.is_ascii_digit() || b"*,/-".contains(&b) || extra.contains(&b);
    let words: Vec<_> = line.split(' ').collect();
    words.len() == 5
        && words.iter().enumerate().all(|(at, word)| {
            !word.is_empty()
                && match at {
                    0 | 1 => word.bytes().all(letters(b"")),
                    2 => word.bytes().all(letters(b"LW?")),
                    3 => word.bytes().all(|b| letters(b"")(b) || b.is_ascii_alphabetic()),
                    _ => word.bytes().all(|b| letters(b"#?")(b) || b.is_ascii_alphabetic()),
                }
        })
}

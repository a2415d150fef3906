//! When something is to happen: a cron line of five fields and a time zone. A line that is accepted here
//! is one that every implementation takes alike; a moment that a clock change leaves out is made up
//! right after it, and one that a clock change repeats counts once.

use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::messages;

/// The longest line, as the schema has it.
const LONGEST: usize = 128;
/// Moments of one fold of the clock that are passed over, a minute each, with room.
const FOLD: usize = 24 * 60;

/// A schedule in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// In a clock without zones: the zone is ours to apply.
    line: Crontab,
    zone: TimeZone,
}

/// A schedule that cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSchedule {
    #[error("{}", messages::CRON)]
    Line,
    #[error("`{0}` is no time zone: write the zone's IANA name, as in Asia/Shanghai")]
    Zone(String),
}

impl Schedule {
    /// Reads a line; without a name of a zone it is one of `otherwise`.
    pub fn parse(line: &str, zone: Option<&str>, otherwise: &TimeZone) -> Result<Self, BadSchedule> {
        if !is_cron(line) {
            return Err(BadSchedule::Line);
        }
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        // names of months and days are written in capitals there
        let line = cronexpr::parse_crontab_with(&line.to_ascii_uppercase(), options).map_err(|_| BadSchedule::Line)?;
        let zone = match zone {
            Some(name) => TimeZone::get(name).map_err(|_| BadSchedule::Zone(name.to_owned()))?,
            None => otherwise.clone(),
        };
        Ok(Self { line, zone })
    }

    /// The first moment after `time`; `None` for a day that no calendar has, such as 30 February.
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let here = |time: Timestamp| time.to_zoned(self.zone.clone()).datetime();
        let mut after = here(time);
        for _ in 0..FOLD {
            let clock = after.to_zoned(TimeZone::UTC).ok()?;
            // the library looks four years ahead and adds them without looking
            clock.checked_add(5.years()).ok()?;
            let next = self.line.find_next(MakeTimestamp(clock.timestamp())).ok()?;
            let next = next.datetime();
            let moment = next.to_zoned(self.zone.clone()).ok()?.timestamp();
            if moment > time {
                return Some(moment);
            }
            after = next;
        }
        None
    }

    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A cron line of five fields, as every implementation takes it.
#[must_use]
pub fn is_cron(line: &str) -> bool {
    let fields: [(std::ops::RangeInclusive<u32>, &[&str]); 5] =
        [(0..=59, &[]), (0..=23, &[]), (1..=31, &[]), (1..=12, &MONTHS), (0..=7, &DAYS)];
    if line.len() > LONGEST {
        return false;
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next(line: &str, zone: &str, after: &str) -> Option<String> {
        let schedule = Schedule::parse(line, Some(zone), &TimeZone::UTC).unwrap();
        schedule.next_after(after.parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn a_line_is_of_its_zone() {
        for (line, zone, after, due) in [
            ("0 3 * * 1", "Asia/Shanghai", "2026-11-24T04:00:00Z", "2026-11-29T19:00:00Z"),
            ("0 3 * * mon", "Asia/Shanghai", "2026-11-24T04:00:00Z", "2026-11-29T19:00:00Z"),
            ("0 3 * * 7", "UTC", "2026-11-24T04:00:00Z", "2026-11-29T03:00:00Z"),
            ("*/15 8-18/2 1,15 * *", "UTC", "2026-11-24T04:00:00Z", "2026-12-01T08:00:00Z"),
            // left out when the clock is set forward: right after it
            ("30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", "2027-03-28T01:30:00Z"),
            // repeated when it is set back: once
            ("30 2 * * *", "Europe/Berlin", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"),
        ] {
            assert_eq!(next(line, zone, after).as_deref(), Some(due), "{line} {zone}");
        }
        assert_eq!(next("0 0 30 2 *", "UTC", "2026-11-24T04:00:00Z"), None);
        assert_eq!(next("* * * * *", "UTC", "9999-01-01T00:00:00Z"), None);
    }

    #[test]
    fn without_a_name_it_is_the_sites() {
        let site = TimeZone::fixed(jiff::tz::offset(8));
        let schedule = Schedule::parse("0 3 * * 1", None, &site).unwrap();
        let due = schedule.next_after("2026-11-24T04:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(due.to_string(), "2026-11-29T19:00:00Z");
    }

    #[test]
    fn what_is_no_schedule_says_so() {
        let parse = |line: &str, zone| Schedule::parse(line, zone, &TimeZone::UTC).unwrap_err();
        for line in [
            "",
            "0 3 * *",
            "60 3 * * 1",
            "0 3 * * 1 UTC",
            "@daily",
            "H 3 * * 1",
            "0 3 L * *",
            "0 3 * * FRI#1",
            "0 20-8 * * *",
        ] {
            assert_eq!(parse(line, None), BadSchedule::Line, "{line}");
        }
        assert_eq!(parse(&format!("0 3 * * {}", "1,".repeat(100) + "1"), None), BadSchedule::Line);
        assert!(parse("0 3 * * 1", Some("Mars/Base")).to_string().contains("Mars/Base"));
    }

    proptest! {
        #[test]
        fn what_is_read_is_by_the_rules_and_comes_later_and_no_text_makes_it_panic(line in "[0-9*,/a-zA-Z -]{0,24}|[*0-9]{1,2} [*0-9]{1,2} [*0-9]{1,2} [*0-9]{1,2} [*0-9]", at in 0i64..4_000_000_000) {
            let read = Schedule::parse(&line, None, &TimeZone::UTC);
            prop_assert!(read.is_err() || is_cron(&line), "{}", line);
            if let Ok(schedule) = read {
                let time = Timestamp::from_second(at).unwrap();
                prop_assert!(schedule.next_after(time).is_none_or(|next| next > time));
            }
        }

        #[test]
        fn ranges_and_steps_are_taken_too(from in 0u8..30, to in 30u8..60, step in 1u8..30) {
            let line = format!("{from}-{to}/{step} * * 1-3 mon-sat");
            prop_assert!(Schedule::parse(&line, None, &TimeZone::UTC).is_ok(), "{}", line);
        }
    }
}

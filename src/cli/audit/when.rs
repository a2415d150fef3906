//! Times as people give them: a day, an instant, or so long ago.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Which end of a day is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Begin,
    End,
}

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time: give a day (2026-11-24), an instant (2026-11-24T08:00:00+08:00), or how long ago (90m, 24h, 7d)"
)]
pub struct BadTime(String);

/// The instant that `text` means; a day is one of `zone`.
pub fn parse(text: &str, edge: Edge, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, BadTime> {
    let bad = || BadTime(text.to_owned());
    if let Some(ago) = ago(text) {
        return now.checked_sub(ago).map_err(|_| bad());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    // a longer text could hold a time that this would drop
    let day = if text.len() == 10 { text.parse::<Date>().ok() } else { None };
    let day = match edge {
        Edge::Begin => day,
        Edge::End => day.and_then(|day| day.checked_add(1.day()).ok()),
    };
    let begin = day.and_then(|day| day.to_zoned(zone.clone()).ok());
    begin.map(|begin| begin.timestamp()).ok_or_else(bad)
}

fn ago(text: &str) -> Option<SignedDuration> {
    let mut letters = text.chars();
    let seconds = match letters.next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = letters.as_str();
    let count: i64 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some(SignedDuration::from_secs(count.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_of_the_site_and_last_to_their_end() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (text, edge, meant) in [
            ("2026-11-24", Edge::Begin, "2026-11-23T16:00:00Z"),
            ("2026-11-24", Edge::End, "2026-11-24T16:00:00Z"),
            ("2026-11-24T08:00:00+08:00", Edge::End, "2026-11-24T00:00:00Z"),
            ("24h", Edge::Begin, "2026-11-23T12:00:00Z"),
            ("7d", Edge::Begin, "2026-11-17T12:00:00Z"),
            ("90m", Edge::End, "2026-11-24T10:30:00Z"),
        ] {
            assert_eq!(parse(text, edge, &zone, now), Ok(meant.parse().unwrap()), "{text}");
        }
        for text in ["", "d", "-1d", "2026-13-01", "2026-11-24T08:00:00", "yesterday", "9999999999999999999d"] {
            assert!(parse(text, Edge::Begin, &zone, now).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_day_lasts_a_day_and_so_long_ago_is_that_long(year in 2000i16..2200, day in 0i64..365, count in 0i64..100_000) {
            let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
            let read = |text: &str, edge| parse(text, edge, &TimeZone::UTC, now).unwrap();
            let text = Date::new(year, 1, 1).unwrap().checked_add(day.days()).unwrap().to_string();
            prop_assert_eq!(read(&text, Edge::Begin).to_string(), format!("{text}T00:00:00Z"));
            prop_assert_eq!(read(&text, Edge::End).duration_since(read(&text, Edge::Begin)), SignedDuration::from_hours(24));
            let ago = format!("{count}m");
            prop_assert_eq!(now.duration_since(read(&ago, Edge::End)), SignedDuration::from_mins(count));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[0-9smhdTZ:+. -]{0,30}|\\PC{0,12}") {
            let _ = parse(&text, Edge::End, &TimeZone::UTC, Timestamp::UNIX_EPOCH);
        }
    }
}

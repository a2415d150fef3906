//! The commands on the page give what the page counts.

use datashare::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Caller, Site, call};
use crate::cli::{Ran, datashare, edit};

const CALLER: Caller<'static> = Caller { unit: "u-1", user: "p-0412", resource: "household", code: None };

/// The first command of the page after this text, as the words of a shell.
fn command(page: &str, after: &str) -> Vec<String> {
    let (_, rest) = page.split_once(after).unwrap_or_else(|| panic!("{after} is not in {page}"));
    let (_, rest) = rest.split_once("<code>datashare ").unwrap();
    let command = rest.split_once("</code>").unwrap().0;
    command.split(' ').map(str::to_owned).collect()
}

fn run(site: &Site, words: &[String], form: &str) -> Ran {
    let beside = ["--state", site.state.to_str().unwrap(), "-o", form];
    let words: Vec<&str> = words.iter().map(String::as_str).chain(beside).collect();
    datashare(site.place.path(), &words)
}

/// How many calls and refusals the command finds.
fn calls(site: &Site, words: &[String]) -> usize {
    let found = run(site, words, "json").json();
    let is_call = |entry: &&Value| entry["event"] == "call" || entry["event"] == "refusal";
    found.as_array().unwrap().iter().filter(is_call).count()
}

#[test]
fn a_query_counts_by_the_days_of_the_page() {
    let mut site = Site::new();
    // the last evening of October by UTC is November in Jinan, and the other way round at the end
    site.clock = Clock::manual("2026-10-31T17:00:00Z".parse::<Timestamp>().unwrap());
    let log = site.log();
    call(&log, &CALLER, "x");
    site.clock.advance(SignedDuration::from_hours(48));
    call(&log, &CALLER, "x");
    site.clock.advance(SignedDuration::from_hours(28 * 24));
    call(&log, &CALLER, "x");
    call(&log, &CALLER, "x");
    log.close().unwrap();
    for (zone, counted) in [("Asia/Shanghai", 2), ("UTC", 3)] {
        edit(&site.place.path().join("jinan/datashare.yaml"), "timeZone: Asia/Shanghai", &format!("timeZone: {zone}"));
        let page = site.page(&["--lang", "en"]);
        assert!(page.contains(&format!("<b>{counted}</b><span>calls released</span>")), "{zone}");
        let asked = command(&page, "By unit");
        assert!(asked.join(" ").contains("u-1"), "{asked:?}");
        assert_eq!(calls(&site, &asked), counted, "{asked:?}");
    }
}

#[test]
fn a_day_has_a_command_for_all_of_its_calls_and_an_hour_one_for_the_month() {
    let site = Site::new();
    let log = site.log();
    let refused = Caller { code: Some("user-refused"), ..CALLER };
    for number in 0..30 {
        call(&log, if number % 3 == 0 { &refused } else { &CALLER }, "x");
    }
    site.clock.advance(SignedDuration::from_hours(24));
    call(&log, &CALLER, "x");
    log.close().unwrap();
    let page = site.page(&["--lang", "en"]);
    for (at, counted) in [("id=\"day-2\"", 30), ("id=\"day-3\"", 1), ("id=\"hour-8\"", 31)] {
        let asked = command(&page, at);
        assert_eq!(calls(&site, &asked), counted, "{asked:?}");
    }
}

#[test]
fn findings_that_are_not_shown_have_a_command() {
    let site = Site::new();
    let log = site.log();
    // two at night
    site.clock.advance(SignedDuration::from_mins(17 * 60 + 30));
    for user in 0..40 {
        call(&log, &Caller { user: &format!("p-{user:04}"), ..CALLER }, "x");
    }
    log.close().unwrap();
    let page = site.page(&["--lang", "en"]);
    assert!(!page.contains("outside of office hours (user p-0039)"), "only the first ones are shown");
    let asked = command(&page, "All that the policies' checks find: ");
    assert_eq!(asked[..2], ["audit", "inspect"]);
    assert_eq!(asked[6..], ["-o", "csv"]);
    let told = run(&site, &asked[..6], "csv");
    for user in 0..40 {
        assert!(told.out.contains(&format!("outside of office hours (user p-{user:04})")), "{}", told.out);
    }
}

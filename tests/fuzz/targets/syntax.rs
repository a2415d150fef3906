//! Days, times, durations, names, digests, credit codes and addresses: what is taken is taken whole,
//! and whoever reads it later can read it.
#![no_main]

use datashare::api::v1alpha1::schedule::{Schedule, is_cron};
use datashare::api::v1alpha1::validate::syntax;
use datashare::approval::canonical::Digest;
use datashare::audit::inspection::Seed;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;

#[path = "../../../src/guard/upstream/base.rs"]
#[allow(dead_code)]
mod base;
#[path = "../../../src/cli/audit/when.rs"]
#[allow(dead_code)]
mod when;

use base::Base;
use when::Edge;

fuzz_target!(|text: &str| {
    if let Some(date) = syntax::date(text) {
        assert_eq!(date.to_string(), text);
        assert!((2000..3000).contains(&date.year()));
    }
    if let Some(time) = syntax::time(text) {
        assert_eq!(text.parse::<Timestamp>().ok(), Some(time));
        assert!(time.to_string().starts_with(['1', '2']) && text.is_ascii());
    }
    if let Some(duration) = syntax::duration(text) {
        let (number, unit) = text.split_at(text.len() - 1);
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            other => panic!("{other}"),
        };
        assert_eq!(duration, SignedDuration::from_secs(number.parse::<i64>().unwrap() * seconds));
        assert!(duration.is_positive() && std::time::Duration::try_from(duration).is_ok());
    }
    if let Some(days) = syntax::days(text) {
        assert_eq!(format!("{days}d"), text);
    }
    assert_eq!(syntax::sha256(text), format!("sha256:{text}").parse::<Digest>().is_ok());
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
    }
    if let Some(check) = syntax::credit_code_check(text) {
        let mut right: String = text.chars().take(17).collect();
        right.push(check);
        assert!(syntax::credit_code(&right), "{right}");
        assert_eq!(syntax::credit_code(text), right == text);
    } else {
        assert!(!syntax::credit_code(text));
    }
    if syntax::upstream_url(text, true)
        && let Some(base) = Base::parse(text)
    {
        assert!(!base.host.is_empty() && !base.host.contains(['@', '/', '?', '#', ' ']));
        assert_eq!(base.secure, text.starts_with("https://"));
        let plain = !base.secure && syntax::upstream_url(text, false);
        assert!(
            !plain || base.host.as_ref() == "localhost" || base.host.parse::<std::net::IpAddr>().unwrap().is_loopback()
        );
    }
    if syntax::source(text) {
        assert!(text.parse::<ipnet::IpNet>().is_ok());
    }
    if let Some(names) = syntax::placeholders(text) {
        assert!(names.iter().all(|name| syntax::field_name(name) && text.contains(&format!("/{{{name}}}"))));
        assert!(!text.contains("//") && !text.contains(['?', '#', '%', '\\']));
    }
    if syntax::dns_label(text) || syntax::secret_key(text) || syntax::field_name(text) || syntax::role(text) {
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('/') && text != "..");
    }
    if syntax::store_prefix(text) {
        let way = std::path::Path::new("/store").join(text);
        assert!(way.starts_with("/store") && !way.components().any(|part| part == std::path::Component::ParentDir));
    }
    let _ =
        (syntax::store(text), syntax::zone(text), syntax::serial(text), syntax::principal(text), syntax::visible(text));

    if let Ok(schedule) = Schedule::parse(text, None, &TimeZone::UTC) {
        assert!(is_cron(text));
        assert!(schedule.next_after(Timestamp::UNIX_EPOCH).is_none_or(|next| next > Timestamp::UNIX_EPOCH));
    }

    if let Ok(seed) = text.parse::<Seed>() {
        assert_eq!(seed.to_string(), text);
    }

    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let read = |edge| when::parse(text, edge, &TimeZone::UTC, now);
    if let (Ok(begin), Ok(end)) = (read(Edge::Begin), read(Edge::End)) {
        let day = text.len() == 10 && text.parse::<Date>().is_ok() && text.parse::<Timestamp>().is_err();
        assert_eq!(
            end.duration_since(begin),
            SignedDuration::from_hours(if day && !text.ends_with(['s', 'm', 'h', 'd']) { 24 } else { 0 })
        );
    }
});

//! Ceilings a second and a day hold, also over midnight and restarts.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::judge::facts::Site;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn site(zone: &str) -> Site {
    Site { name: "test".into(), time_zone: TimeZone::get(zone).unwrap() }
}

fn take(bucket: &mut Bucket, rate: u32, now: Timestamp) -> Option<Duration> {
    bucket.take(rate, now).err()
}

#[test]
fn a_burst_is_one_seconds_worth_and_refills_evenly() {
    let start = at("2026-11-24T00:00:00Z");
    let mut bucket = Bucket::default();
    for _ in 0..4 {
        assert_eq!(take(&mut bucket, 4, start), None);
    }
    assert_eq!(take(&mut bucket, 4, start), Some(Duration::from_millis(250)));
    let later = start + SignedDuration::from_millis(250);
    assert_eq!(take(&mut bucket, 4, later), None);
    assert!(take(&mut bucket, 4, later).is_some());
}

#[test]
fn a_clock_set_back_does_not_close_the_grant() {
    let start = at("2026-11-24T00:00:00Z");
    let mut bucket = Bucket::default();
    assert_eq!(take(&mut bucket, 1, start), None);
    assert_eq!(take(&mut bucket, 1, start - SignedDuration::from_hours(5)), None);
}

#[test]
fn a_rate_of_nothing_allows_nothing() {
    assert!(take(&mut Bucket::default(), 0, at("2026-11-24T00:00:00Z")).is_some());
}

#[test]
fn the_day_is_the_sites_and_ends_at_its_midnight() {
    let before = at("2026-11-24T15:59:59.999999Z");
    let (calendar, site) = (Calendar::default(), site("Asia/Shanghai"));
    let day = calendar.day(&site, before);
    assert_eq!(day.date.to_string(), "2026-11-24");
    assert_eq!(day.ends, at("2026-11-24T16:00:00Z"));
    let next = calendar.day(&site, day.ends);
    assert_eq!(next.date.to_string(), "2026-11-25");
    assert_eq!(calendar.day(&site, before).date.to_string(), "2026-11-24");
    let elsewhere = calendar.day(&self::site("America/New_York"), before);
    assert_eq!(elsewhere.ends, at("2026-11-25T05:00:00Z"));
}

#[test]
fn restored_counts_belong_to_their_day_and_are_swept_after_it() {
    let quotas = Quotas::default();
    let key = Key::new("provider", "grant");
    let midnight = at("2026-11-24T16:00:00Z");
    quotas.restore(key.clone(), 7, Timestamp::UNIX_EPOCH, midnight);
    assert_eq!(quotas.used(&key, midnight), 7);
    assert_eq!(quotas.used(&key, midnight + SignedDuration::from_hours(24)), 0);
    quotas.sweep(midnight - SignedDuration::from_secs(1));
    assert_eq!(quotas.meters.read().len(), 1);
    let later = Key::new("n", "later");
    quotas.restore(later.clone(), 1, Timestamp::UNIX_EPOCH, midnight + SignedDuration::from_hours(24));
    quotas.sweep(midnight);
    assert_eq!((quotas.used(&key, midnight), quotas.meters.read().len()), (0, 1));
    quotas.sweep(midnight + SignedDuration::from_hours(24));
    assert!(quotas.meters.read().is_empty());
}

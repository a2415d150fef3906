//! What day it is at the site, without working it out anew for each call.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parking_lot::Mutex;

use crate::judge::facts::Site;

/// The day as last worked out, and where.
#[derive(Debug, Default)]
pub struct Calendar(Mutex<Option<(TimeZone, Day)>>);

/// A day of the site and its bounds.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    pub date: Date,
    begins: Timestamp,
    /// The first moment after it.
    pub ends: Timestamp,
}

impl Calendar {
    /// The day that `now` is on at this site.
    pub fn day(&self, site: &Site, now: Timestamp) -> Day {
        let mut known = self.0.lock();
        match &*known {
            Some((zone, day)) if day.begins <= now && now < day.ends && *zone == site.time_zone => *day,
            _ => {
                let day = Day::of(site, now);
                *known = Some((site.time_zone.clone(), day));
                day
            }
        }
    }
}

impl Day {
    fn of(site: &Site, now: Timestamp) -> Self {
        let date = site.day(now);
        Self { date, begins: site.start_of(date), ends: site.end_of(date) }
    }
}

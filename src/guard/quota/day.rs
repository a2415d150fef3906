//! What day it is at the site, without working it out anew for each call.

use jiff::Timestamp;
use jiff::civil::Date;
use parking_lot::Mutex;

use crate::judge::facts::Site;

/// The day as last worked out.
#[derive(Debug)]
pub struct Calendar {
    site: Site,
    today: Mutex<Day>,
}

/// A day of the site and its bounds.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    pub date: Date,
    begins: Timestamp,
    /// The first moment after it.
    pub ends: Timestamp,
}

impl Calendar {
    #[must_use]
    pub fn new(site: Site, now: Timestamp) -> Self {
        let today = Mutex::new(Day::of(&site, now));
        Self { site, today }
    }

    /// The day that `now` is on.
    pub fn day(&self, now: Timestamp) -> Day {
        let mut today = self.today.lock();
        if now < today.begins || now >= today.ends {
            *today = Day::of(&self.site, now);
        }
        *today
    }

    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }
}

impl Day {
    fn of(site: &Site, now: Timestamp) -> Self {
        let date = site.day(now);
        Self { date, begins: site.start_of(date), ends: site.end_of(date) }
    }
}

//! What holds for the whole installation.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Name of the installation, part of every signature, and its time zone.
#[derive(Clone, Debug)]
pub struct Site {
    pub name: Arc<str>,
    pub time_zone: TimeZone,
}

impl Site {
    /// The first moment after `day`.
    #[must_use]
    pub fn end_of(&self, day: Date) -> Timestamp {
        day.checked_add(1.day())
            .ok()
            .and_then(|next| next.to_zoned(self.time_zone.clone()).ok())
            .map_or(Timestamp::MAX, |midnight| midnight.timestamp())
    }

    /// The first moment of `day`.
    #[must_use]
    pub fn start_of(&self, day: Date) -> Timestamp {
        day.to_zoned(self.time_zone.clone()).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
    }

    /// The day it is here.
    #[must_use]
    pub fn day(&self, now: Timestamp) -> Date {
        now.to_zoned(self.time_zone.clone()).date()
    }

    /// How long until the next midnight here.
    #[must_use]
    pub fn until_midnight(&self, now: Timestamp) -> SignedDuration {
        self.end_of(self.day(now)).duration_since(now)
    }
}

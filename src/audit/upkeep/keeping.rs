//! How a record is to be kept, as the policies in force say it together.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::audit::archive::Lock;

/// What is asked of whoever keeps the record. One stream has the calls to every provider, so it follows all policies:
/// it is sealed as soon as any asks for it, and copied to each archive that any names.
#[derive(Clone, Debug)]
pub struct Keeping {
    pub site: String,
    /// In which a day ends.
    pub time_zone: TimeZone,
    pub segment_bytes: u64,
    pub segment_age: SignedDuration,
    pub archives: Vec<Wanted>,
    /// The policies that can be read now, as `namespace/name`.
    pub policies: BTreeSet<String>,
    /// By `namespace/name of the policy/name of the hold`.
    pub holds: BTreeMap<String, Hold>,
    /// Days that an entry about the record itself is kept.
    pub period: i64,
}

/// An archive that a policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub url: String,
    pub lock: Lock,
}

/// Entries that stay, whatever their time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    pub reason: String,
    pub decided_by: String,
    /// The first and the last day it is about; absent: from the beginning, to the end.
    pub since: Option<Date>,
    pub until: Option<Date>,
}

impl Hold {
    /// Whether it is about something between these times.
    #[must_use]
    pub fn covers(&self, oldest: Timestamp, newest: Timestamp, zone: &TimeZone) -> bool {
        let day = |time: Timestamp| time.to_zoned(zone.clone()).date();
        self.since.is_none_or(|since| day(newest) >= since) && self.until.is_none_or(|until| day(oldest) <= until)
    }
}

impl Keeping {
    /// The day that it is.
    #[must_use]
    pub fn day(&self, now: Timestamp) -> Date {
        now.to_zoned(self.time_zone.clone()).date()
    }

    /// When a day begins: what is kept until that day may go from then on.
    #[must_use]
    pub fn begin(&self, day: Date) -> Timestamp {
        day.to_zoned(self.time_zone.clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }
}

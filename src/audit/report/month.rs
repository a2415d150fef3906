//! The month in figures: every entry is shown once, and only counts stay.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::tally::{Pile, Tally};
use crate::audit::event::Event;
use crate::audit::inspection::{Past, PastFinding};
use crate::audit::recorded::Recorded;

/// Inspections that are told one by one: of six policies by the hour.
const INSPECTIONS: usize = 5_000;
/// Findings that are told one by one.
const FINDINGS: usize = 500;

/// One month of the record.
#[derive(Clone, Debug)]
pub struct Month {
    pub first: Date,
    pub zone: TimeZone,
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    pub all: Pile,
    /// Calls with credentials that nobody knows.
    pub unknown: u64,
    /// Where the entry names one.
    pub by_unit: Tally<Option<String>>,
    pub by_resource: Tally,
    /// By unit and user.
    pub by_user: Tally<(Option<String>, Option<String>)>,
    pub by_hour: Vec<Pile>,
    pub by_day: Vec<Pile>,
    /// What was refused or failed, by code.
    pub by_code: Tally,
    /// By stream: the first and the last entry of the month, and how many.
    pub streams: BTreeMap<String, (u64, u64, u64)>,
    pub inspections: Vec<Past>,
    pub findings: Vec<PastFinding>,
    /// Inspections beyond those. Findings beyond those are what an inspection has more than are told of it.
    pub left_out: u64,
    pub unreadable: u64,
}

/// A grant that ends soon.
#[derive(Clone, Debug)]
pub struct Expiring {
    pub serial: String,
    pub unit: String,
    pub resource: String,
    pub ends: Timestamp,
}

/// A policy's periods.
#[derive(Clone, Debug)]
pub struct Kept {
    pub policy: String,
    pub period: String,
    pub personal: Option<String>,
    pub archive: Option<String>,
}

/// A stream as it lies on disk.
#[derive(Clone, Debug)]
pub struct StreamState {
    pub name: String,
    pub segments: u64,
    pub bytes: u64,
}

impl Month {
    /// The month that `first` begins, still empty.
    #[must_use]
    pub fn new(first: Date, zone: TimeZone) -> Option<Self> {
        let begin = |day: Date| day.to_zoned(zone.clone()).ok().map(|midnight| midnight.timestamp());
        let (from, to) = (begin(first)?, begin(first.checked_add(1.month()).ok()?)?);
        let days = usize::try_from(first.days_in_month()).unwrap_or(31);
        Some(Self {
            first,
            from,
            to,
            all: Pile::default(),
            unknown: 0,
            by_unit: Tally::default(),
            by_resource: Tally::default(),
            by_user: Tally::default(),
            by_hour: vec![Pile::default(); 24],
            by_day: vec![Pile::default(); days],
            by_code: Tally::default(),
            streams: BTreeMap::new(),
            inspections: Vec::new(),
            findings: Vec::new(),
            left_out: 0,
            unreadable: 0,
            zone,
        })
    }

    /// Counts an entry, if it is of the month.
    pub fn add(&mut self, entry: &Recorded) {
        if entry.time < self.from || entry.time >= self.to {
            return;
        }
        let known = self.streams.get_mut(&entry.stream);
        if let Some((_, last, count)) = known {
            *last = (*last).max(entry.index);
            *count += 1;
        } else {
            self.streams.insert(entry.stream.clone(), (entry.index, entry.index, 1));
        }
        match entry.event {
            Event::Call | Event::Refusal => self.call(entry),
            Event::UnknownCredentials => {
                self.unknown = self.unknown.saturating_add(entry.items.unwrap_or(1));
                self.by_code.add(entry.code.clone().unwrap_or_default(), entry);
            }
            Event::Inspection => self.inspection(entry),
            _ => {}
        }
    }

    fn call(&mut self, entry: &Recorded) {
        self.all.add(entry);
        let unit = entry.unit.as_ref().map(|unit| unit.name.clone());
        self.by_unit.add(unit.clone(), entry);
        if let Some(at) = &entry.resource {
            self.by_resource.add(format!("{}/{}", at.namespace, at.name), entry);
        }
        self.by_user.add((unit, entry.user.clone()), entry);
        let here = entry.time.to_zoned(self.zone.clone());
        let hour = usize::try_from(here.hour()).ok().and_then(|hour| self.by_hour.get_mut(hour));
        hour.into_iter().for_each(|pile| pile.add(entry));
        let day = usize::try_from(here.day() - 1).ok().and_then(|day| self.by_day.get_mut(day));
        day.into_iter().for_each(|pile| pile.add(entry));
        if let Some(code) = &entry.code {
            self.by_code.add(code.clone(), entry);
        }
    }

    fn inspection(&mut self, entry: &Recorded) {
        // findings never take the place of an inspection: a month with many was inspected too
        if let Some(past) = Past::of(entry) {
            if self.inspections.len() < INSPECTIONS {
                self.inspections.push(past);
            } else {
                self.left_out += 1;
            }
        } else if self.findings.len() < FINDINGS {
            self.findings.extend(PastFinding::of(entry));
        }
    }

    /// The findings of an inspection that are told: those before its last entry, in the stream of its guard.
    pub(super) fn found_by(&self, past: &Past) -> Vec<&PastFinding> {
        let stream = |receipt: &str| receipt.rsplit_once('/').map(|(stream, _)| stream.to_owned());
        let (own, times) = (stream(&past.receipt), past.until..=past.written);
        let is_of = |finding: &&PastFinding| {
            finding.policy == past.policy && times.contains(&finding.time) && stream(&finding.receipt) == own
        };
        self.findings.iter().filter(is_of).collect()
    }
}

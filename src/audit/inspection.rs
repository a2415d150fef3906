//! An inspection (clause 4.2.9): what was recorded, held against what was approved. Pure: entries, facts,
//! an order and a seed go in, and what is found comes out, so that anybody who has the same can repeat it.
//!
//! Entries are shown one after the other, in the order of time, from a while before the inspected time on:
//! what is usual for a grant is learnt from its own past. Memory holds counts, never the log.

mod bulk_harvest;
mod consent_missing;
mod facts;
mod finding;
mod log_gap;
mod migration_overdue;
mod off_hours;
mod outside_approval;
mod recall_overdue;
mod rotation_overdue;
mod sample;
mod unused_grant;
mod written;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::api::v1alpha1::audit_policy::{Check, Effect};
use crate::audit::event::{Event, Outcome};
use crate::audit::filter::Onward;
use crate::audit::recorded::Recorded;
use crate::audit::verify;
use crate::judge::facts::Key;

pub use facts::{Beside, Facts, GrantFacts};
pub use finding::{Finding, FoundGrant, Said};
pub use rotation_overdue::is_overdue as rotation_is_overdue;
pub use sample::{Sampled, Seed};
pub use written::{Past, PastFinding, record, suspensions};

use finding::Findings;
use sample::Sample;

/// How far back one looks to learn what is usual.
pub const HISTORY: SignedDuration = SignedDuration::from_hours(28 * 24);
/// What is recorded at this moment may not be on the disk yet: an inspection ends so long before.
pub const SETTLED: SignedDuration = SignedDuration::from_secs(10);
/// Entries drawn unless the policy says otherwise.
pub const SAMPLE: usize = 50;
/// A grant that nobody used for so long is not needed any more.
pub const UNUSED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What is to be inspected.
#[derive(Clone, Debug)]
pub struct Order {
    /// The policy whose resources are inspected; see [`Facts::covers`].
    pub policy: Key,
    /// Entries later than this; the end of the inspection before. Where [`Facts`] know the place too, that counts.
    pub from: Timestamp,
    /// And no later: what was recorded by then is on the disk.
    pub until: Timestamp,
    /// Of what is due or stands: now.
    pub now: Timestamp,
    pub seed: Seed,
    /// How many entries are drawn.
    pub sample: usize,
    /// What is looked for, and what a finding does.
    pub checks: BTreeMap<Check, Effect>,
    /// Whose hours are the office's.
    pub zone: TimeZone,
}

impl Order {
    /// Every check, when the policy names none; none of them suspends.
    #[must_use]
    pub fn checks(asked: Option<&BTreeMap<Check, Effect>>) -> BTreeMap<Check, Effect> {
        match asked {
            Some(asked) => asked.clone(),
            None => Check::ALL.into_iter().map(|check| (check, Effect::Report)).collect(),
        }
    }

    /// The first entry that the inspection wants to see.
    #[must_use]
    pub fn reads_from(&self) -> Timestamp {
        self.from.min(self.now).checked_sub(HISTORY).unwrap_or(Timestamp::MIN)
    }
}

/// What came of an inspection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspected {
    /// `namespace/name`.
    pub policy: String,
    /// Left out when it is the beginning of the record.
    #[serde(skip_serializing_if = "is_beginning")]
    pub from: Timestamp,
    pub until: Timestamp,
    pub time: Timestamp,
    /// With it the same entries are drawn again.
    pub seed: Seed,
    /// Entries of the inspected time, of the policy's resources: calls, refusals and the like.
    pub entries: u64,
    /// What was drawn, oldest first, each with what was found against it alone.
    pub sample: Vec<Sampled>,
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub left_out: u64,
    /// Where the next one goes on in the stream of whoever inspects.
    #[serde(skip)]
    pub next: Option<u64>,
    pub pass: bool,
}

fn is_beginning(from: &Timestamp) -> bool {
    *from == Timestamp::MIN
}

impl Inspected {
    /// How many findings each check has.
    #[must_use]
    pub fn by_check(&self) -> BTreeMap<Check, u64> {
        let mut counts = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(finding.check).or_default() += 1;
        }
        counts
    }
}

/// What every check is told.
struct About<'a> {
    order: &'a Order,
    facts: &'a Facts,
}

impl About<'_> {
    /// Whether an entry is to be inspected, and does not belong to the past that is only compared with. Where the
    /// place is known up to which one inspected before, no time is trusted for that: a clock may have been set.
    fn is_recent(&self, entry: &Recorded) -> bool {
        match self.onward(entry) {
            Some(onward) => onward.index <= entry.index && !self.is_unsettled(entry),
            None => self.order.from < entry.time && entry.time <= self.order.until,
        }
    }

    /// From where on one inspects, if an entry lies in that stream.
    fn onward(&self, entry: &Recorded) -> Option<&Onward> {
        self.facts.onward.as_ref().filter(|onward| onward.stream == entry.stream)
    }

    /// Whether it is the next inspection's. What was recorded while the clock was ahead is none of the last moments.
    fn is_unsettled(&self, entry: &Recorded) -> bool {
        self.order.until < entry.time && entry.time <= self.order.now
    }
}

/// One check. It sees every entry of the policy's resources that released something.
trait Look {
    fn add(&mut self, _entry: &Recorded, _about: &About<'_>) {}
    fn end(&mut self, about: &About<'_>, found: &mut Findings);
}

/// An inspection under way.
pub struct Inspection<'a> {
    about: About<'a>,
    looks: Vec<(Check, Effect, Box<dyn Look>)>,
    gaps: Option<Effect>,
    sample: Sample,
    entries: u64,
    /// In the stream that is inspected by place: the end of what was seen, and the first entry that waits.
    end: u64,
    waits: Option<u64>,
}

impl<'a> Inspection<'a> {
    #[must_use]
    pub fn new(order: &'a Order, facts: &'a Facts) -> Self {
        let look = |check| -> Option<Box<dyn Look>> {
            Some(match check {
                Check::ConsentMissing => Box::<consent_missing::ConsentMissing>::default(),
                Check::OutsideApproval => Box::<outside_approval::OutsideApproval>::default(),
                Check::UnusedGrant => Box::new(unused_grant::UnusedGrant),
                Check::BulkHarvest => Box::<bulk_harvest::BulkHarvest>::default(),
                Check::OffHours => Box::<off_hours::OffHours>::default(),
                Check::RotationOverdue => Box::new(rotation_overdue::RotationOverdue),
                Check::RecallOverdue => Box::new(recall_overdue::RecallOverdue),
                Check::MigrationOverdue => Box::new(migration_overdue::MigrationOverdue),
                // looks at no entry: those who verify do
                Check::LogGap => return None,
            })
        };
        let looks = order.checks.iter().filter_map(|(check, effect)| Some((*check, *effect, look(*check)?)));
        Self {
            about: About { order, facts },
            looks: looks.collect(),
            gaps: order.checks.get(&Check::LogGap).copied(),
            sample: Sample::new(order.seed, order.sample),
            entries: 0,
            end: facts.onward.as_ref().map_or(0, |onward| onward.index),
            waits: None,
        }
    }

    /// Shows the next entry.
    pub fn add(&mut self, entry: &Recorded) {
        let ours = entry.resource.as_ref().is_some_and(|at| self.about.facts.covers(&at.namespace, &at.name));
        let recent = self.about.is_recent(entry);
        let later = !recent && entry.time > self.about.order.until;
        if self.about.onward(entry).is_some_and(|onward| onward.index <= entry.index) {
            if later {
                self.waits = Some(self.waits.map_or(entry.index, |first| first.min(entry.index)));
            } else {
                self.end = self.end.max(entry.index.saturating_add(1));
            }
        }
        // neither inspected now nor before
        if later {
            return;
        }
        // what inspections say is no subject of theirs
        self.entries += u64::from(ours && recent && entry.event != Event::Inspection);
        let released = entry.event == Event::Call && entry.outcome == Some(Outcome::Released);
        if !ours || !released {
            return;
        }
        for (_, _, look) in &mut self.looks {
            look.add(entry, &self.about);
        }
        if recent {
            self.sample.offer(entry);
        }
    }

    /// What came of it. `faults`: what verification found, by stream.
    #[must_use]
    pub fn end(self, faults: &BTreeMap<String, Vec<verify::Finding>>) -> Inspected {
        let Self { about, looks, gaps, sample, entries, end, waits } = self;
        let mut all = Vec::new();
        let mut left_out = 0;
        let mut gather = |check, effect, end: &mut dyn FnMut(&mut Findings)| {
            let mut found = Findings::new(check, effect);
            end(&mut found);
            let (mut list, more) = found.take();
            all.append(&mut list);
            left_out += more;
        };
        for (check, effect, mut look) in looks {
            gather(check, effect, &mut |found| look.end(&about, found));
        }
        if let Some(effect) = gaps {
            gather(Check::LogGap, effect, &mut |found| log_gap::end(faults, found));
        }
        let pass = all.is_empty();
        Inspected {
            policy: about.order.policy.to_string(),
            from: about.order.from,
            until: about.order.until,
            time: about.order.now,
            seed: about.order.seed,
            entries,
            sample: sample.end(&about),
            findings: all,
            left_out,
            // clocks of calls side by side differ by a little: rather twice than never
            next: about.facts.onward.as_ref().map(|_| waits.map_or(end, |first| first.min(end))),
            pass,
        }
    }
}

//! Inspections on time: each policy by its schedule, over the record below this process. A schedule that
//! was missed is caught up once. What a finding suspends is in force and durable before the inspection
//! counts as done; an inspection that was broken off is done again.

mod elsewhere;
mod figures;
mod orders;
mod past;
mod telling;
mod verified;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parking_lot::RwLock;

use super::retention::Retentions;
use super::view::View;
use crate::api::v1alpha1::audit_policy::{self as policy, Check};
use crate::api::v1alpha1::schedule::{BadSchedule, Schedule};
use crate::audit::inspection::{self, Beside, Facts, Inspected, Inspection, Order, Past, Seed};
use crate::audit::query::{self, QueryError};
use crate::audit::usage::Usage;
use crate::audit::{Filter, Log, Onward, RecordUnavailable};
use crate::clock::Clock;
use crate::judge::facts::Key;
use crate::judge::index::Index;
use crate::judge::ledger::LedgerEntry;
use crate::random::RandomError;

pub use elsewhere::elsewhere;
pub use figures::Figures;
pub use orders::Orders;
pub use past::past;
pub use telling::Telling;
pub use verified::{Witnesses, faults};

use past::past_of;

/// Makes suspensions durable and lets them take effect; `false` when that was not to be.
pub type Suspend = Box<dyn FnMut(Vec<LedgerEntry>) -> bool + Send>;

/// When the grants of a namespace were last used where this process has no record of it; or why that cannot be known.
pub type LastUsed = Box<dyn Fn(&str) -> Result<HashMap<Key, Timestamp>, String> + Send>;

/// Whoever inspects the record of one process.
pub struct Inspector {
    pub index: Arc<RwLock<Index>>,
    pub orders: Orders,
    pub log: Log,
    /// Where the record is.
    pub folder: PathBuf,
    pub retentions: Retentions,
    /// How old a view may be that calls are answered by.
    pub view: View,
    pub clock: Clock,
    pub figures: Figures,
    pub suspend: Suspend,
    /// Asked now and then; an inspection is broken off when it says so.
    pub stopping: Box<dyn Fn() -> bool + Send + Sync>,
    /// What others are told of it.
    pub telling: Telling,
    /// Nothing where this is the whole record of the site, not one guard's part.
    pub elsewhere: Option<LastUsed>,
    /// When this process began: what was never inspected, in a record that cannot say when it began, is due from then on.
    pub begun: Timestamp,
    /// What the record says of earlier inspections; `None` until it was read.
    pub past: Option<HashMap<Key, Past>>,
}

/// What is left for the next inspection.
struct Since {
    /// After which moment it is due.
    written: Timestamp,
    /// Entries later than this.
    from: Timestamp,
    /// In the stream of this process: entries from here on, where that is known.
    onward: Option<Onward>,
}

/// An inspection that was not done.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("the record cannot be read: {0}")]
    Read(#[from] QueryError),
    #[error(transparent)]
    Random(#[from] RandomError),
    #[error("when grants were last used cannot be read: {0}")]
    Elsewhere(String),
    #[error("its findings cannot be recorded: {0}")]
    Record(#[from] RecordUnavailable),
    #[error("its suspensions cannot be made durable")]
    Suspend,
    #[error("broken off: the process ends")]
    Stopping,
}

impl Inspector {
    /// Does what is due, and says what came of each. One that could not be done is still due then, and keeps no other
    /// from being done.
    pub fn look(&mut self) -> Vec<(Key, Result<Inspected, InspectError>)> {
        let now = self.clock.now();
        let known = self.orders.policies();
        self.figures.keep(known.keys());
        let mut done = Vec::new();
        for (key, policy) in &known {
            let Some(asked) = &policy.inspection else { continue };
            match self.look_at(key, asked, now) {
                Ok(None) => {}
                Ok(Some(inspected)) => done.push((key.clone(), Ok(inspected))),
                Err(error) => {
                    let ends = matches!(error, InspectError::Stopping);
                    done.push((key.clone(), Err(error)));
                    if ends {
                        break;
                    }
                }
            }
        }
        // one that is not there, or is not inspected by any more, has no last inspection that could be acted on
        let inspected = known.iter().filter(|(_, policy)| policy.inspection.is_some());
        self.figures.tell(inspected.filter_map(|(key, _)| self.past.as_ref()?.get(key)));
        done
    }

    /// Inspects by one policy, if that is due.
    fn look_at(
        &mut self,
        key: &Key,
        asked: &policy::Inspection,
        now: Timestamp,
    ) -> Result<Option<Inspected>, InspectError> {
        let zone = self.index.read().site().time_zone.clone();
        let schedule = match Schedule::parse(&asked.schedule, asked.time_zone.as_deref(), &zone) {
            Ok(schedule) => schedule,
            Err(error) => {
                self.complain(key, &error);
                return Ok(None);
            }
        };
        let Since { written, from, onward } = self.since(key, now)?;
        // one that was done while the clock was ahead says nothing of when the next is due
        if written <= now && schedule.next_after(written).is_none_or(|due| due > now) {
            return Ok(None);
        }
        let order = Order {
            policy: key.clone(),
            from,
            until: now.checked_sub(inspection::SETTLED).unwrap_or(now).max(from),
            now,
            seed: Seed::draw()?,
            sample: asked.sample.and_then(|n| usize::try_from(n).ok()).unwrap_or(inspection::SAMPLE),
            checks: Order::checks(asked.checks.as_ref()),
            zone: schedule.zone().clone(),
        };
        self.inspect(&order, onward).map(Some)
    }

    /// Counts what is overdue, for whoever looks at the metrics.
    pub fn count_overdue(&self) {
        let now = self.clock.now();
        self.figures.overdue(&self.index, &self.orders.revocations(), now);
    }

    fn inspect(&mut self, order: &Order, onward: Option<Onward>) -> Result<Inspected, InspectError> {
        let facts = self.facts(order, onward)?;
        let stopping = &self.stopping;
        let inspected = read(&self.folder, order, &facts, &**stopping)?;
        let suspensions = inspection::suspensions(&inspected, &facts, self.clock.now());
        if !suspensions.is_empty() && !(self.suspend)(suspensions) {
            return Err(InspectError::Suspend);
        }
        let retain = self.retain(order.now);
        let drawn = inspected.sample.len();
        // the next one is due after this, also when a clock goes on while it is written
        let written = self.clock.now();
        let receipt = inspection::record(&self.log, &inspected, drawn, retain)?.to_string();
        let past = Past {
            policy: order.policy.clone(),
            written,
            from: order.from,
            until: order.until,
            stream: self.log.stream().to_string(),
            next: inspected.next,
            findings: (inspected.findings.len() as u64).saturating_add(inspected.left_out),
            by_check: inspected.by_check(),
            entries: inspected.entries,
            seed: order.seed.to_string(),
            receipt,
        };
        self.telling.done(&inspected, &past.receipt);
        self.past.get_or_insert_default().insert(order.policy.clone(), past);
        Ok(inspected)
    }

    fn facts(&self, order: &Order, onward: Option<Onward>) -> Result<Facts, InspectError> {
        let max_staleness = Some(self.view.max_staleness());
        let mut beside = Beside { onward, max_staleness, ..beside(&self.folder, &self.orders, order.now)? };
        if let Some(elsewhere) = self.elsewhere.as_ref().filter(|_| order.checks.contains_key(&Check::UnusedGrant)) {
            for (grant, at) in elsewhere(&order.policy.namespace).map_err(InspectError::Elsewhere)? {
                let last = beside.last_used.entry(grant).or_insert(at);
                *last = at.max(*last);
            }
        }
        if order.checks.contains_key(&Check::LogGap) {
            let keeping = self.retentions.keeping(self.index.read().site());
            let witnesses = self.telling.witnesses().all(&self.log, keeping.as_ref());
            beside.faults = Some(faults(&self.folder, &witnesses, order.now, &*self.stopping)?);
        }
        Ok(Facts::gather_from(&self.index, &order.policy, beside, order.now))
    }

    /// What was inspected already: up to the end of the last inspection; where there was none, nothing, and the
    /// beginning of the record belongs to the first.
    fn since(&mut self, policy: &Key, now: Timestamp) -> Result<Since, InspectError> {
        if self.past.is_none() {
            let past = past_of(&self.folder, self.log.stream())?;
            past.values().for_each(|past| self.telling.remembered(past));
            self.past = Some(past);
        }
        if let Some(past) = self.past.as_ref().and_then(|past| past.get(policy)) {
            // an earlier version told no place; and a stream without an inspection was never inspected
            let next = if *past.stream == **self.log.stream() { past.next } else { Some(0) };
            let from = past.inspected_until(now);
            return Ok(Since { written: past.written, from, onward: next.map(|index| self.onward(index)) });
        }
        let begins = query::oldest(&self.folder)?.unwrap_or(self.begun);
        let before = begins.checked_sub(SignedDuration::from_micros(1)).unwrap_or(begins);
        Ok(Since { written: begins, from: before.min(now), onward: Some(self.onward(0)) })
    }

    fn onward(&self, index: u64) -> Onward {
        Onward { stream: self.log.stream().to_string(), index }
    }

    fn retain(&self, now: Timestamp) -> Date {
        self.retentions.longest(self.index.read().site().day(now))
    }

    fn complain(&self, policy: &Key, error: &BadSchedule) {
        if self.figures.cannot(policy) {
            tracing::warn!(%policy, "cannot be inspected: {error}");
        }
    }
}

/// What the record and the orders say beside the judge's world.
///
/// # Errors
/// When the record cannot be read.
pub fn beside<'a>(folder: &std::path::Path, orders: &Orders, now: Timestamp) -> Result<Beside<'a>, QueryError> {
    let back_to = now.checked_sub(inspection::UNUSED).unwrap_or(Timestamp::MIN);
    let usage = Usage::read(folder, now, back_to)?;
    let used = usage.iter().map(|(namespace, name, used)| (Key::new(namespace, name), used.last_used));
    Ok(Beside {
        revocations: orders.revocations(),
        policies: orders.policies().into_keys().collect(),
        last_used: used.collect(),
        oldest: query::oldest(folder)?,
        faults: None,
        onward: None,
        max_staleness: None,
        tokens: None,
    })
}

/// Reads the record for an inspection, and does it. Verifies it first, where that is asked for and nobody has.
///
/// # Errors
/// When the record cannot be read, or `stopping` says so.
pub fn read(
    folder: &std::path::Path,
    order: &Order,
    facts: &Facts,
    stopping: &(dyn Fn() -> bool + Sync),
) -> Result<Inspected, InspectError> {
    let verified = match facts.faults() {
        None if order.checks.contains_key(&Check::LogGap) => faults(folder, &[], order.now, stopping)?,
        known => known.cloned().unwrap_or_default(),
    };
    let mut inspection = Inspection::new(order, facts);
    // by place, what lies in the future is seen too
    let until = order.until.checked_add(SignedDuration::from_micros(1)).ok().filter(|_| facts.onward().is_none());
    let onward = facts.onward().cloned();
    let filter = Filter { since: Some(order.reads_from()), until, onward, ..Filter::default() };
    let mut seen = 0_u32;
    let summary = query::run(folder, &filter, None, &mut |found| {
        seen = seen.wrapping_add(1);
        if seen.is_multiple_of(1_024) && stopping() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        inspection.add(&found.entry()?);
        Ok(())
    });
    match summary {
        Ok(_) => Ok(inspection.end(&verified)),
        Err(QueryError::Write(error)) if error.kind() == io::ErrorKind::Interrupted => Err(InspectError::Stopping),
        Err(error) => Err(error.into()),
    }
}

//! Inspections on time: each policy by its schedule, over the record below this process. A schedule that
//! was missed is caught up once. What a finding suspends is in force and durable before the inspection
//! counts as done; an inspection that was broken off is done again.

mod elsewhere;
mod figures;
mod orders;
mod telling;
mod verified;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parking_lot::RwLock;

use super::retention::Retentions;
use crate::api::v1alpha1::audit_policy::Check;
use crate::api::v1alpha1::schedule::{BadSchedule, Schedule};
use crate::audit::inspection::{self, Beside, Facts, Inspected, Inspection, Order, Past, PastFinding, Seed};
use crate::audit::query::{self, QueryError};
use crate::audit::removed::Removed;
use crate::audit::usage::Usage;
use crate::audit::{Event, Filter, Log, RecordUnavailable, stream_names};
use crate::clock::Clock;
use crate::judge::facts::Key;
use crate::judge::index::Index;
use crate::judge::ledger::LedgerEntry;
use crate::random::RandomError;

pub use elsewhere::elsewhere;
pub use figures::Figures;
pub use orders::Orders;
pub use telling::Telling;
pub use verified::{Witnesses, faults};

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
    /// Does what is due, and says in one line each what came of it.
    ///
    /// # Errors
    /// When an inspection could not be done; it is still due then.
    pub fn look(&mut self) -> Result<Vec<(Key, Inspected)>, InspectError> {
        let now = self.clock.now();
        let known = self.orders.policies();
        self.figures.keep(known.keys());
        let mut done = Vec::new();
        for (key, policy) in known {
            let Some(asked) = &policy.inspection else { continue };
            let zone = self.index.read().site().time_zone.clone();
            let schedule = match Schedule::parse(&asked.schedule, asked.time_zone.as_deref(), &zone) {
                Ok(schedule) => schedule,
                Err(error) => {
                    self.complain(&key, &error);
                    continue;
                }
            };
            let (since, from) = self.since(&key)?;
            if schedule.next_after(since).is_none_or(|due| due > now) {
                continue;
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
            let inspected = self.inspect(&order)?;
            done.push((key, inspected));
        }
        Ok(done)
    }

    /// Counts what is overdue, for whoever looks at the metrics.
    pub fn count_overdue(&self) {
        let now = self.clock.now();
        self.figures.overdue(&self.index, &self.orders.revocations(), now);
    }

    fn inspect(&mut self, order: &Order) -> Result<Inspected, InspectError> {
        let facts = self.facts(order)?;
        let stopping = &self.stopping;
        let inspected = read(&self.folder, order, &facts, &|| stopping())?;
        let suspensions = inspection::suspensions(&inspected, &facts);
        if !suspensions.is_empty() && !(self.suspend)(suspensions) {
            return Err(InspectError::Suspend);
        }
        let retain = self.retain(order.now);
        let drawn = inspected.sample.len();
        let receipt = inspection::record(&self.log, &inspected, drawn, retain)?.to_string();
        let past = Past {
            policy: order.policy.clone(),
            written: self.clock.now(),
            from: order.from,
            until: order.until,
            findings: (inspected.findings.len() as u64).saturating_add(inspected.left_out),
            by_check: BTreeMap::new(),
            entries: inspected.entries,
            seed: order.seed.to_string(),
            receipt,
        };
        self.figures.inspected(&inspected);
        self.telling.done(&inspected, &past.receipt);
        self.past.get_or_insert_default().insert(order.policy.clone(), past);
        Ok(inspected)
    }

    fn facts(&self, order: &Order) -> Result<Facts, InspectError> {
        let mut beside = beside(&self.folder, &self.orders, order.now)?;
        if let Some(elsewhere) = self.elsewhere.as_ref().filter(|_| order.checks.contains_key(&Check::UnusedGrant)) {
            for (grant, at) in elsewhere(&order.policy.namespace).map_err(InspectError::Elsewhere)? {
                let last = beside.last_used.entry(grant).or_insert(at);
                *last = at.max(*last);
            }
        }
        if order.checks.contains_key(&Check::LogGap) {
            let keeping = self.retentions.keeping(self.index.read().site());
            let witnesses = self.telling.witnesses().all(&self.log, keeping.as_ref());
            beside.faults = faults(&self.folder, &witnesses, order.now, &*self.stopping)?;
        }
        Ok(Facts::gather_from(&self.index, &order.policy, beside, order.now))
    }

    /// After which moment one is due, and after which one entries are inspected: the end of the last inspection;
    /// where there was none, the beginning of the record, which belongs to the first.
    fn since(&mut self, policy: &Key) -> Result<(Timestamp, Timestamp), InspectError> {
        if self.past.is_none() {
            let past = past(&self.folder)?;
            past.values().for_each(|past| {
                self.figures.remembered(past);
                self.telling.remembered(past);
            });
            self.past = Some(past);
        }
        if let Some(past) = self.past.as_ref().and_then(|past| past.get(policy)) {
            return Ok((past.written, past.until));
        }
        let begins = query::oldest(&self.folder)?.unwrap_or(self.begun);
        Ok((begins, begins.checked_sub(SignedDuration::from_micros(1)).unwrap_or(begins)))
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
        last_used: used.collect(),
        oldest: query::oldest(folder)?,
        removed: removed(folder).map_err(|source| QueryError::Read { path: folder.into(), source })?,
        faults: BTreeMap::new(),
        tokens: None,
    })
}

/// What retention took away of each stream.
fn removed(folder: &std::path::Path) -> io::Result<BTreeMap<String, Vec<(u64, u64)>>> {
    let streams = stream_names(folder)?.into_iter();
    let each = streams.map(|name| Removed::open(&folder.join(&name)).map(|lines| (name, lines.stretches().collect())));
    each.collect()
}

/// Reads the record for an inspection, and does it.
///
/// # Errors
/// When the record cannot be read, or `stopping` says so.
pub fn read(
    folder: &std::path::Path,
    order: &Order,
    facts: &Facts,
    stopping: &dyn Fn() -> bool,
) -> Result<Inspected, InspectError> {
    let mut inspection = Inspection::new(order, facts);
    let until = order.until.checked_add(SignedDuration::from_micros(1)).ok();
    let filter = Filter { since: Some(order.reads_from()), until, ..Filter::default() };
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
        Ok(summary) => Ok(inspection.end(summary.unreadable)),
        Err(QueryError::Write(error)) if error.kind() == io::ErrorKind::Interrupted => Err(InspectError::Stopping),
        Err(error) => Err(error.into()),
    }
}

/// The last inspection of each policy that the record knows.
///
/// # Errors
/// When the record cannot be read.
pub fn past(folder: &std::path::Path) -> Result<HashMap<Key, Past>, QueryError> {
    let filter = Filter { event: Some(Event::Inspection), ..Filter::default() };
    let mut past = HashMap::new();
    // the findings of an inspection come before its last entry; those of one that was broken off come again
    let mut found_since: HashMap<Key, BTreeMap<Check, u64>> = HashMap::new();
    query::run(folder, &filter, None, &mut |found| {
        let entry = found.entry()?;
        if let Some(mut one) = Past::of(&entry) {
            one.by_check = found_since.remove(&one.policy).unwrap_or_default();
            past.insert(one.policy.clone(), one);
        } else if let Some(finding) = PastFinding::of(&entry) {
            *found_since.entry(finding.policy).or_default().entry(finding.check).or_default() += 1;
        }
        Ok(())
    })?;
    Ok(past)
}

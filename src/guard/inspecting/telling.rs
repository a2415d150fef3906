//! What a guard's Lease tells of inspections, and how a suspension gets from there into the ledger: the
//! operator takes it over, and it comes back as any other fact. Until then the inspection is not done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};

use super::{Suspend, Witnesses};
use crate::audit::inspection::{Inspected, Past};
use crate::judge::facts::Key;
use crate::judge::ledger::LedgerEntry;
use crate::judge::status::{Ended, InspectedBy};

/// The operator has so long to take a suspension over, before it is asked for anew.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is told; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Telling(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    told: Mutex<Told>,
    heard: Condvar,
    witnesses: Witnesses,
}

#[derive(Debug, Default)]
struct Told {
    by: InspectedBy,
    /// The newest suspension of each serial that is durable.
    durable: HashMap<Key, Timestamp>,
    over: bool,
}

impl Told {
    /// Need not be told: it is durable, or a later one of the same serial is, which takes as much to clear.
    fn forget_durable(&mut self) {
        let Self { by, durable, .. } = self;
        by.suspends.retain(|entry| {
            suspension(entry).is_none_or(|(serial, at)| durable.get(&serial).is_none_or(|known| *known < at))
        });
    }
}

/// Which serial is suspended, and since when.
fn suspension(entry: &LedgerEntry) -> Option<(Key, Timestamp)> {
    match entry {
        LedgerEntry::Suspended { namespace, serial, at, .. } => {
            Some((Key::new(namespace.clone(), serial.clone()), *at))
        }
        _ => None,
    }
}

impl Telling {
    /// As the Lease has it; nothing before the first inspection.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let told = self.0.told.lock();
        (told.by != InspectedBy::default()).then(|| told.by.text())
    }

    /// Who else keeps checkpoints of the record: the Lease, for one.
    #[must_use]
    pub fn witnesses(&self) -> &Witnesses {
        &self.0.witnesses
    }

    /// An inspection was done.
    pub fn done(&self, inspected: &Inspected, receipt: &str) {
        let receipt = Some(receipt.to_owned());
        let ended = Ended { time: inspected.time, findings: inspected.by_check(), receipt };
        self.0.told.lock().by.policies.insert(inspected.policy.clone(), ended);
    }

    /// An inspection was done before this process began.
    pub(super) fn remembered(&self, past: &Past) {
        let receipt = Some(past.receipt.clone());
        let ended = Ended { time: past.written, findings: past.by_check.clone(), receipt };
        self.0.told.lock().by.policies.entry(past.policy.to_string()).or_insert(ended);
    }

    /// Facts that are durable: what is among them need not be told any more. They come once, perhaps before another
    /// guard's suspension of the same grant does: so they are remembered.
    pub fn heard(&self, entries: &[LedgerEntry]) {
        let mut told = self.0.told.lock();
        for (serial, at) in entries.iter().filter_map(suspension) {
            let newest = told.durable.entry(serial).or_insert(at);
            *newest = at.max(*newest);
        }
        let before = told.by.suspends.len();
        told.forget_durable();
        if told.by.suspends.len() != before {
            self.0.heard.notify_all();
        }
    }

    /// Nobody waits any more: the process ends.
    pub fn end(&self) {
        self.0.told.lock().over = true;
        self.0.heard.notify_all();
    }

    /// Suspends: `in_force` lets it hold here at once, and the Lease tells the operator.
    pub fn suspend(&self, mut in_force: impl FnMut(&[LedgerEntry]) + Send + 'static) -> Suspend {
        let telling = self.clone();
        Box::new(move |entries| {
            in_force(&entries);
            let mut told = telling.0.told.lock();
            told.by.suspends = entries;
            told.forget_durable();
            while !told.by.suspends.is_empty() && !told.over {
                if telling.0.heard.wait_for(&mut told, PATIENCE).timed_out() {
                    break;
                }
            }
            told.by.suspends.is_empty()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::audit_policy::Check;

    fn suspended(serial: &str, second: i64) -> LedgerEntry {
        LedgerEntry::Suspended {
            namespace: "registration".into(),
            serial: serial.into(),
            check: Check::LogGap,
            by: format!("registration/{second}").into(),
            receipt: None,
            at: Timestamp::from_second(second).unwrap(),
        }
    }

    /// What one waits for who suspends this after the ledger told `before`, and is told `then` while waiting.
    fn waits_for(own: LedgerEntry, before: &[LedgerEntry], then: &[LedgerEntry]) -> usize {
        let telling = Telling::default();
        telling.heard(before);
        let (heard, then) = (telling.clone(), then.to_vec());
        let (waits, begun) = std::sync::mpsc::channel();
        let mut suspend = telling.suspend(move |_| waits.send(()).unwrap());
        let waiting = std::thread::spawn(move || suspend(vec![own]));
        begun.recv().unwrap();
        let mut left = 0;
        for _ in 0..20 {
            heard.heard(&then);
            std::thread::sleep(Duration::from_millis(10));
            left = telling.0.told.lock().by.suspends.len();
            if waiting.is_finished() {
                break;
            }
        }
        telling.end();
        assert_eq!(waiting.join().unwrap(), left == 0);
        left
    }

    #[test]
    fn a_later_suspension_of_the_same_serial_is_as_good_whoever_told_it_and_whenever() {
        let own = || suspended("S-1", 20);
        for same in [suspended("S-1", 20), suspended("S-1", 21)] {
            assert_eq!(waits_for(own(), &[], std::slice::from_ref(&same)), 0, "told while one waits");
            assert_eq!(waits_for(own(), std::slice::from_ref(&same), &[]), 0, "told before");
        }
        for other in [suspended("S-1", 19), suspended("S-2", 30)] {
            assert_eq!(waits_for(own(), std::slice::from_ref(&other), std::slice::from_ref(&other)), 1, "{other:?}");
        }
    }
}

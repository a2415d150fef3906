//! Calls with a credential that nobody knows: counted, and recorded as one number now and then, so
//! that whoever has no credential cannot fill the disk.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::audit::{Entry, Event, Log, Outcome, Receipt, RecordUnavailable};
use crate::judge::refusal::Code;

/// Calls since the last entry.
#[derive(Debug, Default)]
pub struct Unknown(AtomicU64);

impl Unknown {
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Records what was counted, if anything was. What could not be recorded stays counted.
    pub async fn record(&self, log: &Log) -> Result<(), RecordUnavailable> {
        let calls = self.0.swap(0, Ordering::Relaxed);
        if calls == 0 {
            return Ok(());
        }
        self.keep(calls, log.append(&entry(calls)).await)
    }

    /// The same on a thread without a runtime: at the very end.
    pub fn record_blocking(&self, log: &Log) -> Result<(), RecordUnavailable> {
        let calls = self.0.swap(0, Ordering::Relaxed);
        if calls == 0 {
            return Ok(());
        }
        self.keep(calls, log.append_blocking(&entry(calls)))
    }

    fn keep(&self, calls: u64, recorded: Result<Receipt, RecordUnavailable>) -> Result<(), RecordUnavailable> {
        recorded.map(|_| ()).inspect_err(|_| {
            self.0.fetch_add(calls, Ordering::Relaxed);
        })
    }
}

fn entry(calls: u64) -> Entry<'static, &'static str> {
    let mut entry = Entry::new(Event::UnknownCredentials);
    entry.outcome = Some(Outcome::Refused);
    entry.code = Some(Code::CredentialInvalid.as_str());
    entry.status = Some(Code::CredentialInvalid.status());
    entry.items = Some(calls);
    entry
}

//! Calls with a credential that nobody knows: counted, and recorded as one number now and then, so
//! that whoever has no credential cannot fill the disk.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::Date;

use crate::audit::{Entry, Event, Log, Outcome, RecordUnavailable};
use crate::judge::refusal::Code;

/// Calls since the last entry.
#[derive(Debug, Default)]
pub struct Unknown(AtomicU64);

impl Unknown {
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Records what was counted, if anything was. What could not be recorded stays counted.
    pub async fn record(&self, log: &Log, retain: Date) -> Result<(), RecordUnavailable> {
        let calls = self.0.swap(0, Ordering::Relaxed);
        if calls == 0 {
            return Ok(());
        }
        let pending = {
            let mut entry = Entry::<&str>::new(Event::UnknownCredentials);
            entry.outcome = Some(Outcome::Refused);
            entry.code = Some(Code::CredentialInvalid.as_str());
            entry.status = Some(Code::CredentialInvalid.status());
            entry.items = Some(calls);
            entry.retain = Some(retain);
            log.append(&entry)
        };
        let recorded = pending.await;
        if recorded.is_err() {
            self.0.fetch_add(calls, Ordering::Relaxed);
        }
        recorded.map(|_| ())
    }
}

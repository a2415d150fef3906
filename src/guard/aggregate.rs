//! Calls with unknown credentials: counted, and recorded together, so that nobody can fill the disk
//! by knocking.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::Date;

use crate::audit::{Entry, Event, Log, Outcome};
use crate::judge::refusal::Code;

/// Calls since the last entry.
#[derive(Debug, Default)]
pub struct Unknown(AtomicU64);

impl Unknown {
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Records what was counted; what cannot be recorded now stays counted.
pub async fn flush(unknown: &Unknown, log: &Log, retain: &Date) {
    let calls = unknown.0.swap(0, Ordering::Relaxed);
    if calls == 0 {
        return;
    }
    let mut entry = Entry::<&str>::new(Event::UnknownCredentials);
    entry.outcome = Some(Outcome::Refused);
    entry.code = Some(Code::CredentialInvalid.as_str());
    entry.status = Some(Code::CredentialInvalid.status());
    entry.items = Some(calls);
    entry.retain = Some(*retain);
    if log.append(&entry).await.is_err() {
        unknown.0.fetch_add(calls, Ordering::Relaxed);
    }
}

//! The thread that inspects: by schedule, beside the calls. What it suspends goes through the thread that
//! keeps the index, which makes it durable first; while that cannot be, no inspection counts as done.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::guard::inspecting::{InspectError, Inspector, Suspend};
use crate::judge::ledger::LedgerEntry;

/// How often it is asked whether an inspection is due.
const PATIENCE: Duration = Duration::from_secs(1);
/// After one that could not be done.
const AGAIN: u32 = 60;
/// How often what is overdue is counted, in looks.
const COUNT: u32 = 15;

/// Suspensions to be made durable, and whom to tell then.
pub type Suspensions = Receiver<(Vec<LedgerEntry>, SyncSender<()>)>;

/// A way to the thread that keeps the index.
pub fn suspensions() -> (Suspend, Suspensions) {
    let (send, receive) = mpsc::channel();
    let suspend = move |entries: Vec<LedgerEntry>| {
        let (done, told) = mpsc::sync_channel(1);
        // an error means that the other thread has ended, and the process does too
        send.send((entries, done)).is_ok() && told.recv().is_ok()
    };
    (Box::new(suspend), receive)
}

/// Inspects until stopped, while `ready`: nobody inspects by a world that is not there yet.
pub fn start(
    mut inspector: Inspector,
    ready: impl Fn() -> bool + Send + 'static,
    stop: CancellationToken,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let (mut looks, mut rest) = (0_u32, 0_u32);
        while !stop.is_cancelled() {
            if !ready() {
                std::thread::park_timeout(PATIENCE);
                continue;
            }
            if looks.is_multiple_of(COUNT) {
                inspector.count_overdue();
            }
            looks = looks.wrapping_add(1);
            if rest > 0 {
                rest -= 1;
            } else {
                rest = look(&mut inspector);
            }
            std::thread::park_timeout(PATIENCE);
        }
    })
}

/// How many looks to wait before the next one.
fn look(inspector: &mut Inspector) -> u32 {
    let mut rest = 0;
    for (policy, done) in inspector.look() {
        match done {
            Ok(inspected) => {
                let (entries, findings) = (inspected.entries, inspected.findings.len());
                eprintln!(
                    "AuditPolicy {policy}: inspected {entries} entries, {findings} findings; 'datashare audit query --event inspection' has them"
                );
            }
            Err(InspectError::Stopping) => {}
            Err(error) => {
                inspector.figures.failed();
                eprintln!("AuditPolicy {policy}: an inspection could not be done and is tried again: {error}");
                rest = AGAIN;
            }
        }
    }
    rest
}

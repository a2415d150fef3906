//! The thread that rounds run on, and its owner.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Upkeep;

/// From the end of one round to the next.
const PAUSE: Duration = Duration::from_secs(5);

/// How long a stop waits for the round under way: a folder that hangs may hold it for ever, and the record must still
/// get its last entry and checkpoint. Whatever breaks a round off, the next one goes on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whatever calls need goes first.
const NICE: i32 = 15;

/// The thread; it ends when this is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    thread: Option<JoinHandle<()>>,
    stop: CancellationToken,
    /// Nothing is ever said here; it closes when the thread ends.
    ended: Receiver<()>,
}

impl Upkeep {
    /// Goes round after round on a thread of its own.
    pub fn start(self) -> io::Result<Running> {
        let stop = self.stop.clone();
        let over = stop.clone();
        let (end, ended) = mpsc::channel();
        let thread = std::thread::Builder::new().name("upkeep".to_owned()).spawn(move || {
            let _end: mpsc::Sender<()> = end;
            let mut upkeep = self;
            // only a courtesy; without it everything works the same
            let _ = rustix::process::setpriority_process(None, NICE);
            while !over.is_cancelled() {
                upkeep.round();
                if !over.is_cancelled() {
                    std::thread::park_timeout(PAUSE);
                }
            }
        })?;
        Ok(Running { thread: Some(thread), stop, ended })
    }
}

impl Running {
    /// Ends the round under way as soon as that is safe, and returns when the thread has ended, or hangs.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                tracing::warn!("upkeep of the record hangs, and is left to itself");
                return;
            }
            // if it panicked there is nothing left to end
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

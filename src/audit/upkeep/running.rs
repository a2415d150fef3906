//! The thread that rounds run on, and its owner.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Upkeep;

/// From the end of one round to the next.
const PAUSE: Duration = Duration::from_secs(5);

/// Whatever calls need goes first.
const NICE: i32 = 15;

/// The thread; it ends when this is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    thread: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Upkeep {
    /// Goes round after round on a thread of its own.
    pub fn start(mut self) -> io::Result<Running> {
        let stop = self.stop.clone();
        let over = stop.clone();
        let thread = std::thread::Builder::new().name("upkeep".to_owned()).spawn(move || {
            // only a courtesy; without it everything works the same
            let _ = rustix::process::setpriority_process(None, NICE);
            while !over.is_cancelled() {
                self.round();
                if !over.is_cancelled() {
                    std::thread::park_timeout(PAUSE);
                }
            }
        })?;
        Ok(Running { thread: Some(thread), stop })
    }
}

impl Running {
    /// Ends the round under way as soon as that is safe, and returns when the thread has ended.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
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

//! One wake-up per batch and thread instead of one per call. Waking a task from another thread costs
//! a system call each time; a [`Relay`] is woken once, and wakes its own thread's calls for nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use tokio::sync::Notify;

use crate::audit::writer::queue::Shared;

thread_local! {
    static HERE: RefCell<Option<Waiting>> = const { RefCell::new(None) };
}

/// The calls of this thread that wait for entries of one log, by index.
struct Waiting {
    shared: Arc<Shared>,
    bell: Arc<Bell>,
    calls: BTreeMap<u64, Waker>,
}

/// Rung by the writer after a batch, and when the log fails.
#[derive(Debug, Default)]
pub(super) struct Bell {
    /// Somebody on the bell's thread waits.
    armed: AtomicBool,
    ring: Notify,
}

impl Bell {
    pub fn ring(&self) {
        if self.armed.load(Ordering::SeqCst) {
            self.ring.notify_one();
        }
    }
}

/// Lets `waker` be woken by this thread's relay; `false` if it has none for this log. The caller has
/// to look again after that: what became durable before this call rings for nobody.
pub(super) fn wait_here(shared: &Arc<Shared>, index: u64, waker: &Waker) -> bool {
    HERE.with_borrow_mut(|here| {
        let Some(waiting) = here.as_mut().filter(|waiting| Arc::ptr_eq(&waiting.shared, shared)) else { return false };
        waiting.calls.entry(index).and_modify(|known| known.clone_from(waker)).or_insert_with(|| waker.clone());
        waiting.bell.armed.store(true, Ordering::SeqCst);
        true
    })
}

/// This thread's relay, as long as it lives and runs. It stays on its thread.
pub(super) struct Relay {
    bell: Arc<Bell>,
    shared: Arc<Shared>,
    _stays: PhantomData<Rc<()>>,
}

impl Relay {
    /// `None` if the thread has a relay already.
    pub fn begin(shared: &Arc<Shared>) -> Option<Self> {
        let bell = Arc::new(Bell::default());
        HERE.with_borrow_mut(|here| {
            if here.is_some() {
                return None;
            }
            shared.add_bell(bell.clone());
            *here = Some(Waiting { shared: shared.clone(), bell: bell.clone(), calls: BTreeMap::new() });
            Some(Self { bell, shared: shared.clone(), _stays: PhantomData })
        })
    }

    /// Wakes calls as their entries become durable; never ends by itself.
    pub async fn run(&self) {
        loop {
            self.bell.ring.notified().await;
            let ready = HERE.with_borrow_mut(|here| {
                let Some(waiting) = here else { return BTreeMap::new() };
                let later = self.shared.durable_below().map(|durable| waiting.calls.split_off(&durable));
                let later = later.unwrap_or_default();
                if later.is_empty() {
                    // whoever comes next arms it, and looks for itself
                    self.bell.armed.store(false, Ordering::SeqCst);
                }
                std::mem::replace(&mut waiting.calls, later)
            });
            ready.into_values().for_each(Waker::wake);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.remove_bell(&self.bell);
        // who still waits asks the writer itself
        let waiting = HERE.with_borrow_mut(Option::take);
        waiting.into_iter().flat_map(|waiting| waiting.calls.into_values()).for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;
    use std::pin::pin;

    use tokio::task::JoinSet;

    use crate::audit::storage::{SegmentFile, Storage};
    use crate::audit::{Entry, Event, Log, Options, RecordUnavailable};
    use crate::clock::Clock;

    /// A disk whose syncs fail after so many.
    struct Failing(usize);

    impl Storage for Failing {
        fn create(&self, _: &Path) -> io::Result<Box<dyn SegmentFile>> {
            Ok(Box::new(Self(self.0)))
        }

        fn resume(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
            self.create(path)
        }

        fn free(&self, _: &Path) -> io::Result<u64> {
            Ok(u64::MAX)
        }
    }

    impl SegmentFile for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn sync(&mut self) -> io::Result<()> {
            self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::Other)?;
            Ok(())
        }
    }

    fn log(folder: &Path, syncs: usize) -> Log {
        let disk = std::sync::Arc::new(Failing(syncs));
        Log::open_on(disk, folder, Options::default(), Clock::system()).unwrap().0
    }

    async fn calls(log: &Log) -> Vec<Result<(), RecordUnavailable>> {
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let pending = log.append(&Entry::<&str>::new(Event::Call));
            tasks.spawn(async move { pending.await.map(|_| ()) });
        }
        tasks.join_all().await
    }

    #[test]
    fn calls_get_their_receipts_while_a_relay_runs_and_after_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path(), usize::MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for _ in 0..200 {
                tokio::select! {
                    biased;
                    () = log.relay() => panic!("a relay ended"),
                    all = calls(&log) => assert!(all.iter().all(Result::is_ok)),
                }
            }
            let mut waiting = pin!(calls(&log));
            tokio::select! {
                biased;
                () = log.relay() => panic!("a relay ended"),
                _ = waiting.as_mut() => return,
                () = tokio::task::yield_now() => {}
            }
            assert!(waiting.await.iter().all(Result::is_ok));
        });
    }

    #[test]
    fn a_failed_log_refuses_who_waits_at_a_relay() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path(), 1);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = log.relay() => panic!("a relay ended"),
                all = calls(&log) => assert!(all.iter().all(Result::is_err)),
            }
        });
    }
}

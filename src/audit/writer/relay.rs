//! Waking many callers for the price of one. A wake from the writer's thread costs a system call on
//! most runtimes; from a task of the caller's own runtime it costs next to nothing. So where a
//! [`Relay`] runs, the writer wakes only that, and it wakes the rest.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::audit::writer::queue::Shared;

/// A task to be spawned beside the callers. It never ends; without it everything works the same, only dearer.
#[derive(Debug)]
#[must_use = "a relay does nothing until it is spawned"]
pub struct Relay {
    shared: Arc<Shared>,
    /// Its number among all relays; the newest one is used.
    number: Option<u64>,
}

/// What the writer and the relay hand each other.
#[derive(Debug, Default)]
pub(super) struct Hatch(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    relay: Option<(u64, Waker)>,
    relays: u64,
    ready: Vec<Option<Waker>>,
}

impl Hatch {
    /// Wakes everyone, through the relay where there is one. Leaves `wakers` empty.
    pub fn wake(&self, wakers: &mut Vec<Option<Waker>>) {
        let mut inner = self.0.lock();
        let relay = inner.relay.as_ref().map(|(_, waker)| waker.clone());
        // for one alone there is nothing to save
        if let (Some(relay), true) = (relay, wakers.len() > 1) {
            inner.ready.append(wakers);
            drop(inner);
            relay.wake();
        } else {
            drop(inner);
            wakers.drain(..).flatten().for_each(Waker::wake);
        }
    }

    fn serve(&self, number: &mut Option<u64>, waker: &Waker) {
        let mut inner = self.0.lock();
        let mine = *number.get_or_insert_with(|| {
            inner.relays += 1;
            inner.relays
        });
        let newest = inner.relays == mine;
        if newest && inner.relay.as_ref().is_none_or(|(_, known)| !known.will_wake(waker)) {
            inner.relay = Some((mine, waker.clone()));
        }
        let ready = mem::take(&mut inner.ready);
        drop(inner);
        ready.into_iter().flatten().for_each(Waker::wake);
    }

    fn leave(&self, number: Option<u64>) {
        let mut inner = self.0.lock();
        if inner.relay.as_ref().map(|(known, _)| *known) == number {
            inner.relay = None;
        }
        let ready = mem::take(&mut inner.ready);
        drop(inner);
        // whoever was left to this relay must not wait for ever
        ready.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Relay {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: shared.clone(), number: None }
    }
}

impl Future for Relay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.shared.hatch.serve(&mut this.number, context.waker());
        Poll::Pending
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.hatch.leave(self.number);
    }
}

//! From a queued entry to its receipt. A [`Receipt`] is built here and nowhere else, and only for an
//! entry that the writer has declared durable.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::audit::encode;
use crate::audit::writer::error::RecordUnavailable;
use crate::audit::writer::queue::Shared;

/// Proof that an entry is on disk: `<stream>/<index>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    stream: Arc<str>,
    index: u64,
}

impl Receipt {
    /// The stream that holds the entry.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The entry's place in it.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// What it is displayed as, for whoever writes one with each answer.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // a number has at most twenty digits
        let mut out = Vec::with_capacity(self.stream.len() + 21);
        out.extend_from_slice(self.stream.as_bytes());
        out.push(b'/');
        encode::number(&mut out, self.index);
        out
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stream, self.index)
    }
}

/// An entry on its way to the disk.
#[derive(Debug)]
#[must_use = "an entry counts only once its receipt is there"]
pub struct Pending {
    shared: Arc<Shared>,
    queued: Result<u64, RecordUnavailable>,
    /// Who is woken already, until the first poll has seen that it is the same.
    known: Option<Known>,
}

/// A waker, as far as two are compared.
#[derive(Debug, PartialEq, Eq)]
struct Known(usize, usize);

impl Known {
    fn of(waker: &Waker) -> Self {
        Self(waker.data().addr(), std::ptr::from_ref(waker.vtable()).addr())
    }
}

impl Pending {
    pub(super) fn new(shared: &Arc<Shared>, queued: Result<u64, RecordUnavailable>, waker: Option<&Waker>) -> Self {
        Self { shared: shared.clone(), queued, known: waker.map(Known::of) }
    }

    /// Waits on this thread.
    pub(super) fn wait(self) -> Result<Receipt, RecordUnavailable> {
        let index = self.queued?;
        self.shared.wait_durable(index)?;
        Ok(Receipt { stream: self.shared.stream.clone(), index })
    }
}

impl Future for Pending {
    type Output = Result<Receipt, RecordUnavailable>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let index = match self.queued {
            Ok(index) => index,
            Err(reason) => return Poll::Ready(Err(reason)),
        };
        let known = self.known.take();
        if known.is_some_and(|known| known == Known::of(context.waker())) && !self.shared.is_durable(index) {
            return Poll::Pending;
        }
        self.shared
            .poll_durable(index, context.waker())
            .map_ok(|()| Receipt { stream: self.shared.stream.clone(), index })
    }
}

/// What wakes the task that asks.
pub fn own_waker() -> impl Future<Output = Waker> {
    poll_fn(|context| Poll::Ready(context.waker().clone()))
}

//! A thread that callers come from, as the writer knows it: whether it is at work.

use std::cell::Cell;
use std::sync::Arc;

use crate::audit::writer::queue::Shared;

thread_local! {
    /// Where what is shared with the writer lies that this thread will tell of its next rest; 0 if it will tell none.
    static WILL_TELL: Cell<usize> = const { Cell::new(0) };
}

/// One such thread, at work from the beginning, until this is dropped.
pub(super) struct Crew(Arc<Shared>);

impl Crew {
    pub fn new(shared: Arc<Shared>) -> Self {
        shared.crew_comes();
        Self(shared)
    }

    /// It has something to do. Said on the thread itself.
    pub fn works(&self) {
        WILL_TELL.set(place(&self.0));
        self.0.crew_works();
    }

    /// It has nothing to do. Said on the thread itself.
    pub fn rests(&self) {
        WILL_TELL.set(0);
        self.0.crew_rests();
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        if will_tell(&self.0) {
            WILL_TELL.set(0);
        }
        self.0.crew_goes();
    }
}

/// Whether this thread is at work, and says so when it rests.
pub(super) fn will_tell(shared: &Shared) -> bool {
    WILL_TELL.get() == place(shared)
}

fn place(shared: &Shared) -> usize {
    std::ptr::from_ref(shared).addr()
}

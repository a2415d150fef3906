//! A thread that callers come from, as the writer knows it: whether it is at work.

use std::sync::Arc;

use crate::audit::writer::queue::Shared;

/// One such thread, at work from the beginning, until this is dropped.
pub(super) struct Crew(Arc<Shared>);

impl Crew {
    pub fn new(shared: Arc<Shared>) -> Self {
        shared.crew_comes();
        Self(shared)
    }

    /// It has something to do.
    pub fn works(&self) {
        self.0.crew_works();
    }

    /// It has nothing to do.
    pub fn rests(&self) {
        self.0.crew_rests();
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.0.crew_goes();
    }
}

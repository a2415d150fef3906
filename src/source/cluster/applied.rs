//! How far the consumer has come, per kind: what it has taken in, not what it has been told. Written by
//! the one who takes in, read by those who vouch for it.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::source::change::{Version, Watched};

/// Versions taken in; clones are the same.
#[derive(Clone, Debug)]
pub struct Applied(watch::Sender<State>);

#[derive(Clone, Debug, Default)]
struct State {
    versions: BTreeMap<Watched, Version>,
    /// Grows with every real change that was taken in.
    moves: u64,
}

/// What was taken in at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub versions: BTreeMap<Watched, Version>,
    moves: u64,
}

impl Default for Applied {
    fn default() -> Self {
        Self(watch::Sender::new(State::default()))
    }
}

impl Applied {
    /// What was told up to these versions has had its effect; `news` when it was a real change.
    pub fn took(&self, reached: impl IntoIterator<Item = (Watched, Version)>, news: bool) {
        self.0.send_modify(|state| {
            state.versions.extend(reached);
            state.moves += u64::from(news);
        });
    }

    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let state = self.0.borrow();
        Snapshot { versions: state.versions.clone(), moves: state.moves }
    }

    /// Whether something of everything that is watched was taken in.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.borrow().versions.len() == Watched::ALL.len()
    }

    /// Resolves once a real change was taken in after `seen`.
    pub async fn moved_since(&self, seen: &Snapshot) {
        // this holds a sender, so the wait cannot fail
        let _ = self.0.subscribe().wait_for(|state| state.moves != seen.moves).await;
    }

    /// Resolves once each of these versions was taken in.
    pub async fn reached(&self, wanted: &BTreeMap<Watched, Version>) {
        let there = |state: &State| {
            wanted.iter().all(|(watched, least)| state.versions.get(watched).is_some_and(|v| v >= least))
        };
        let _ = self.0.subscribe().wait_for(there).await;
    }
}

//! The thread that follows the directory; it alone changes the index. When it ends, the view is stale
//! and the process stops.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::UpError;
use super::sampling::Sampling;
use crate::cli::keeper::{First, Keeper};
use crate::cli::world::site;
use crate::clock::Clock;
use crate::guard::retention::Retentions;
use crate::guard::view::View;
use crate::source::live::Live;

/// How long it waits for an event before it looks at the clock.
const PATIENCE: Duration = Duration::from_millis(100);

/// Everything that changes when the directory does.
pub struct Watcher {
    pub directory: PathBuf,
    pub keeper: Keeper,
    pub live: Live,
    pub view: View,
    pub retentions: Retentions,
    pub sampling: Sampling,
    pub clock: Clock,
}

impl Watcher {
    pub fn start(mut self, stop: CancellationToken) -> JoinHandle<Result<(), UpError>> {
        std::thread::spawn(move || {
            let result = self.follow(&stop);
            // without this thread the view is stale, and the process ends
            self.view.prove(None);
            stop.cancel();
            result
        })
    }

    fn follow(&mut self, stop: &CancellationToken) -> Result<(), UpError> {
        while !stop.is_cancelled() {
            let batch = self.live.next(PATIENCE);
            if !batch.is_empty() {
                for change in &batch.changes {
                    self.retentions.take(change);
                }
                let outcome = self.keeper.take(batch)?;
                tell(&outcome.said);
                if let Some(settings) = self.keeper.settings().filter(|_| outcome.settings) {
                    self.view.set(settings.into());
                }
                if outcome.reload {
                    self.reload()?;
                }
                self.sampling.refresh();
            }
            tell(&self.keeper.tick()?);
        }
        Ok(())
    }

    /// After a change of the settings: nothing stands until everything has been read again, and the view is stale
    /// meanwhile, since a token that is not known yet may well be good. Without settings nothing stands at all; how
    /// long the directory has been gone says whether the view is stale.
    fn reload(&mut self) -> Result<(), UpError> {
        let Some(site) = self.keeper.settings().map(site) else {
            self.keeper.start_over();
            return Ok(());
        };
        self.view.prove(None);
        self.keeper.start_over();
        let mut first = First::default();
        self.live = Live::open(&self.directory, self.clock.clone(), &mut |batch| {
            for change in &batch.changes {
                self.retentions.take(change);
            }
            first.add(batch.changes, &site);
        })?;
        self.keeper.first(first)?;
        let freshness = self.live.freshness();
        self.view.prove(Some(Arc::new(move || freshness.last_readable())));
        Ok(())
    }
}

fn tell(lines: &[String]) {
    for line in lines {
        eprintln!("{line}");
    }
}

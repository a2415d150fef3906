//! The thread that follows the directory; it alone changes the index. When it ends, the view is stale
//! and the process stops.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::UpError;
use super::keeper::{self, Keeper};
use super::sampling::Sampling;
use crate::api::v1alpha1::Kind;
use crate::cli::world::site;
use crate::clock::Clock;
use crate::guard::retention::Retentions;
use crate::guard::view::{View, ViewSettings};
use crate::judge::facts::{Key, Texts};
use crate::settings::Settings;
use crate::source::change::SourceChange;
use crate::source::live::Live;
use crate::source::object::Spec;

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
                    take_policy(&self.retentions, change);
                }
                let outcome = self.keeper.take(batch)?;
                tell(&outcome.said);
                if outcome.reload {
                    self.reload()?;
                }
                self.sampling.refresh();
            }
            tell(&self.keeper.tick()?);
        }
        Ok(())
    }

    /// After a change of the settings: nothing stands until everything has been read again. Without
    /// settings nothing stands at all; how long the directory has been gone says whether the view is stale.
    fn reload(&mut self) -> Result<(), UpError> {
        self.keeper.start_over();
        let Some(settings) = self.keeper.settings() else { return Ok(()) };
        self.view.set(view_settings(settings));
        let site = site(settings);
        let (mut changes, mut texts) = (Vec::new(), Texts::default());
        self.live = Live::open(&self.directory, self.clock.clone(), &mut |batch| {
            for change in &batch.changes {
                take_policy(&self.retentions, change);
            }
            changes.extend(keeper::read_all(&batch.changes, &site, &mut texts));
        })?;
        self.keeper.first(changes)?;
        let freshness = self.live.freshness();
        self.view.prove(Some(Arc::new(move || freshness.last_readable())));
        Ok(())
    }
}

/// What of the settings concerns the view.
pub fn view_settings(settings: &Settings) -> ViewSettings {
    ViewSettings { max_staleness: settings.max_staleness, trusted_gateways: settings.trusted_gateways.clone() }
}

/// Keeps how long records must be kept.
pub fn take_policy(retentions: &Retentions, change: &SourceChange) {
    match change {
        SourceChange::Put(object, _) => {
            if let Spec::AuditPolicy(spec) = &object.spec {
                retentions.set(Key::new(object.namespace.as_str(), object.name.as_str()), spec);
            }
        }
        SourceChange::Gone(key, _) if key.kind() == Kind::AuditPolicy => {
            retentions.remove(&Key::new(key.namespace(), key.name()));
        }
        _ => {}
    }
}

fn tell(lines: &[String]) {
    for line in lines {
        eprintln!("{line}");
    }
}

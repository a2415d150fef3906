//! A directory that is followed while it changes: the whole of it first, then batch after batch. One
//! thread owns it and calls [`Live::next`]; that thread waits for the kernel's events itself, so
//! nothing stands between a closed file and its effect. A slow walk in small steps runs beside the
//! events and finds what they missed.

mod freshness;
mod look;
mod site;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::change::Batch;
use super::directory::{Directory, Entry, Role, RootError, Walk};
use super::finding::Finding;
use super::tree_state::{Observation, TreeState};
use super::watch::{Event, Quiet, Watch};
use crate::clock::Clock;
pub use freshness::Freshness;
use site::SiteFiles;

/// Files that are read for one batch.
const BATCH_FILES: usize = 256;
/// Entries the walk takes between two looks at the events.
const WALK_STEP: usize = 512;
/// Longest wait, so that the root is looked at a few times a second.
const TICK: Duration = Duration::from_millis(200);
/// Pause between walks: at least this, and so long that walking takes a twentieth of the time at most.
const WALK_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// The same where events cannot be had.
const WALK_PAUSE_BLIND: SignedDuration = SignedDuration::from_millis(500);

/// The directory cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error(transparent)]
    Root(#[from] RootError),
    #[error("{path}: {message}; {fix}")]
    TooManyFiles { path: String, message: String, fix: String },
}

/// A followed directory.
#[derive(Debug)]
pub struct Live {
    directory: Directory,
    tree: TreeState,
    site: SiteFiles,
    watch: Watch,
    quiet: Quiet,
    clock: Clock,
    freshness: Freshness,
    /// The directory that stands at the root's path; `None` while there is none.
    identity: Option<(u64, u64)>,
    root_checked: Timestamp,
    /// Files to look at before all others: those that may hold Revocations.
    urgent: BTreeSet<String>,
    suspects: BTreeSet<String>,
    walk: Option<(Walk, Timestamp)>,
    next_walk: Timestamp,
    /// Number of the walk, to tell which files it met.
    round: u32,
    /// More files than allowed: something may be missing, and it may be a Revocation.
    cut: bool,
}

impl Live {
    /// Reads the directory at `root` and begins to follow it, as [`Live::follow`] does.
    ///
    /// # Errors
    /// When it cannot be read, and as [`Live::follow`].
    pub fn open(root: &Path, clock: Clock, sink: &mut (dyn FnMut(Batch) + Send)) -> Result<Self, LiveError> {
        Self::follow(Directory::open(root)?, clock, sink)
    }

    /// Reads the whole directory, in batches given to `sink`, and begins to follow it. While one batch is
    /// taken in, the files of the next are read.
    ///
    /// # Errors
    /// When it holds too many files.
    pub fn follow(directory: Directory, clock: Clock, sink: &mut (dyn FnMut(Batch) + Send)) -> Result<Self, LiveError> {
        let now = clock.now();
        let mut live = Self {
            directory,
            tree: TreeState::default(),
            site: SiteFiles::default(),
            watch: Watch::new(),
            quiet: Quiet::default(),
            clock,
            freshness: Freshness::new(now),
            identity: None,
            root_checked: now,
            urgent: BTreeSet::new(),
            suspects: BTreeSet::new(),
            walk: None,
            next_walk: now + WALK_PAUSE,
            round: 1,
            cut: false,
        };
        live.identity = live.directory.identity().ok();
        if !live.watch.is_complete() {
            live.next_walk = now + WALK_PAUSE_BLIND;
        }
        let found = live.survey("");
        if live.cut {
            let Finding { message, fix, .. } = live.directory.too_many();
            return Err(LiveError::TooManyFiles { path: live.directory.root().display().to_string(), message, fix });
        }
        live.suspects.extend(found);
        sink(live.site.look(&live.directory, true));
        let mut seen = Vec::new();
        while !live.suspects.is_empty() || !seen.is_empty() {
            let paths = live.some_suspects();
            let Self { directory, tree, round, .. } = &mut live;
            let before = std::mem::take(&mut seen);
            (seen, ()) = rayon::join(|| look::all(directory, paths), || sink(take_in(tree, directory, before, *round)));
            if live.check_root() {
                live.suspects.extend(seen.drain(..).map(|one| one.path));
            }
        }
        Ok(live)
    }

    /// What changed: waits `patience` at most (and never long) for something to. Often empty.
    pub fn next(&mut self, patience: Duration) -> Batch {
        let mut events = Vec::new();
        let busy = !self.suspects.is_empty() || !self.urgent.is_empty();
        let wait = match (busy, self.walk.is_some() || !self.quiet.is_empty()) {
            (true, _) => Duration::ZERO,
            (false, true) => Duration::from_millis(2),
            (false, false) => TICK,
        };
        self.watch.wait(wait.min(patience), &mut events);
        let now = self.clock.now();
        let mut batch = Batch::default();
        let root_event = events.contains(&Event::Root);
        if root_event || now.duration_since(self.root_checked).abs() >= SignedDuration::from_millis(200) {
            self.root_checked = now;
            self.check_root();
        }
        for event in events {
            self.handle(event, now);
        }
        self.walk_on(now);
        self.suspects.extend(self.quiet.due(now));
        if self.site.is_suspect(&mut self.suspects) {
            batch = self.site.look(&self.directory, self.identity.is_some());
        }
        if batch.is_empty() { self.look_at_some() } else { batch }
    }

    /// When the directory was last known to be readable.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.freshness.clone()
    }

    /// Everything that is wrong in the directory now.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut all = self.site.findings();
        all.extend(self.tree.findings());
        all.extend(self.cut.then(|| self.directory.too_many()));
        all
    }

    /// Whether file events cover the whole tree; if not, changes are noticed by walking only.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.watch.is_complete()
    }

    fn handle(&mut self, event: Event, now: Timestamp) {
        let counts = |path: &str| Role::of(path) != Role::Other;
        match event {
            Event::Settled(path) if counts(&path) => {
                self.quiet.settle(&path);
                self.suspects.insert(path);
            }
            Event::Unsettled(path) if counts(&path) => self.stir(path, now),
            Event::Removed(path) if counts(&path) => self.removed(path, now),
            Event::Settled(_) | Event::Unsettled(_) | Event::Removed(_) | Event::Root => {}
            Event::DirectoryAdded(path) => {
                for file in self.survey(&path) {
                    self.stir(file, now);
                }
            }
            Event::DirectoryRemoved(path) => {
                self.watch.forget(&path);
                for file in self.tree.below(&path) {
                    self.removed(file, now);
                }
            }
            Event::Lost => {
                self.walk = None;
                self.next_walk = now;
            }
        }
    }

    /// A file that was removed is absent; if it is there, it is being written anew and its writer
    /// will close it.
    fn removed(&mut self, path: String, now: Timestamp) {
        if self.directory.path(&path).symlink_metadata().is_ok() {
            self.stir(path, now);
        } else {
            self.quiet.settle(&path);
            self.suspects.insert(path);
        }
    }

    fn stir(&mut self, path: String, now: Timestamp) {
        if !self.quiet.stir(path.clone(), now) {
            self.suspects.insert(path);
        }
    }

    /// Watches a directory and all below it, and finds the files that are not known as they are. A
    /// directory is watched before it is read, so that no file slips in between.
    fn survey(&mut self, start: &str) -> Vec<String> {
        let mut walk = Walk::below(start);
        let mut found = Vec::new();
        while let Some(entry) = walk.step(&self.directory) {
            match entry {
                Entry::Directory(path) => {
                    self.watch.add(&self.directory.path(&path), &path);
                    walk.enter(&self.directory, path);
                }
                Entry::File(path, met) => {
                    if !self.tree.is_known(&path, || met.stamp(), self.round) {
                        found.push(path);
                    }
                }
            }
        }
        self.cut |= walk.is_cut();
        found
    }

    /// Is the root there, and is it the one we follow? Another one, or none, changes everything: then true.
    fn check_root(&mut self) -> bool {
        match self.directory.identity() {
            Ok(identity) => {
                if !self.cut {
                    self.freshness.touch(self.clock.now());
                }
                if self.identity != Some(identity) {
                    self.identity = Some(identity);
                    self.start_over();
                    return true;
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                if self.identity.take().is_some() {
                    self.start_over();
                    return true;
                }
            }
            // permissions, exhaustion: nothing is known to have gone, but freshness runs out
            Err(_) => {}
        }
        false
    }

    /// Watches and looks at everything anew. Revocations come first: the guard may be serving.
    fn start_over(&mut self) {
        self.watch.forget("");
        self.cut = false;
        self.quiet = Quiet::default();
        self.walk = None;
        self.site.suspect();
        self.suspects.extend(self.tree.below(""));
        let found = self.survey("");
        self.urgent = look::with_revocations(&self.directory, &found);
        self.suspects.extend(found);
    }

    /// One small step of the walk that finds what events missed.
    fn walk_on(&mut self, now: Timestamp) {
        if self.walk.is_none() {
            // a clock that was set back must not put the walk off
            let due = now >= self.next_walk || self.next_walk.duration_since(now) > SignedDuration::from_mins(5);
            if !due || self.identity.is_none() {
                return;
            }
            self.round = self.round.wrapping_add(1);
            self.walk = Some((Walk::below(""), now));
        }
        let Some((mut walk, began)) = self.walk.take() else { return };
        for _ in 0..WALK_STEP {
            match walk.step(&self.directory) {
                Some(Entry::Directory(path)) => {
                    self.watch.add(&self.directory.path(&path), &path);
                    walk.enter(&self.directory, path);
                }
                Some(Entry::File(path, met)) => {
                    let known =
                        self.tree.is_known(&path, || met.stamp(), self.round) || self.site.is_known(&path, met.stamp());
                    if !known && !self.quiet.is_waiting(&path) {
                        self.stir(path, now);
                    }
                }
                None => {
                    self.cut = walk.is_cut();
                    if !self.cut {
                        for path in self.tree.not_met(self.round) {
                            self.removed(path, now);
                        }
                    }
                    let took = now.duration_since(began).abs();
                    let (least, share) =
                        if self.watch.is_complete() { (WALK_PAUSE, 20) } else { (WALK_PAUSE_BLIND, 5) };
                    self.next_walk = now + least.max(took * share).min(SignedDuration::from_mins(1));
                    return;
                }
            }
        }
        self.walk = Some((walk, began));
    }

    /// Reads a bounded number of suspects and takes them in.
    fn look_at_some(&mut self) -> Batch {
        let paths = self.some_suspects();
        if paths.is_empty() {
            return Batch::default();
        }
        let seen = look::all(&self.directory, paths);
        take_in(&mut self.tree, &self.directory, seen, self.round)
    }

    /// A bounded number of suspects, the urgent ones first and by themselves.
    fn some_suspects(&mut self) -> Vec<String> {
        let mut paths = Vec::new();
        while paths.len() < BATCH_FILES
            && let Some(path) = self.urgent.pop_first()
        {
            self.suspects.remove(&path);
            paths.push(path);
        }
        while paths.len() < BATCH_FILES
            && self.urgent.is_empty()
            && let Some(path) = self.suspects.pop_first()
        {
            paths.push(path);
        }
        paths.retain(|path| Role::of(path) == Role::Objects);
        paths
    }
}

fn take_in(tree: &mut TreeState, directory: &Directory, seen: Vec<Observation>, round: u32) -> Batch {
    tree.apply(seen, round, &|key, place| look::one(directory, key, place))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn without_events_the_walk_notices_everything() {
        let dir = tempfile::tempdir().unwrap();
        let policy = "apiVersion: datashare.dev/v1alpha1\nkind: AuditPolicy\nmetadata: {namespace: a, name: p}\nspec:\n  retention: {period: 184d, personal: 1096d}\n";
        let mut live = Live::open(dir.path(), Clock::system(), &mut |_| ()).unwrap();
        live.watch = Watch::blind();
        live.next_walk = live.clock.now();
        assert!(!live.is_watched());
        let mut until = |what: &str| {
            let said = (0..2000).flat_map(|_| live.next(Duration::from_millis(20)).said).next();
            assert!(said.is_some_and(|line| line.ends_with(what)), "{what}");
        };
        let file = dir.path().join("new/p.yaml");
        std::fs::create_dir(dir.path().join("new")).unwrap();
        std::fs::write(&file, policy).unwrap();
        until("is there");
        std::fs::write(&file, policy.replace("184d", "200d")).unwrap();
        until("changed");
        std::fs::remove_file(&file).unwrap();
        until("is gone");
    }
}

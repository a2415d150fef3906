//! A directory followed on real files: each kind of change takes effect, whoever makes it and however.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use datashare::api::v1alpha1::Kind;
use datashare::clock::Clock;
use datashare::source::change::{Batch, Place, SourceChange};
use datashare::source::directory::Directory;
use datashare::source::live::{Live, LiveError};
use datashare::source::object::ObjectKey;

use super::{GRANT, RESOURCE, REVOCATION};

/// Calls of `next` before a change counts as missed; each waits for an event or a tick.
const PATIENCE: usize = 200;

struct World {
    live: Live,
    /// What a consumer of the stream would hold: key (of Revocations with place) to place and spec.
    held: BTreeMap<String, String>,
    settings: Option<bool>,
    signers: String,
    said: Vec<String>,
}

impl World {
    fn open(root: &Path) -> Self {
        let mut first = Vec::new();
        let live = Live::open(root, Clock::system(), &mut |batch| first.push(batch)).unwrap();
        let mut world = Self { live, held: BTreeMap::new(), settings: None, signers: String::new(), said: Vec::new() };
        first.into_iter().for_each(|batch| world.take_in(batch));
        world
    }

    fn take_in(&mut self, batch: Batch) {
        for change in batch.changes {
            match change {
                SourceChange::Put(object, place) => {
                    self.held.insert(name(&object.key(), &place), format!("{}: {:?}", place.file, object.spec));
                }
                SourceChange::Gone(key, place) => {
                    let held = self.held.remove(&name(&key, &place));
                    assert!(held.is_some(), "{key} at {} went but was never there", place.file);
                }
                SourceChange::Settings(settings) => self.settings = Some(settings.is_some()),
                SourceChange::Signers(text) => self.signers = text,
                other => panic!("a directory does not tell {other:?}"),
            }
        }
        self.said.extend(batch.said);
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE {
            if holds(self) {
                return;
            }
            let batch = self.live.next(Duration::from_millis(50));
            self.take_in(batch);
        }
        panic!("{what}: {:#?}\n{:#?}", self.held.keys(), self.said);
    }

    fn has(&self, part: &str) -> bool {
        self.held.keys().any(|key| key.contains(part))
    }
}

fn tree() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("objects");
    fs::create_dir_all(root.join("grants")).unwrap();
    fs::write(root.join("datashare.yaml"), "site: jinan\n").unwrap();
    fs::write(root.join("grants/deed-tax.yaml"), GRANT).unwrap();
    (dir, root)
}

fn name(key: &ObjectKey, place: &Place) -> String {
    if key.kind() == Kind::Revocation { format!("{key}@{}", place.file) } else { format!("{key}@") }
}

#[test]
fn files_written_edited_renamed_and_removed() {
    let (_dir, root) = tree();
    let mut world = World::open(&root);
    assert!(world.has("AccessGrant jinan/deed-tax@") && world.settings == Some(true));
    fs::write(root.join("leak.yaml"), REVOCATION).unwrap();
    world.until("written", |world| world.has("Revocation"));
    fs::write(root.join("grants/deed-tax.yaml"), GRANT.replace("perSecond: 20", "perSecond: 21")).unwrap();
    world.until("edited", |world| world.held.values().any(|spec| spec.contains("21")));
    assert!(
        world.said.contains(&"grants/deed-tax.yaml: AccessGrant jinan/deed-tax changed".to_owned()),
        "{:?}",
        world.said
    );
    // as editors save: write beside, rename over
    fs::write(root.join("grants/.deed-tax.yaml.swp"), "x").unwrap();
    fs::write(root.join("grants/deed-tax.yaml~"), GRANT.replace("perSecond: 20", "perSecond: 22")).unwrap();
    fs::rename(root.join("grants/deed-tax.yaml~"), root.join("grants/deed-tax.yaml")).unwrap();
    world.until("renamed over", |world| world.held.values().any(|spec| spec.contains("22")));
    fs::rename(root.join("grants/deed-tax.yaml"), root.join("grants/other.yaml")).unwrap();
    world.until("moved", |world| world.held.values().any(|place| place.starts_with("grants/other.yaml")));
    fs::write(root.join("grants/other.yaml"), "kind: [\n").unwrap();
    world.until("broken", |world| !world.has("AccessGrant"));
    assert_eq!(world.live.findings().len(), 1);
    fs::write(root.join("grants/other.yaml"), GRANT).unwrap();
    world.until("mended", |world| world.has("AccessGrant"));
    assert!(world.live.findings().is_empty());
    fs::remove_file(root.join("grants/other.yaml")).unwrap();
    world.until("removed", |world| !world.has("AccessGrant"));
    fs::write(root.join("allowed_signers"), "a ssh-ed25519 AAAA\n").unwrap();
    world.until("signers", |world| world.signers.starts_with("a ssh"));
    fs::write(root.join("datashare.yaml"), "sites: x\n").unwrap();
    world.until("bad settings", |world| world.settings == Some(false));
    fs::remove_file(root.join("allowed_signers")).unwrap();
    world.until("no signers", |world| world.signers.is_empty());
}

#[test]
fn a_writer_that_pauses_or_never_closes() {
    let (_dir, root) = tree();
    let mut world = World::open(&root);
    let mut file = fs::File::create(root.join("slow.yaml")).unwrap();
    file.write_all(REVOCATION.as_bytes()).unwrap();
    world.until("never closed", |world| world.has("Revocation"));
    drop(file);
    fs::hard_link(root.join("grants/deed-tax.yaml"), root.join("linked.yaml")).unwrap();
    world.until("a hard link: both are duplicates", |world| !world.has("AccessGrant"));
    fs::remove_file(root.join("linked.yaml")).unwrap();
    world.until("one is left", |world| world.has("AccessGrant"));
}

#[test]
fn new_directories_are_entered_at_once() {
    let (dir, root) = tree();
    let mut world = World::open(&root);
    for round in 0..20 {
        let deep = root.join(format!("a{round}/b/c"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("r.yaml"), REVOCATION).unwrap();
        world.until("deep", |world| world.has(&format!("a{round}/b/c/r.yaml")));
        fs::write(deep.join("s.yaml"), REVOCATION.replace("name: leak", "name: more")).unwrap();
        world.until("deeper", |world| world.has(&format!("a{round}/b/c/s.yaml")));
        fs::remove_dir_all(root.join(format!("a{round}"))).unwrap();
        world.until("gone", |world| !world.has("Revocation"));
    }
    // moved in and out whole
    let outside = dir.path().join("outside");
    fs::create_dir_all(outside.join("x")).unwrap();
    fs::write(outside.join("x/r.yaml"), REVOCATION).unwrap();
    fs::rename(&outside, root.join("inside")).unwrap();
    world.until("moved in", |world| world.has("inside/x/r.yaml"));
    fs::rename(root.join("inside"), &outside).unwrap();
    world.until("moved out", |world| !world.has("Revocation"));
    fs::write(outside.join("x/later.yaml"), REVOCATION).unwrap();
    fs::rename(&outside, root.join("again")).unwrap();
    world.until("moved in again", |world| world.has("again/x/later.yaml"));
}

#[test]
fn the_root_goes_and_comes_back() {
    let (dir, root) = tree();
    fs::write(root.join("leak.yaml"), REVOCATION).unwrap();
    let mut world = World::open(&root);
    let freshness = world.live.freshness();
    fs::rename(&root, dir.path().join("away")).unwrap();
    world.until("absent", |world| world.held.is_empty() && world.settings == Some(false));
    let stale = freshness.last_readable();
    let batch = world.live.next(Duration::from_millis(250));
    assert!(batch.is_empty() && freshness.last_readable() == stale, "no root, no proof of freshness");
    fs::rename(dir.path().join("away"), &root).unwrap();
    let mut closing = Vec::new();
    for _ in 0..PATIENCE {
        let batch = world.live.next(Duration::from_millis(50));
        closing.extend(batch.changes.iter().filter_map(|change| match change {
            SourceChange::Put(object, _) => Some(object.kind().name()),
            _ => None,
        }));
        world.take_in(batch);
        if world.held.len() == 2 {
            break;
        }
    }
    assert_eq!(closing, ["Revocation", "AccessGrant"], "Revocations come back first");
    assert!(freshness.last_readable() > stale);
    // replaced by another directory at the same path
    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("r.yaml"), RESOURCE).unwrap();
    fs::rename(&root, dir.path().join("old")).unwrap();
    fs::rename(&other, &root).unwrap();
    world.until("replaced", |world| world.held.len() == 1 && world.has("SharedResource"));
    fs::write(root.join("leak.yaml"), REVOCATION).unwrap();
    world.until("the new root is watched", |world| world.has("Revocation"));
}

#[test]
fn git_checkout_of_branches() {
    let (_dir, root) = tree();
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=one"];
        let done = Command::new("git").args(identity).args(args).current_dir(&root).output().unwrap();
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let many = |name: &str, count: usize| {
        for number in 0..count {
            let text = REVOCATION.replace("name: leak", &format!("name: {name}-{number}"));
            fs::create_dir_all(root.join(format!("d{}", number % 7))).unwrap();
            fs::write(root.join(format!("d{}/{number}.yaml", number % 7)), text).unwrap();
        }
    };
    git(&["init", "-q"]);
    many("one", 300);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "one"]);
    git(&["checkout", "-q", "-b", "two"]);
    git(&["rm", "-q", "-r", "d0", "grants"]);
    many("two", 250);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "two"]);
    let mut world = World::open(&root);
    for _ in 0..5 {
        git(&["checkout", "-q", "one"]);
        world.until("one", |world| {
            world.has("AccessGrant")
                && world.held.keys().filter(|key| key.contains("/one-")).count() == 300
                && !world.has("/two-")
        });
        git(&["checkout", "-q", "two"]);
        world.until("two", |world| {
            !world.has("AccessGrant")
                && world.held.keys().filter(|key| key.contains("/two-")).count() == 250
                && !world.held.keys().any(|key| key.contains("/one-1@"))
        });
    }
    assert!(world.live.findings().is_empty(), "{:#?}", world.live.findings());
}

#[test]
fn a_tree_with_too_many_files_is_not_fresh() {
    let (_dir, root) = tree();
    let bounded = || Directory::open(&root).unwrap().with_max_files(4);
    let mut live = Live::follow(bounded(), Clock::system(), &mut |_| ()).unwrap();
    let freshness = live.freshness();
    fs::create_dir(root.join("more")).unwrap();
    for number in 0..5 {
        fs::write(root.join(format!("more/{number}.yaml")), "").unwrap();
    }
    let mut calls = 0..1000;
    while live.findings().iter().all(|finding| finding.code.name() != "too-many-files") {
        assert!(calls.next().is_some());
        let _ = live.next(Duration::from_millis(50));
    }
    let stale = freshness.last_readable();
    let _ = live.next(Duration::from_millis(250));
    assert_eq!(freshness.last_readable(), stale);
    let refused = Live::follow(bounded(), Clock::system(), &mut |_| ()).unwrap_err();
    assert!(matches!(refused, LiveError::TooManyFiles { .. }), "{refused}");
    fs::remove_dir_all(root.join("more")).unwrap();
    while freshness.last_readable() == stale {
        assert!(calls.next().is_some());
        let _ = live.next(Duration::from_millis(50));
    }
    assert!(live.findings().is_empty());
}

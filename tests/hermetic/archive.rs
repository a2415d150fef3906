//! The record over the years: sealed, copied, removed on time and never before, whatever breaks off when.

mod copies;
mod crashes;
mod holds;
mod s3;
mod years;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datashare::audit::archive::Lock;
use datashare::audit::query::{self, Places};
use datashare::audit::seal::{Step, Steps};
use datashare::audit::upkeep::{Keeping, Report, Upkeep, Wanted};
use datashare::audit::verify::{self, Folder, Known};
use datashare::audit::{
    Entry, Event, Evidence, Filter, Log, LogError, Options, Storage,
    archive::{Archive, Site},
};
use datashare::clock::Clock;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::record::disk::Moody;

const SITE: &str = "济南-test";
const STREAM: &str = "guard-0";
const BEGIN: &str = "2026-01-01T04:00:00Z";

/// A stream, its archive, and whoever keeps them.
struct World {
    folder: TempDir,
    clock: Clock,
    keeping: Arc<Mutex<Keeping>>,
    said: Arc<Mutex<Vec<String>>>,
    /// What an S3 archive is reached by.
    environment: Vec<(String, String)>,
    running: Option<(Log, Upkeep)>,
}

impl World {
    fn new() -> Self {
        Self::on(roomy(), Arc::new(Unhindered))
    }

    fn on(disk: Arc<dyn Storage>, steps: Arc<dyn Steps>) -> Self {
        Self::since(BEGIN.parse().unwrap(), disk, steps)
    }

    fn since(begin: Timestamp, disk: Arc<dyn Storage>, steps: Arc<dyn Steps>) -> Self {
        // years of syncs: in memory where there is such a place
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let archive = Wanted { url: format!("file://{}", folder.path().join("archive").display()), lock: Lock::None };
        let keeping = Keeping {
            site: SITE.to_owned(),
            time_zone: TimeZone::get("Asia/Shanghai").unwrap(),
            segment_bytes: 64 << 20,
            segment_age: SignedDuration::from_hours(1),
            archives: vec![archive],
            policies: ["jinan/default".to_owned()].into(),
            holds: BTreeMap::new(),
            period: 184,
        };
        let clock = Clock::manual(begin);
        let keeping = Arc::new(Mutex::new(keeping));
        let mut world = Self { folder, clock, keeping, said: Arc::default(), environment: Vec::new(), running: None };
        world.start(disk, steps);
        world
    }

    /// Opens the stream as after a crash or a stop.
    fn start(&mut self, disk: Arc<dyn Storage>, steps: Arc<dyn Steps>) {
        self.running = None;
        let evidence = Some(Evidence::new(&self.folder.path().join("notary")));
        let options = Options { stream: Some(STREAM.to_owned()), evidence, ..Options::default() };
        // the writer's thread of before lets go of the stream when it has ended
        let log = loop {
            match Log::open_on(disk.clone(), &self.log(), &options, self.clock.clone()) {
                Err(LogError::Locked { .. }) => std::thread::yield_now(),
                other => break other.unwrap().0,
            }
        };
        log.set_site(SITE);
        let (keeping, said) = (self.keeping.clone(), self.said.clone());
        let ask = Box::new(move || Some(keeping.lock().clone()));
        let stop = CancellationToken::new();
        let environment = self.environment.clone();
        let upkeep = Upkeep::open_with(&self.log(), log.clone(), self.clock.clone(), ask, steps, stop).unwrap();
        let upkeep =
            upkeep.reach_by(Box::new(move |wanted| Archive::open_by(&wanted.url, wanted.lock, environment.clone())));
        upkeep.standing().tell(move |line| said.lock().push(line.to_owned()));
        self.running = Some((log, upkeep));
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn stream(&self) -> PathBuf {
        self.log().join(STREAM)
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    fn archived(&self) -> PathBuf {
        self.archive().join(SITE).join(STREAM)
    }

    fn round(&mut self) -> Report {
        let (_, upkeep) = self.running.as_mut().unwrap();
        upkeep.round();
        upkeep.standing().report()
    }

    fn advance(&self, hours: i64) {
        self.clock.advance(SignedDuration::from_hours(hours));
    }

    /// An entry that is kept for so many days; gives its index.
    fn write(&self, user: &str, days: i64) -> u64 {
        let today = self.keeping.lock().day(self.clock.now());
        let retain = today.checked_add(days.days()).unwrap();
        let entry = Entry::<&str> { user: Some(user), retain: Some(retain), ..Entry::new(Event::Call) };
        self.running.as_ref().unwrap().0.append_blocking(&entry).unwrap().index()
    }

    fn today(&self) -> Date {
        self.keeping.lock().day(self.clock.now())
    }

    /// The lines of every entry that is here or in the archive, by index; each must be the same in both.
    fn lines(&self) -> BTreeMap<u64, String> {
        let mut lines = BTreeMap::new();
        for folder in [self.stream(), self.archived()] {
            for (_, text) in segments(&folder) {
                for line in text.lines() {
                    let index = datashare::audit::Recorded::parse(line.as_bytes()).unwrap().index;
                    let known = lines.insert(index, line.to_owned());
                    assert!(known.is_none_or(|known| known == line), "{index} differs");
                }
            }
        }
        lines
    }

    /// Whether stream and archive are what was signed; gives how many entries there ever were, and how many are gone.
    fn verified(&self) -> [(u64, u64); 2] {
        self.running.as_ref().unwrap().0.checkpoint_now();
        let url = format!("file://{}", self.archive().display());
        let archived = Site { archive: Archive::open(&url, Lock::None).unwrap(), name: SITE.to_owned() };
        let places: [&dyn verify::Place; 2] = [&Folder(self.log()), &archived];
        places.map(|place| {
            let known = Known { keys: None, first_keys: &[], witnesses: &[], seen: None, now: self.clock.now() };
            let verdict = verify::verify(place, STREAM, &known, &|_| {}).unwrap();
            assert!(verdict.findings.is_empty(), "{:#?}", verdict.findings);
            (verdict.entries, verdict.removed)
        })
    }

    fn asked(&self, filter: &Filter) -> Vec<String> {
        let mut places = Places::log(&self.log()).unwrap();
        if self.archived().exists() {
            let url = self.keeping.lock().archives[0].url.clone();
            let archive = Archive::open(&url, Lock::None).unwrap();
            assert_eq!(archive.sites().unwrap(), [SITE]);
            places = places.and(Places::archive(&archive, SITE).unwrap());
        }
        let mut found = Vec::new();
        let mut take = |entry: &query::Found| {
            found.push(entry.line.to_string());
            Ok(())
        };
        let summary = query::search(&places, filter, None, &mut take, &|_| ()).unwrap();
        assert_eq!(summary.unreadable, 0);
        found
    }
}

/// Names and decompressed text of a stream's segments.
fn segments(stream: &Path) -> BTreeMap<String, String> {
    let Ok(items) = fs::read_dir(stream.join("entries")) else { return BTreeMap::new() };
    let mut all = BTreeMap::new();
    for path in items.map(|item| item.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&path).unwrap();
        if name.strip_suffix(".jsonl").is_some() {
            all.insert(name, String::from_utf8(bytes).unwrap());
        } else if name.ends_with(".jsonl.zst") {
            all.insert(name, String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap());
        }
    }
    all
}

fn names(stream: &Path) -> Vec<String> {
    segments(stream).into_keys().collect()
}

fn plain(first: u64) -> String {
    format!("{first:020}.jsonl")
}

fn sealed(first: u64) -> String {
    format!("{first:020}.jsonl.zst")
}

/// The real disk, however little of it is left here.
fn roomy() -> Arc<dyn Storage> {
    Arc::new(Moody::new())
}

struct Unhindered;

impl Steps for Unhindered {}

/// Breaks off before one step, and lets nothing happen after it, as a crash would.
#[derive(Default)]
struct Crash {
    at: Option<usize>,
    seen: Mutex<Vec<Step>>,
}

impl Crash {
    fn at(step: usize) -> Self {
        Self { at: Some(step), seen: Mutex::default() }
    }
}

impl Steps for Crash {
    fn before(&self, step: Step) -> io::Result<()> {
        let mut seen = self.seen.lock();
        if self.at.is_some_and(|at| seen.len() >= at) {
            return Err(io::Error::other("crash"));
        }
        seen.push(step);
        Ok(())
    }
}

//! Durable entries per second, and what one costs, beside a bare write and fdatasync of batches of
//! the same size on the same disk in the same run.
//!
//! `cargo bench --bench record [-- SECONDS [FOLDER]]`

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use datashare::audit::tree::Range;
use datashare::audit::usage::Usage;
use datashare::audit::verify::{self, Folder, Known};
use datashare::audit::{
    Disk, Entry, Event, Evidence, Filter, GrantRef, JournalFile, Log, NameRef, Options, Outcome, Parameter,
    SegmentFile, Storage, UnitRef, Upstream, own_waker, query,
};
use datashare::clock::Clock;
use rustix::time::{ClockId, clock_gettime};

fn main() {
    // cargo adds `--bench`; numbers and paths are ours
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let seconds = words.first().and_then(|word| word.parse().ok()).unwrap_or(4.0);
    let folder = words.get(1).map_or_else(|| PathBuf::from("target/bench-record"), PathBuf::from);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    println!("queueing an entry without waiting for it: {:.2} µs", queueing(&folder.join("queue")));
    println!(
        "{:>7} {:>10} {:>10} {:>6} {:>9} {:>9} {:>14}",
        "callers", "record/s", "bare/s", "ratio", "CPU µs", "bare µs", "entries a sync"
    );
    for callers in [1, 8, 64, 256] {
        let mut ours = Vec::new();
        let mut bare = Vec::new();
        for round in 0..2 {
            let time = Duration::from_secs_f64(seconds / 2.0);
            ours.push(record(&folder.join(format!("log-{callers}-{round}")), callers, time, false));
            bare.push(bare_disk(&folder.join(format!("bare-{callers}-{round}")), callers, time));
        }
        let (ours, bare) = (Run::sum(&ours), Run::sum(&bare));
        println!(
            "{callers:>7} {:>10.0} {:>10.0} {:>6.2} {:>9.2} {:>9.2} {:>14.1}",
            ours.rate(),
            bare.rate(),
            ours.rate() / bare.rate(),
            ours.cpu_each(),
            bare.cpu_each(),
            ours.entries as f64 / ours.syncs as f64
        );
    }
    signing(&folder, seconds);
    asking(&folder.join("asked"));
    fs::remove_dir_all(&folder).unwrap();
}

/// What proving costs: the tree and the checkpoints while entries are recorded, and verifying them afterwards.
fn signing(folder: &Path, seconds: f64) {
    let lines: Vec<Vec<u8>> = (0..1000).map(|number| format!("{number:0>600}").into_bytes()).collect();
    let tree = measure(|| {
        let mut tree = Range::empty_at(0);
        (0..200).for_each(|_| lines.iter().for_each(|line| tree.push(line)));
        assert!(tree.root().is_some());
        tree.to()
    });
    println!("tree: {:.2} µs an entry of 600 bytes", tree.cpu_each());
    let time = Duration::from_secs_f64(seconds / 2.0);
    for callers in [8, 64] {
        let (mut plain, mut signed) = (Vec::new(), Vec::new());
        for round in 0..2 {
            plain.push(record(&folder.join(format!("plain-{callers}-{round}")), callers, time, false));
            signed.push(record(&folder.join(format!("signed-{callers}-{round}")), callers, time, true));
        }
        let (plain, signed) = (Run::sum(&plain), Run::sum(&signed));
        println!(
            "with checkpoints every second, {callers} callers: {:.0} entries/s beside {:.0} without, {:.2} µs CPU more each",
            signed.rate(),
            plain.rate(),
            signed.cpu_each() - plain.cpu_each()
        );
    }
    verifying(&folder.join("verified"));
}

/// Verifying half a million entries on one core and on all of them.
fn verifying(folder: &Path) {
    const ENTRIES: u32 = 500_000;
    let evidence = Some(Evidence::new(&folder.with_extension("keys")));
    let stream = Some("guard-1".to_owned());
    let options = Options { stream, evidence, max_segment_bytes: 16 << 20, ..Options::default() };
    let (log, _) = Log::open(folder, &options, Clock::system()).unwrap();
    log.set_site("bench");
    for number in 0..ENTRIES {
        let user = format!("p-{:04}", number % 1000);
        let entry = Entry { user: Some(&user), ..sample() };
        if number % 5000 == 0 {
            log.append_blocking(&entry).unwrap();
        } else {
            drop(log.append(&entry));
        }
    }
    log.close().unwrap();
    let known = Known { keys: None, first_keys: &[], witnesses: &[], seen: None, now: Clock::system().now() };
    let place = Folder(folder.to_owned());
    for threads in [1, 0] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = measure(|| {
            let verdict = pool.install(|| verify::verify(&place, "guard-1", &known, &|_| {})).unwrap();
            assert!(verdict.findings.is_empty() && verdict.unproven() == 0, "{verdict:?}");
            verdict.entries
        });
        let cores = if threads == 1 { "one core" } else { "all cores" };
        println!("verify on {cores}: {:.0} entries/s, {:.2} µs CPU each", run.rate(), run.cpu_each());
    }
}

/// Questions to a record of half a million entries, one in a thousand of them by `p-0000`.
fn asking(folder: &Path) {
    const ENTRIES: u32 = 500_000;
    let (log, _) = Log::open(folder, &Options::default(), Clock::system()).unwrap();
    for number in 0..ENTRIES {
        let user = format!("p-{:04}", number % 1000);
        let entry = Entry { user: Some(&user), ..sample() };
        if number % 5000 == 0 {
            log.append_blocking(&entry).unwrap();
        } else {
            drop(log.append(&entry));
        }
    }
    log.close().unwrap();
    let tell = |name: &str, run: Run, found: u64| {
        let each = run.cpu.as_secs_f64() * 1e6 / f64::from(ENTRIES);
        let rate = f64::from(ENTRIES) / run.wall.as_secs_f64();
        println!("{name}: {found} found, {rate:.0} entries/s read, {each:.2} µs CPU each");
    };
    let user = Filter { user: Some("p-0000".to_owned()), ..Filter::default() };
    for (name, filter) in [("query for one user", &user), ("query for everything", &Filter::default())] {
        let run = measure(|| query::run(folder, filter, None, &mut |_| Ok(())).unwrap().found);
        tell(name, run, run.entries);
    }
    let epoch = jiff::Timestamp::UNIX_EPOCH;
    let run = measure(|| Usage::read(folder, epoch, epoch).unwrap().summary.found);
    tell("usage of grants", run, run.entries);
}

#[derive(Clone, Copy)]
struct Run {
    entries: u64,
    wall: Duration,
    cpu: Duration,
    syncs: u64,
}

impl Run {
    fn sum(runs: &[Self]) -> Self {
        Self {
            entries: runs.iter().map(|run| run.entries).sum(),
            wall: runs.iter().map(|run| run.wall).sum(),
            cpu: runs.iter().map(|run| run.cpu).sum(),
            syncs: runs.iter().map(|run| run.syncs).sum(),
        }
    }

    fn rate(self) -> f64 {
        self.entries as f64 / self.wall.as_secs_f64()
    }

    fn cpu_each(self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.entries as f64
    }
}

fn measure(work: impl FnOnce() -> u64) -> Run {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let entries = work();
    Run { entries, wall: wall.elapsed(), cpu: cpu_time().saturating_sub(cpu), syncs: 0 }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// Callers on one thread, as in a guard with one worker; each waits for its receipt before its next entry.
fn record(folder: &Path, callers: usize, time: Duration, signed: bool) -> Run {
    let disk = Counting::default();
    let evidence = signed.then(|| Evidence::new(&folder.with_extension("keys")));
    let options = Options { evidence, ..Options::default() };
    let (log, _) = Log::open_on(Arc::new(disk.clone()), folder, &options, Clock::system()).unwrap();
    log.set_site("bench");
    // as a thread of the guard does it
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    log.watch_thread(&mut runtime);
    let runtime = runtime.build().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let mut run = measure(|| {
        let begun = Instant::now();
        runtime.block_on(async {
            tokio::spawn(log.relay());
            let callers: Vec<_> = (0..callers)
                .map(|_| {
                    let (log, over) = (log.clone(), over.clone());
                    tokio::spawn(async move {
                        let mut entries = 0;
                        while !over.load(Ordering::Relaxed) {
                            let waker = own_waker().await;
                            log.append_for(&sample(), &waker).await.unwrap();
                            entries += 1;
                            over.fetch_or(begun.elapsed() > time, Ordering::Relaxed);
                        }
                        entries
                    })
                })
                .collect();
            let mut entries = 0;
            for caller in callers {
                entries += caller.await.unwrap();
            }
            entries
        })
    });
    run.syncs = disk.0.load(Ordering::Relaxed);
    log.close().unwrap();
    run
}

/// The real disk, counting syncs.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicU64>);

struct CountingFile<F>(Arc<AtomicU64>, F);

impl Storage for Counting {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        Ok(Arc::new(CountingFile(self.0.clone(), Disk.create(path)?)))
    }

    fn resume(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        Ok(Arc::new(CountingFile(self.0.clone(), Disk.resume(path)?)))
    }

    fn journal(&self, path: &Path, length: u64) -> io::Result<Box<dyn JournalFile>> {
        Ok(Box::new(CountingFile(self.0.clone(), Disk.journal(path, length)?)))
    }

    fn free(&self, path: &Path) -> io::Result<u64> {
        Disk.free(path)
    }
}

impl SegmentFile for CountingFile<Arc<dyn SegmentFile>> {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.1.write(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.1.sync()
    }
}

impl JournalFile for CountingFile<Box<dyn JournalFile>> {
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.1.write_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.1.sync()
    }
}

/// What the disk gives to whoever has all entries of a batch at hand.
fn bare_disk(path: &Path, batch: usize, time: Duration) -> Run {
    let mut file: File = OpenOptions::new().append(true).create_new(true).open(path).unwrap();
    let bytes = vec![b'x'; line_length(path) * batch];
    measure(|| {
        let begun = Instant::now();
        let mut entries = 0;
        while begun.elapsed() < time {
            file.write_all(&bytes).unwrap();
            file.sync_data().unwrap();
            entries += batch as u64;
        }
        entries
    })
}

fn line_length(beside: &Path) -> usize {
    let folder = beside.with_extension("one");
    let (log, _) = Log::open(&folder, &Options::default(), Clock::system()).unwrap();
    log.append_blocking(&sample()).unwrap();
    let segment = folder.join(&**log.stream()).join("entries/00000000000000000000.jsonl");
    fs::read_to_string(segment).unwrap().lines().nth(1).unwrap().len() + 1
}

const ROUNDS: u32 = 100;

/// The caller's own part: writing the entry into the queue.
fn queueing(folder: &Path) -> f64 {
    let options = Options { max_queued_entries: usize::MAX, max_queued_bytes: usize::MAX, ..Options::default() };
    let (log, _) = Log::open(folder, &options, Clock::system()).unwrap();
    let mut best = Duration::MAX;
    for _ in 0..200 {
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            drop(log.append(&sample()));
        }
        best = best.min(begun.elapsed());
        log.append_blocking(&sample()).unwrap();
    }
    best.as_secs_f64() * 1e6 / f64::from(ROUNDS)
}

fn sample() -> Entry<'static, &'static str> {
    const PARAMETERS: [Parameter<'static>; 1] = [Parameter {
        name: "idNumber",
        value: "hmac-sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    }];
    Entry {
        grant: Some(GrantRef {
            namespace: "jinan-registration",
            name: "deed-tax-2026",
            serial: "济登共享〔2026〕12号",
            digest: "sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        }),
        request: Some(NameRef { namespace: "tax-bureau", name: "deed-tax" }),
        unit: Some(UnitRef { code: "11370100004188XXXX", name: "济南市税务局" }),
        system: Some("契税征管系统"),
        user: Some("p-0417"),
        case: Some("2026-110-00417"),
        consent: Some("c-2026-88731"),
        source: Some([10, 20, 0, 7].into()),
        resource: Some(NameRef { namespace: "jinan-registration", name: "property-ownership" }),
        operation: Some("by-id"),
        parameters: const { &PARAMETERS },
        outcome: Some(Outcome::Released),
        status: Some(200),
        fields: const { &["ownerName", "certificateNumber", "area"] },
        items: Some(3),
        bytes: Some(421),
        digest: Some([0xab; 32]),
        upstream: Some(Upstream { status: Some(200), microseconds: 1834 }),
        retain: Some(jiff::civil::date(2029, 11, 24)),
        ..Entry::new(Event::Call)
    }
}

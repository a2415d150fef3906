//! Keeping the record: bytes per entry once sealed, sealing's price for callers, and questions to ten million entries,
//! beside DuckDB on the same files where a Python that has it is named in `DUCKDB_PYTHON`.
//!
//! `cargo bench --bench keeping [-- ENTRIES [FOLDER]]`

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use datashare::audit::query::{self, Places};
use datashare::audit::{Entry, Event, Filter, Log, Options};
use datashare::clock::Clock;
use jiff::Timestamp;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// A segment as `seal.maxBytes` closes it by default.
const SEGMENT: usize = 64 << 20;
/// Units that look, and their users.
const UNITS: u64 = 12;
const USERS: u64 = 400;

fn main() {
    // cargo adds `--bench`; numbers and paths are ours
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let entries: u64 = words.first().and_then(|word| word.parse().ok()).unwrap_or(1_000_000);
    let folder = words.get(1).map_or_else(|| PathBuf::from("target/bench-keeping"), PathBuf::from);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    bytes_per_entry();
    callers(&folder.join("callers"));
    questions(&folder.join("log"), entries);
    fs::remove_dir_all(&folder).unwrap();
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// Who is looked up.
#[derive(Clone, Copy, Debug)]
enum People {
    /// The person whose case it is; a case takes about three look-ups.
    OfTheCase,
    /// Any of 100,000, whoever's case it is.
    OfTheCity,
    /// Somebody else each time.
    NobodyTwice,
}

/// Lines as guards write them: every answer another digest, about three of them to a case.
fn line(out: &mut String, index: u64, people: People, dice: &mut Dice) {
    let micros = i64::try_from(1_767_225_600_000_000 + index * 31_000 + dice.roll(30_000)).unwrap();
    let time = Timestamp::from_microsecond(micros).unwrap();
    let unit = dice.roll(UNITS).min(dice.roll(UNITS));
    let user = dice.roll(USERS);
    let case = index / 3 + dice.roll(50);
    let person = match people {
        People::OfTheCase => case,
        People::OfTheCity => dice.roll(100_000),
        People::NobodyTwice => dice.roll(u64::MAX),
    };
    let person = Sha256::digest(person.to_be_bytes());
    let grant = Sha256::digest(unit.to_be_bytes());
    let body: [u8; 32] = Sha256::digest((index, dice.roll(u64::MAX)).0.to_le_bytes()).into();
    let took = 900 + dice.roll(1200) + dice.roll(1200);
    write!(
        out,
        concat!(
            r#"{{"v":1,"stream":"guard-0","index":{index},"time":"{time:.6}","event":"call","grant":{{"namespace":"jinan-registration","#,
            r#""name":"grant-{unit}","serial":"济登共享〔2026〕{unit}号","digest":"sha256:{grant:x}"}},"request":{{"namespace":"unit-{unit}","#,
            r#""name":"request-{unit}"}},"unit":{{"code":"1137010000418{unit:04}X","name":"济南市第{unit}单位"}},"system":"业务系统{unit}","#,
            r#""user":"p-{user:04}","case":"2026-110-{case:07}","consent":"c-{case}","source":"10.20.{unit}.{host}","#,
            r#""resource":{{"namespace":"jinan-registration","name":"property-ownership"}},"operation":"by-id","#,
            r#""parameters":{{"idNumber":"hmac-sha256:{person:x}"}},"outcome":"released","status":200,"#,
            r#""fields":["ownerName","certificateNumber","area"],"items":{items},"bytes":{bytes},"digest":"sha256:{body}","#,
            r#""upstream":{{"status":200,"microseconds":{took}}},"retain":"2029-01-{day:02}"}}"#
        ),
        index = index,
        time = time,
        unit = unit,
        grant = grant,
        user = user,
        case = case,
        person = person,
        took = took,
        host = 1 + dice.roll(8),
        items = 1 + dice.roll(3) * dice.roll(2),
        bytes = 300 + dice.roll(220),
        body = body.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        day = 1 + index * 31_000 / 86_400_000_000 % 27,
    )
    .unwrap();
    out.push('\n');
}

fn text(first: u64, people: People, until: impl Fn(u64, usize) -> bool) -> (String, u64) {
    let (mut out, mut dice, mut index) = (String::new(), Dice(first), first);
    while until(index, out.len()) {
        line(&mut out, index, people, &mut dice);
        index += 1;
    }
    (out, index)
}

fn bytes_per_entry() {
    println!("{:>12} {:>12} {:>6} {:>16} {:>8}", "people", "plain bytes", "level", "bytes an entry", "MB/s");
    for people in [People::OfTheCase, People::OfTheCity, People::NobodyTwice] {
        let (text, entries) = text(0, people, |_, bytes| bytes < SEGMENT);
        let plain = text.len() as f64 / entries as f64;
        for level in [1, 3, 9, 19] {
            let begun = Instant::now();
            let mut encoder = zstd::Encoder::new(Vec::new(), level).unwrap();
            encoder.window_log(25).unwrap();
            encoder.long_distance_matching(true).unwrap();
            encoder.write_all(text.as_bytes()).unwrap();
            let sealed = encoder.finish().unwrap().len() as f64 / entries as f64;
            let rate = text.len() as f64 / 1e6 / begun.elapsed().as_secs_f64();
            let people = format!("{people:?}");
            println!("{people:>12} {plain:>12.0} {level:>6} {sealed:>16.1} {rate:>8.1}");
        }
    }
}

/// What callers wait for their receipts, quiet and while a segment is sealed beside them.
fn callers(folder: &Path) {
    let (log, _) = Log::open(folder, &Options::default(), Clock::system()).unwrap();
    let quiet = waits(&log);
    let (text, _) = text(0, People::OfTheCase, |_, bytes| bytes < SEGMENT);
    let over = Arc::new(AtomicBool::new(false));
    let sealing = {
        let over = over.clone();
        std::thread::spawn(move || {
            let _ = rustix::process::setpriority_process(None, 15);
            let mut sealed = 0;
            while !over.load(Ordering::Relaxed) {
                let mut encoder = zstd::Encoder::new(Vec::new(), 19).unwrap();
                encoder.window_log(25).unwrap();
                encoder.long_distance_matching(true).unwrap();
                for chunk in text.as_bytes().chunks(1 << 20) {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    encoder.write_all(chunk).unwrap();
                    sealed += chunk.len();
                }
            }
            sealed
        })
    };
    let busy = waits(&log);
    over.store(true, Ordering::Relaxed);
    let sealed = sealing.join().unwrap();
    log.close().unwrap();
    println!(
        "8 callers, p50 and p99 of a receipt: quiet {quiet:?}, while sealing {busy:?} ({} MB sealed)",
        sealed >> 20
    );
}

fn waits(log: &Log) -> [Duration; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let begun = Instant::now();
    let mut all: Vec<Duration> = runtime.block_on(async {
        tokio::task::LocalSet::new()
            .run_until(async {
                let callers: Vec<_> = (0..8)
                    .map(|_| {
                        let log = log.clone();
                        tokio::task::spawn_local(async move {
                            let mut waits = Vec::new();
                            while begun.elapsed() < Duration::from_secs(8) {
                                let asked = Instant::now();
                                log.append(&Entry::<&str>::new(Event::Call)).await.unwrap();
                                waits.push(asked.elapsed());
                            }
                            waits
                        })
                    })
                    .collect();
                let mut all = Vec::new();
                for caller in callers {
                    all.extend(caller.await.unwrap());
                }
                all
            })
            .await
    });
    all.sort_unstable();
    [all[all.len() / 2], all[all.len() * 99 / 100]]
}

fn questions(log: &Path, entries: u64) {
    let folder = log.join("guard-0/entries");
    fs::create_dir_all(&folder).unwrap();
    let a_segment = SEGMENT as u64 / 965;
    let firsts: Vec<u64> = (0..entries).step_by(usize::try_from(a_segment).unwrap()).collect();
    firsts.par_iter().for_each(|&first| {
        let (text, _) = text(first, People::OfTheCase, |index, _| index < (first + a_segment).min(entries));
        // how fast it is read hardly depends on the level
        let sealed = zstd::encode_all(text.as_bytes(), 1).unwrap();
        fs::write(folder.join(format!("{first:020}.jsonl.zst")), sealed).unwrap();
    });
    let places = Places::log(log).unwrap();
    println!("{entries} entries in {} segments, {} MB", firsts.len(), places.bytes() >> 20);
    let user = Filter { user: Some("p-0017".to_owned()), ..Filter::default() };
    let case = Filter { case: Some("2026-110-0000417".to_owned()), ..Filter::default() };
    for (name, filter) in [("one user", &user), ("one case", &case)] {
        let begun = Instant::now();
        let summary = query::search(&places, filter, None, &mut |_| Ok(()), &|_| ()).unwrap();
        assert_eq!(summary.unreadable, 0);
        println!("{name}: {} found in {:.1} s", summary.found, begun.elapsed().as_secs_f64());
    }
    if let Some(python) = std::env::var_os("DUCKDB_PYTHON") {
        duckdb(Path::new(&python), &folder);
    }
}

fn duckdb(python: &Path, folder: &Path) {
    let program = r#"
import duckdb, sys, time
for column, value in (("user", "p-0017"), ("case", "2026-110-0000417")):
    begun = time.time()
    found = duckdb.sql(f"""SELECT count(*) FROM read_json('{sys.argv[1]}/*.jsonl.zst', format = 'newline_delimited',
        columns = {{'{column}': 'VARCHAR'}}) WHERE "{column}" = '{value}'""").fetchall()[0][0]
    print(f"DuckDB {duckdb.__version__}, one {column}: {found} found in {time.time() - begun:.1f} s")
"#;
    let status = Command::new(python).args(["-c", program]).arg(folder).status().unwrap();
    assert!(status.success());
}

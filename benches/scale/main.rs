//! What the number of grants does to lookup and verdict, to start and memory, and to the time between
//! a Revocation's file and the first refused call. The signed worlds are kept in a cache folder.
//!
//! `cargo bench --bench scale [-- GRANTS REVOCATIONS]`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "this is a benchmark"
)]

#[path = "../common/load.rs"]
mod load;
#[path = "../common/process.rs"]
mod process;
#[path = "../common/upstream.rs"]
mod upstream;
#[path = "../common/world.rs"]
mod world;

use std::collections::HashMap;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use datashare::cli::world::World;
use datashare::delivery::credentials::Credentials;
use datashare::delivery::state_dir::StateDir;
use datashare::judge::index::TokenHash;
use datashare::judge::ledger::Ledger;
use datashare::judge::permit::{Call, Credential};
use jiff::Timestamp;
use process::{Running, free_address};
use sha2::{Digest, Sha256};

/// A signed world is made anew when it is older: its grants end after 90 days.
const FRESH: Duration = Duration::from_hours(60 * 24);
const PATH: &str = "/provider/homes/homes/small";

fn main() {
    // cargo adds `--bench`; numbers are ours
    let words: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let grants = words.first().copied().unwrap_or(100_000);
    let revocations = words.get(1).copied().unwrap_or(100).min(grants - 1);
    println!("lookup of a token's hash, verdict and permit, in ns a call:");
    for count in [10, 1_000, grants] {
        println!("{count:>9} grants {:>8.0}", lookup(&world_of(count)));
    }
    serve(&world_of(grants), grants, revocations);
}

/// A signed world of this size, made once.
fn world_of(grants: usize) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache =
        cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).expect("a cache folder");
    let root = cache.join(format!("datashare-bench/world-{grants}"));
    let whole = root.join("datashare.yaml");
    let age = whole.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
    if age.is_none_or(|age| age > FRESH) {
        let _ = fs::remove_dir_all(&root);
        let making = root.with_extension("new");
        let _ = fs::remove_dir_all(&making);
        let begun = Instant::now();
        world::write(&making, "http://127.0.0.1:1", grants);
        fs::rename(&making, &root).unwrap();
        println!("(signed a world of {grants} grants in {:.0} s)", begun.elapsed().as_secs_f64());
    }
    let _ = fs::remove_dir_all(root.join("revocations"));
    fs::create_dir(root.join("revocations")).unwrap();
    root
}

/// Nanoseconds for one call's decision, tokens in an order that no cache foresees. Their hashes are at hand, as
/// they are when a token has just come in and been hashed.
fn lookup(root: &Path) -> f64 {
    let now = Timestamp::now();
    let mut index = World::load(root, Ledger::default(), now).unwrap().index;
    let grants: Vec<_> = index.grants().cloned().collect();
    let mut hashes: Vec<TokenHash> = Vec::new();
    for (n, grant) in grants.iter().enumerate() {
        let hash = Sha256::digest(n.to_le_bytes()).into();
        let credential = Credential {
            id: format!("{n:012}").into(),
            not_before: Timestamp::MIN,
            not_after: Timestamp::MAX,
            rotate_by: Timestamp::MAX,
        };
        index.add_credentials(&grant.key, &grant.serial, [(hash, credential)]);
        hashes.push(hash);
    }
    drop(grants);
    let call =
        Call { source: IpAddr::V4(Ipv4Addr::LOCALHOST), operation: Some(0), user: None, case: None, consent: None };
    let mut rounds = Vec::new();
    let mut at = 0_usize;
    for _ in 0..101 {
        let asked: Vec<TokenHash> = std::iter::repeat_with(|| {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            hashes[(at >> 33) % hashes.len()]
        })
        .take(1_000)
        .collect();
        let begun = Instant::now();
        for hash in &asked {
            let holder = index.identify(hash, None, now).expect("a known token");
            black_box(holder.permit(&call).expect("a grant that serves"));
        }
        rounds.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// Start, memory, and from a Revocation's file to the first refusal.
fn serve(root: &Path, grants: usize, revocations: usize) {
    let document = world::document(3);
    let upstream = upstream::start(&document, &document);
    // where the data comes from is no part of what was signed
    world::write_resource(root, &format!("http://{upstream}"));
    let state = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-scale");
    let _ = fs::remove_dir_all(&state);
    let address = free_address();
    let begun = Instant::now();
    let running = Running::datashare(root, &state, address, None);
    let ready = begun.elapsed();
    let tokens = Credentials::read(&StateDir::read(&state).unwrap().credentials()).unwrap();
    let read = begun.elapsed().saturating_sub(ready);
    let tokens: HashMap<String, String> =
        tokens.iter().map(|minted| (minted.serial.to_string(), minted.token().to_owned())).collect();
    let request = |n: usize| load::request(PATH, &tokens[&world::serial(n)]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let (stop, disk) = bare_syncs(&state);
    let delays = runtime.block_on(async {
        let mut client = load::Client::connect(address).await;
        assert_eq!(client.call(&request(grants - 1)).await.0, 200);
        println!(
            "{grants} grants, signatures verified: first answer after {:.1} s (CPU {:.1} s), {} MB resident, {} MB at most",
            begun.elapsed().saturating_sub(read).as_secs_f64(),
            running.cpu().as_secs_f64(),
            running.memory("VmRSS:"),
            running.memory("VmHWM:"),
        );
        let mut delays = Vec::new();
        for n in 0..revocations {
            // not in step with anything that runs at intervals
            std::thread::sleep(Duration::from_millis(5 + (n as u64 * 37) % 50));
            let request = request(n);
            assert_eq!(client.call(&request).await.0, 200, "grant {n} before its Revocation");
            fs::write(root.join(format!("revocations/{n}.yaml")), world::revocation(n)).unwrap();
            let written = Instant::now();
            while client.call(&request).await.0 != 403 {
                assert!(written.elapsed() < Duration::from_secs(10), "grant {n} is not refused");
            }
            delays.push(written.elapsed().as_secs_f64() * 1e3);
        }
        delays
    });
    drop(stop);
    println!("Revocation file written to refusal, {} times at {grants} grants: {}", delays.len(), spread(delays));
    println!("a bare fdatasync meanwhile, of which each refusal waits for one: {}", spread(disk.join().unwrap()));
    println!("after that: {} MB resident", running.memory("VmRSS:"));
    drop(running);
    let _ = fs::remove_dir_all(&state);
}

/// What the disk takes for 300 bytes, asked again and again until the sender goes: in milliseconds.
fn bare_syncs(folder: &Path) -> (Sender<()>, JoinHandle<Vec<f64>>) {
    let (stop, stopped) = channel();
    let path = folder.join("bare");
    let thread = std::thread::spawn(move || {
        let mut file = File::create(path).unwrap();
        let mut took = Vec::new();
        while stopped.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
            let begun = Instant::now();
            file.write_all(&[b'x'; 300]).unwrap();
            file.sync_data().unwrap();
            took.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        took
    });
    (stop, thread)
}

fn spread(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let quantile = |q: f64| times[((times.len() as f64 * q) as usize).min(times.len() - 1)];
    format!(
        "p50 {:.1} ms, p90 {:.1}, p99 {:.1}, longest {:.1}",
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
        quantile(1.0)
    )
}

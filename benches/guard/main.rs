//! A guarded call, its record durable, beside plain hops through Envoy and nginx: same upstream, same
//! load, one worker each, rounds interleaved so that what else the machine does falls on all of them.
//! Each figure is the median of its rounds; the ratios are medians of ratios within a round.
//!
//! `cargo bench --bench guard [-- ROUNDS SECONDS]`

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
mod peers;
#[path = "../common/process.rs"]
mod process;
#[path = "../common/upstream.rs"]
mod upstream;
#[path = "../common/world.rs"]
mod world;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use datashare::delivery::credentials::Credentials;
use datashare::delivery::state_dir::StateDir;
use process::{Running, free_address};
use serde_json::Value;

const PATH: &str = "/provider/homes/homes/";

/// Segments as large as they may be.
const POLICY: &str = "apiVersion: datashare.dev/v1alpha1
kind: AuditPolicy
metadata: {namespace: provider, name: default}
spec:
  retention: {period: 184d, personal: 1096d, legalBasis: benchmark}
  seal: {maxBytes: 1073741824, maxAge: 24h}
";

/// The thread that seals: what it does is no part of a call, and this load gives it more than any city would.
const SEALER: &str = "upkeep";

/// A proxy under measurement.
struct Proxy {
    name: &'static str,
    address: SocketAddr,
    running: Running,
}

/// One round of one proxy.
struct Figures {
    rate: f64,
    p50: f64,
    p99: f64,
    /// Without what only seals closed segments, at the lowest priority, whenever a core is idle.
    cpu: f64,
    sealing: f64,
}

fn main() {
    // cargo adds `--bench`; numbers are ours
    let words: Vec<f64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let rounds = words.first().map_or(5, |n| *n as usize);
    let time = Duration::from_secs_f64(words.get(1).copied().unwrap_or(3.0));
    let cache = peers::install();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-guard");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let documents = [world::document(3), world::document(155)];
    let upstream = upstream::start(&documents[0], &documents[1]);
    let (ours, token) = datashare(&folder, upstream);
    let mut proxies = vec![ours];
    let (address, running) = peers::envoy(&cache, &folder, upstream);
    proxies.push(Proxy { name: "envoy", address, running });
    if let Some((address, running)) = peers::nginx(&folder, upstream) {
        proxies.push(Proxy { name: "nginx", address, running });
    }

    println!(
        "{:>8} {:>5} {:>10} {:>9} {:>9} {:>9} {:>9} {:>10} {:>10} {:>10}",
        "answer", "conns", "proxy", "calls/s", "p50 µs", "p99 µs", "CPU µs", "calls/envoy", "CPU/envoy", "sealing µs"
    );
    for (document, path) in documents.iter().zip(["small", "large"]) {
        let request = load::request(&format!("{PATH}{path}"), &token);
        for proxy in &proxies {
            verify(proxy, &request, document);
        }
        for connections in [1, 32] {
            let mut table: Vec<Vec<Figures>> = proxies.iter().map(|_| Vec::new()).collect();
            for round in 0..rounds {
                // who begins changes from round to round
                for at in (0..proxies.len()).map(|at| (at + round) % proxies.len()) {
                    table[at].push(measure(&proxies[at], &request, connections, time));
                }
            }
            for (proxy, figures) in proxies.iter().zip(&table) {
                let median_of = |of: fn(&Figures) -> f64| median(figures.iter().map(of));
                let ratio = |of: fn(&Figures) -> f64| {
                    median(figures.iter().zip(&table[1]).map(|(own, peer)| of(own) / of(peer)))
                };
                println!(
                    "{:>8} {connections:>5} {:>10} {:>9.0} {:>9.0} {:>9.0} {:>9.1} {:>10.2} {:>10.2} {:>10.1}",
                    format!("{:.1} kB", document.len() as f64 / 1000.0),
                    proxy.name,
                    median_of(|f| f.rate),
                    median_of(|f| f.p50),
                    median_of(|f| f.p99),
                    median_of(|f| f.cpu),
                    ratio(|f| f.rate),
                    ratio(|f| f.cpu),
                    median_of(|f| f.sealing),
                );
            }
        }
    }
    drop(proxies);
    fs::remove_dir_all(&folder).unwrap();
}

fn datashare(folder: &Path, upstream: SocketAddr) -> (Proxy, String) {
    let (directory, state): (PathBuf, PathBuf) = (folder.join("world"), folder.join("state"));
    world::write(&directory, &format!("http://{upstream}"), 1);
    fs::write(directory.join("policy.yaml"), POLICY).unwrap();
    let address = free_address();
    let running = Running::datashare(&directory, &state, address, Some(1));
    let tokens = Credentials::read(&StateDir::read(&state).unwrap().credentials()).unwrap();
    let token = tokens.first().expect("a token: does the grant serve?").token().to_owned();
    (Proxy { name: "datashare", address, running }, token)
}

/// The answer is what it should be: from us three fields and a receipt, from the others everything.
fn verify(proxy: &Proxy, request: &[u8], document: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let mut client = load::Client::connect(proxy.address).await;
        let (status, head, body) = client.call(request).await;
        assert_eq!(status, 200, "{}: {}", proxy.name, String::from_utf8_lossy(body));
        if proxy.name != "datashare" {
            assert!(body == document, "{} changes the answer", proxy.name);
            return;
        }
        assert!(String::from_utf8_lossy(head).to_lowercase().contains("datashare-record: "), "no receipt");
        let (answer, whole): (Value, Value) =
            (serde_json::from_slice(body).unwrap(), serde_json::from_slice(document).unwrap());
        let (items, all) = (answer["data"].as_array().unwrap(), whole["data"].as_array().unwrap());
        assert_eq!(items.len(), all.len());
        for (item, all) in items.iter().zip(all) {
            assert_eq!(item.as_object().unwrap().len(), world::GRANTED.len());
            assert!(world::GRANTED.iter().all(|name| item[name] == all[name] && !item[name].is_null()));
        }
    });
}

fn measure(proxy: &Proxy, request: &[u8], connections: usize, time: Duration) -> Figures {
    let so_far = || (proxy.running.cpu(), proxy.running.cpu_of(SEALER));
    let before = so_far();
    let round = load::run(proxy.address, request, connections, time);
    let after = so_far();
    let sealing = after.1.saturating_sub(before.1);
    let cpu = after.0.saturating_sub(before.0).saturating_sub(sealing);
    let per_call = |time: Duration| time.as_secs_f64() * 1e6 / round.calls as f64;
    Figures {
        rate: round.calls as f64 / round.wall.as_secs_f64(),
        p50: round.quantile(0.5),
        p99: round.quantile(0.99),
        cpu: per_call(cpu),
        sealing: per_call(sealing),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

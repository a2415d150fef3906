//! Operator and guard on a real API server with many grants: how long a guard takes to be ready, what both hold in
//! memory, how soon a Revocation holds, and what the operator writes and how fast.
//!
//! `GRANTS=100000 RESOURCES=2000 REVOCATIONS=200 MINUTES=60 cargo bench --bench cluster`; after so many minutes of the
//! operator's work what it has done by then is told, and the Revocations are of grants that serve by then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    clippy::duration_suboptimal_units,
    reason = "this is a benchmark"
)]

#[path = "../common/load.rs"]
mod load;
mod objects;
#[path = "../common/process.rs"]
mod process;
mod revoking;
mod server;
#[path = "../common/upstream.rs"]
mod upstream;
#[path = "../common/world.rs"]
mod world;

/// What the suites start their real control plane with.
#[allow(dead_code, reason = "the suites use the rest")]
#[path = "../../tests/cluster"]
mod suite {
    pub mod control_plane;
}

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use objects::World;
use process::{Running, free_address};
use server::{NAMESPACE, Writes};
use suite::control_plane::ControlPlane;

fn parameter(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}: a number")))
}

fn main() {
    let (grants, resources) = (parameter("GRANTS", 100_000), parameter("RESOURCES", 2_000));
    let revocations = parameter("REVOCATIONS", 200).min(grants);
    let document = world::document(3);
    let folder = tempfile::tempdir().unwrap();
    let world = World {
        key: world::key(&folder.path().join("key")),
        times: world::Times::new(Timestamp::now()),
        upstream: format!("http://{}", upstream::start(&document, &document)),
    };
    let plane = ControlPlane::start();
    server::install(&plane, folder.path(), &world::signers(&world.key));
    let took = plane.run(objects::load(&plane.client(None), &world, grants, resources));
    let written = resources + 2 * grants;
    row("objects", format!("{grants} grants of {resources} resources"));
    row("the API server takes them", format!("{:.0} a second", written as f64 / took.as_secs_f64()));

    let guard = Guard::start(&plane, folder.path());
    guard.tell("a guard before any token is minted");
    let serving = operator(&plane, grants);
    drop(guard);
    let guard = Guard::start(&plane, folder.path());
    guard.tell("a guard with all tokens");
    let _operator = Operator::start(&plane);
    let revoked: Vec<usize> = serving.iter().map(|name| name[2..].parse().unwrap()).take(revocations).collect();
    revoking::run(&plane, guard.address, &revoked, resources);
    row("the guard after that", format!("{} MB resident", guard.running.memory("VmRSS:")));
}

fn row(what: &str, value: String) {
    println!("{what:<52} {value}");
}

fn tell(what: &str, running: &Running) {
    let (now, most, cpu) = (running.memory("VmRSS:"), running.memory("VmHWM:"), running.cpu().as_secs_f64());
    row(what, format!("{now} MB resident, {most} MB at most, {cpu:.1} s of CPU"));
}

/// A program of ours with the token that its pod would have; it listens at both addresses.
fn ours(plane: &ControlPlane, role: &str, metrics: SocketAddr, words: &[String]) -> Running {
    let kubeconfig = server::kubeconfig(plane, role);
    let mut command = Command::new(env!("CARGO_BIN_EXE_datashare"));
    command.args([role, "--namespace", NAMESPACE, "--name", &format!("{role}-0")]).args(words);
    command.arg(format!("--metrics={metrics}")).env("KUBECONFIG", kubeconfig);
    Running::start(&mut command, metrics)
}

struct Guard {
    running: Running,
    address: SocketAddr,
    ready: Duration,
}

impl Guard {
    fn start(plane: &ControlPlane, folder: &Path) -> Self {
        let (address, metrics) = (free_address(), free_address());
        let record = folder.join("record/log").display().to_string();
        let begun = Instant::now();
        let words = [format!("--listen={address}"), format!("--log={record}")];
        let running = ours(plane, "guard", metrics, &words);
        while server::get(metrics, "/readyz").0 != 200 {
            assert!(begun.elapsed() < Duration::from_secs(120), "the guard does not become ready");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { running, address, ready: begun.elapsed() }
    }

    fn tell(&self, what: &str) {
        row(what, format!("ready after {:.1} s", self.ready.as_secs_f64()));
        tell("", &self.running);
    }
}

struct Operator {
    running: Running,
    metrics: SocketAddr,
}

impl Operator {
    fn start(plane: &ControlPlane) -> Self {
        let metrics = free_address();
        Self { running: ours(plane, "operator", metrics, &[]), metrics }
    }

    fn looked(&self) -> f64 {
        let (_, text) = server::get(self.metrics, "/metrics");
        let lines = text.lines().filter(|line| line.starts_with("datashare_operator_reconciliations_total"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }
}

/// From nothing to everything enforced, or as far as it comes; then a quiet time, and another operator that finds all
/// done. Gives the grants that serve.
fn operator(plane: &ControlPlane, grants: usize) -> Vec<String> {
    let before = Writes::of(plane);
    let operator = Operator::start(plane);
    let longest = Duration::from_secs(60 * parameter("MINUTES", 60) as u64);
    let done = server::quiet(plane, Duration::from_secs(10), longest);
    let took = done.unwrap_or(longest);
    let (after, looked) = (Writes::of(plane), operator.looked());
    let serving = server::serving(plane);
    let ready = serving.len() as f64;
    row("operator", format!("{ready} of {grants} grants serve after {:.0} s", took.as_secs_f64()));
    row("", format!("{looked:.0} reconciles, {:.0} a second", looked / took.as_secs_f64()));
    tell("", &operator.running);
    for (what, count) in after.since(&before) {
        row(&format!("  writes: {what}"), format!("{:.2} for each that serves", count as f64 / ready));
    }
    if done.is_none() {
        return serving;
    }
    row("  all", format!("{:.2}", after.since(&before).iter().map(|(_, n)| *n).sum::<u64>() as f64 / ready));
    std::thread::sleep(Duration::from_secs(30));
    row("writes in 30 s in which nothing changed", format!("{:?}", Writes::of(plane).since(&after)));
    drop(operator);
    let operator = Operator::start(plane);
    let begun = Instant::now();
    let mut last = (0.0, Instant::now());
    while last.1.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(200));
        let looked = operator.looked();
        if looked > last.0 {
            last = (looked, Instant::now());
        }
    }
    let (looked, took) = (last.0, (last.1 - begun).as_secs_f64());
    row("another operator", format!("{looked:.0} reconciles in {took:.0} s, {:.0} a second", looked / took));
    row("  its writes", format!("{:?}", Writes::of(plane).since(&after)));
    tell("", &operator.running);
    serving
}

/// The token in a consumer's Secret.
fn token(secret: &Value) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(secret["data"]["token"].as_str().unwrap());
    String::from_utf8(bytes.unwrap()).unwrap()
}

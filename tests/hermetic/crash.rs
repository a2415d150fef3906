//! No record, no data, whatever happens to the process: killed at random moments under load, every
//! answer that a client received in full has its entry, found by its receipt.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_datashare");
const CLIENTS: usize = 4;
/// For the first answer of a round, and for a process that has to end.
const PATIENCE: Duration = Duration::from_secs(60);
const PATH: &str = "/jinan-registration/property-ownership/properties/DEMO-2026-0001";

/// Rounds; more by `CRASH_ROUNDS`.
fn rounds() -> u64 {
    std::env::var("CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// The part of the example that one grant needs.
fn world(root: &Path) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan");
    for file in [
        "datashare.yaml",
        "allowed_signers",
        "audit-policy.yaml",
        "grants/deed-tax.yaml",
        "requests/tax-bureau/deed-tax.yaml",
        "resources/property-ownership.yaml",
    ] {
        let to = root.join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(example.join(file), to).unwrap();
    }
}

struct Server {
    child: Child,
    address: String,
    token: String,
}

impl Server {
    fn start(root: &Path, state: &Path) -> Self {
        Self::start_as(Command::new(BINARY).stderr(Stdio::null()), root, state)
    }

    fn start_as(command: &mut Command, root: &Path, state: &Path) -> Self {
        command.args(["up", root.to_str().unwrap(), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
        command.args(["--state", state.to_str().unwrap(), "--threads", "1"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut found = |prefix: &str| {
            let line = lines.by_ref().map(Result::unwrap).find(|line| line.trim_start().starts_with(prefix));
            line.unwrap_or_else(|| panic!("no line {prefix}")).trim_start()[prefix.len()..].to_owned()
        };
        let address = found("ready http://");
        let token = found("TOKEN=");
        // the rest of the page is read, so that nothing blocks on it
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, token }
    }

    /// The code with which the process ends by itself, and soon.
    fn ended(&mut self) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        panic!("the process goes on");
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// One call on an open connection: the receipt, when the whole answer came.
fn call(stream: &mut BufReader<TcpStream>, token: &str, number: u64) -> Option<String> {
    let request = format!(
        "GET {PATH} HTTP/1.1\r\nHost: guard\r\nAuthorization: Bearer {token}\r\nDatashare-User: p-{number}\r\nDatashare-Case: c\r\nDatashare-Consent: k\r\n\r\n"
    );
    stream.get_mut().write_all(request.as_bytes()).ok()?;
    let (mut receipt, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.trim_end().to_lowercase();
        if let Some(value) = lower.strip_prefix("datashare-record: ") {
            receipt = Some(value.to_owned());
        }
        if let Some(value) = lower.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        if lower.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    serde_json::from_slice::<Value>(&body).ok()?;
    receipt
}

/// Every receipt of the record, which has all indexes from 0 once each and nothing that is no entry.
fn recorded(state: &Path) -> BTreeSet<String> {
    let mut receipts = BTreeSet::new();
    for stream in fs::read_dir(state.join("log")).unwrap().map(Result::unwrap).filter(|e| e.path().is_dir()) {
        let mut segments: Vec<_> =
            fs::read_dir(stream.path().join("entries")).unwrap().map(|e| e.unwrap().path()).collect();
        segments.sort_unstable();
        let bytes: Vec<u8> = segments.iter().flat_map(|segment| fs::read(segment).unwrap()).collect();
        // an entry may be torn within a letter
        let text = String::from_utf8_lossy(&bytes);
        // what follows the last newline is torn: nobody was given a receipt for it
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        for (index, line) in whole.lines().enumerate() {
            let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_eq!(entry["index"], index, "an index is missing or there twice");
            receipts.insert(format!("{}/{index}", entry["stream"].as_str().unwrap()));
        }
    }
    receipts
}

#[test]
fn every_answer_received_has_its_entry_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let (root, state) = (folder.path().join("world"), folder.path().join("state"));
    world(&root);
    let received = Arc::new(Mutex::new(BTreeSet::new()));
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..rounds() {
        let server = Server::start(&root, &state);
        let over = Arc::new(AtomicBool::new(false));
        let before = received.lock().unwrap().len();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (received, over) = (received.clone(), over.clone());
                let (address, token) = (server.address.clone(), server.token.clone());
                std::thread::spawn(move || {
                    let Ok(stream) = TcpStream::connect(address) else { return };
                    let mut stream = BufReader::new(stream);
                    while !over.load(Ordering::Relaxed) {
                        let Some(receipt) = call(&mut stream, &token, round) else { return };
                        received.lock().unwrap().insert(receipt);
                    }
                })
            })
            .collect();
        // the moment is the point of the test, not something to wait for
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        if round % 4 > 0 {
            // amid answers, however slow the machine is; every fourth round perhaps before the first one
            let patience = Instant::now();
            while received.lock().unwrap().len() == before && patience.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_micros(200));
            }
            assert!(received.lock().unwrap().len() > before, "round {round}: no answer in {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_micros(seed % 20_000));
        server.kill();
        over.store(true, Ordering::Relaxed);
        clients.into_iter().for_each(|client| client.join().unwrap());
        if round % 20 == 19 {
            let (received, recorded) = (received.lock().unwrap(), recorded(&state));
            let missing: Vec<_> = received.difference(&recorded).collect();
            assert!(missing.is_empty(), "round {round}: answered without an entry: {missing:?}");
        }
    }
    let received = received.lock().unwrap();
    assert!(received.len() > 100, "only {} answers came back: the test proves nothing", received.len());
    let recorded = recorded(&state);
    let missing: Vec<_> = received.difference(&recorded).collect();
    assert!(missing.is_empty(), "answered without an entry: {missing:?}");
    // all these kills look like nothing but kills
    let remembered = folder.path().join("seen");
    let verify = ["audit", "verify", "--state", state.to_str().unwrap(), "--seen", remembered.to_str().unwrap()];
    let verified = Command::new(BINARY).args(verify).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn a_disk_that_takes_no_more_ends_the_process_and_loses_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (root, state) = (folder.path().join("world"), folder.path().join("state"));
    world(&root);
    let messages = folder.path().join("messages");
    // files may not grow much beyond the journal's length: the kernel refuses the write, as a full disk does
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 4300; exec \"$0\" \"$@\"", BINARY]);
    limited.stderr(fs::File::create(&messages).unwrap());
    let mut server = Server::start_as(&mut limited, &root, &state);
    let mut stream = BufReader::new(TcpStream::connect(&server.address).unwrap());
    let mut received = BTreeSet::new();
    while let Some(receipt) = call(&mut stream, &server.token, 1) {
        received.insert(receipt);
        assert!(received.len() < 10_000, "the limit was never met");
    }
    let code = server.ended();
    let said = fs::read_to_string(&messages).unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the record cannot be written any more"), "{said}");
    assert!(received.len() > 10, "{}", received.len());
    let there = recorded(&state);
    assert!(received.is_subset(&there));

    // the torn end is cut, and the stream goes on
    let server = Server::start(&root, &state);
    let mut stream = BufReader::new(TcpStream::connect(&server.address).unwrap());
    let next = call(&mut stream, &server.token, 2).unwrap();
    server.kill();
    let index = |receipt: &str| receipt.rsplit('/').next().unwrap().parse::<u64>().unwrap();
    let last = received.iter().map(|receipt| index(receipt)).max().unwrap();
    assert!(index(&next) > last);
    assert!(recorded(&state).contains(&next) && received.is_subset(&recorded(&state)));
}

#[test]
fn strangers_with_open_connections_leave_the_record_the_files_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let (root, state) = (folder.path().join("world"), folder.path().join("state"));
    world(&root);
    let messages = folder.path().join("messages");
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 256; ulimit -S -n 64; exec \"$0\" \"$@\"", BINARY]);
    limited.stderr(fs::File::create(&messages).unwrap());
    let mut server = Server::start_as(&mut limited, &root, &state);
    let mut stream = BufReader::new(TcpStream::connect(&server.address).unwrap());
    let first = call(&mut stream, &server.token, 1).unwrap();
    let strangers: Vec<_> = (0..400).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    // time for checkpoints, which open files
    let begun = Instant::now();
    let mut received = BTreeSet::from([first]);
    while begun.elapsed() < Duration::from_secs(3) {
        received.extend(call(&mut stream, &server.token, 2));
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = fs::read_to_string(&messages).unwrap();
    assert!(server.child.try_wait().unwrap().is_none(), "{said}");
    assert!(received.len() > 5, "{said}");
    drop(strangers);
    server.kill();
    assert!(received.is_subset(&recorded(&state)));
}

/// A command whose `state` is on a read-only mount of its own.
fn on_read_only(state: &Path) -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let mount = "mount --bind \"$STATE\" \"$STATE\"; mount -o remount,ro,bind \"$STATE\"; exec \"$0\" \"$@\"";
    command.args(["--mount", "--kill-child", "--fork", "sh", "-euc", mount, BINARY]).env("STATE", state);
    command
}

#[test]
fn a_read_only_disk_is_no_place_to_record_and_a_good_one_to_verify() {
    let folder = tempfile::tempdir().unwrap();
    let (root, state) = (folder.path().join("world"), folder.path().join("state"));
    world(&root);
    let server = Server::start(&root, &state);
    let mut stream = BufReader::new(TcpStream::connect(&server.address).unwrap());
    let receipt = call(&mut stream, &server.token, 1).unwrap();
    server.kill();

    let up = ["up", root.to_str().unwrap(), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let started = on_read_only(&state).args(up).args(["--state", state.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8_lossy(&started.stderr);
    assert!(!started.status.success() && said.to_lowercase().contains("read-only"), "{said}");
    assert!(!String::from_utf8_lossy(&started.stdout).contains("ready"), "{started:?}");

    // the auditor gets it as it is
    let seen = folder.path().join("seen");
    let there = ["--state", state.to_str().unwrap()];
    let verify = [&["audit", "verify", "--seen", seen.to_str().unwrap()][..], &there].concat();
    let verified = on_read_only(&state).args(verify).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
    let asked = on_read_only(&state).args(["audit", "query", "-o", "json"]).args(there).output().unwrap();
    assert!(asked.status.success(), "{asked:?}");
    let index = receipt.rsplit('/').next().unwrap();
    assert!(String::from_utf8_lossy(&asked.stdout).contains(&format!("\"index\":{index}")), "{asked:?}");
}

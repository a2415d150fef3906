//! Programs under measurement: started, asked what they cost, ended with the benchmark.

#![allow(dead_code, reason = "each benchmark uses a part")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running program, killed when dropped.
pub struct Running(Child);

impl Running {
    /// Starts a program that says nothing, and waits until it listens.
    pub fn start(command: &mut Command, listens: SocketAddr) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let patience = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(listens).is_err() {
            assert!(child.try_wait().unwrap().is_none() && Instant::now() < patience, "{command:?} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self(child)
    }

    /// Starts `datashare up` and waits for its line `ready`.
    pub fn datashare(directory: &Path, state: &Path, listen: SocketAddr, threads: Option<u16>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_datashare"));
        command.arg("up").arg(directory).arg("--state").arg(state).arg("--listen").arg(listen.to_string());
        command.args(["--metrics", "127.0.0.1:0"]);
        command.args(threads.map(|n| format!("--threads={n}")));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("ready ") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "{command:?} ended before it was ready");
        }
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        Self(child)
    }

    /// User and system time of all its threads so far.
    pub fn cpu(&self) -> Duration {
        time_in(Path::new(&format!("/proc/{}/stat", self.0.id())))
    }

    /// User and system time of its threads of this name so far.
    pub fn cpu_of(&self, name: &str) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0.id())).unwrap().flatten();
        let named = |folder: &Path| fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim_end() == name);
        threads
            .map(|entry| entry.path())
            .filter(|folder| named(folder))
            .map(|folder| time_in(&folder.join("stat")))
            .sum()
    }

    /// A line of `/proc/PID/status`, in MiB.
    pub fn memory(&self, line: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let found = status.lines().find_map(|l| l.strip_prefix(line)).unwrap();
        found.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() / 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// User and system time of a process or thread.
fn time_in(stat: &Path) -> Duration {
    let stat = fs::read_to_string(stat).unwrap();
    let after = stat.rsplit(')').next().unwrap();
    let ticks: u64 = after.split_whitespace().skip(11).take(2).map(|n| n.parse::<u64>().unwrap()).sum();
    // 100 a second, whatever the kernel's own rate
    Duration::from_millis(ticks * 10)
}

/// An address of this machine that is free now.
pub fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

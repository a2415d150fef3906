//! The program `datashare guard` as a pod would run it, and calls to it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::city::City;
use crate::control_plane::eventually;

/// Ends with the test.
pub struct Running {
    guard: Child,
    folder: tempfile::TempDir,
    pub address: SocketAddr,
    health: SocketAddr,
}

/// One answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

impl Reply {
    /// The code of a problem; empty for an answer.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Running {
    pub fn start(city: &City, name: &str, kubeconfig: &Path) -> Self {
        Self::start_in(city, name, kubeconfig, tempfile::tempdir().unwrap())
    }

    fn start_in(city: &City, name: &str, kubeconfig: &Path, folder: tempfile::TempDir) -> Self {
        let log = folder.path().join("said");
        let mut guard = Command::new(env!("CARGO_BIN_EXE_datashare"));
        guard.args(["guard", "--name", name, "--namespace", &city.system, "--threads", "1"]);
        guard
            .args(["--audit", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--log"])
            .arg(folder.path().join("log"));
        guard.env("KUBECONFIG", kubeconfig).stdin(Stdio::null());
        guard.stdout(File::create(folder.path().join("out")).unwrap()).stderr(File::create(&log).unwrap());
        let guard = guard.spawn().unwrap();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut running = Self { guard, folder, address: nowhere, health: nowhere };
        running.address = running.said("out", &format!("guard {name} on http://"));
        running.health = running.said("said", "metrics and health on http://");
        running
    }

    /// The address that follows these words.
    fn said(&mut self, file: &str, words: &str) -> SocketAddr {
        let path = self.folder.path().join(file);
        eventually(words, || {
            let text = fs::read_to_string(&path).unwrap();
            if let Some(ended) = self.guard.try_wait().unwrap() {
                panic!("the guard ended, {ended}: {}", self.log());
            }
            let (_, after) = text.split_once(words)?;
            let address: String = after.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
            after.get(address.len()..).filter(|rest| !rest.is_empty())?;
            address.parse().ok()
        })
    }

    /// All that it said of itself.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap()
    }

    /// The usual call.
    pub fn call(&self, city: &City, token: &str) -> Reply {
        let head = format!("Authorization: Bearer {token}\r\nConnection: close\r\n");
        get(self.address, &city.path(), &head)
    }

    /// The usual call with a grant's first token.
    pub fn call_of(&self, city: &City, grant: &str) -> Reply {
        self.call(city, &city.token(grant))
    }

    /// Calls until it is answered with this status, or refused with this code.
    pub fn until(&self, city: &City, grant: &str, wanted: &str) -> Reply {
        let mut last = String::new();
        eventually(wanted, || {
            let reply = self.call_of(city, grant);
            let now = format!("{} {}", reply.status, reply.body);
            if now != last {
                println!("for {wanted}: {now}");
                last = now;
            }
            (reply.status.to_string() == wanted || reply.code() == wanted).then_some(reply)
        })
    }

    pub fn is_ready(&self) -> bool {
        get(self.health, "/readyz", "Connection: close\r\n").status == 200
    }

    /// Where the stream lies whose name begins so.
    pub fn stream(&self, name: &str) -> PathBuf {
        let log = self.folder.path().join("log");
        let streams = datashare::audit::stream_names(&log).unwrap();
        log.join(streams.iter().find(|stream| stream.starts_with(name)).unwrap())
    }

    /// Every entry of the record.
    pub fn entries(&self, stream: &str) -> Vec<Value> {
        let folder = self.stream(stream).join("entries");
        let mut segments: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        segments.sort();
        let text: String = segments.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// As a lost machine ends.
    pub fn kill(&mut self) {
        self.guard.kill().unwrap();
        self.guard.wait().unwrap();
    }

    pub fn terminate(&self) {
        let id = self.guard.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
    }

    pub fn ended(&mut self) -> ExitStatus {
        eventually("the guard ends", || self.guard.try_wait().unwrap())
    }

    /// Ends it as a lost machine does, and starts it again on the same volume.
    pub fn crash_and_start(mut self, city: &City, name: &str, kubeconfig: &Path) -> Self {
        self.kill();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        Self::start_in(city, name, kubeconfig, folder)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // one that ended by itself is no failure
        let _ = self.guard.kill();
        let _ = self.guard.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

pub fn get(address: SocketAddr, path: &str, head: &str) -> Reply {
    get_over(TcpStream::connect(address).unwrap(), path, head)
}

pub fn get_over(mut stream: TcpStream, path: &str, head: &str) -> Reply {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: guard\r\n{head}\r\n").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
    Reply { status, head: head.to_ascii_lowercase(), body }
}

//! Where the real gateways lie, and one of them running. `tests/gateways/install.sh` provides what is missing; nothing is
//! skipped when it fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::control_plane::{Process, tail};

pub struct Gateways(PathBuf);

impl Gateways {
    pub fn with(wanted: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateways/install.sh");
        let mut script = Command::new(script);
        let output = script.args(wanted).stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "tests/gateways/install.sh failed; it says above what is missing");
        Self(String::from_utf8(output.stdout).unwrap().trim_end().into())
    }

    /// A program, or the folder of its definitions.
    pub fn find(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// A program that ends with the test, and shows the end of its log when that fails.
pub struct Program(Process);

impl Program {
    /// Its folder is its own; variables are written `NAME=value`.
    pub fn start(folder: &Path, variables: &[String], command: &[String]) -> Self {
        let words = [variables, command].concat();
        Self(Process::start(Path::new("env"), folder, &words))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", tail(&self.0.log()));
        }
    }
}

/// Envoy with its bootstrap, one of its threads, and nothing shared with any other.
pub fn envoy(gateways: &Gateways, folder: &Path, bootstrap: &Path) -> Program {
    let program = gateways.find("envoy").display().to_string();
    let bootstrap = bootstrap.display().to_string();
    let words = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"];
    // by the last a gateway knows whose Envoy it is
    let more = ["--service-node", "envoy-0", "--service-cluster", "gateways/city", "--config-path"];
    let command =
        [vec![program], [&words[..], &more].concat().iter().map(|word| (*word).to_owned()).collect(), vec![bootstrap]];
    Program::start(folder, &[], &command.concat())
}

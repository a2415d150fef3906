//! The built binary as people and scripts run it: exit codes, forms of output, and that what is broken
//! in one place is told there and stops nothing elsewhere. What depends on the day is tested beside
//! the code, where the day is an argument.

mod audit;
mod check;
mod get;
mod help;
mod mistakes;
mod plan;
mod revoke;
mod up;
mod who_can;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::folder::copy;

/// What a run gave.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub messages: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.messages))
    }
}

/// Runs the binary in a directory.
pub fn datashare(here: &Path, words: &[&str]) -> Ran {
    run(Command::new(env!("CARGO_BIN_EXE_datashare")).args(words).current_dir(here))
}

pub fn run(command: &mut Command) -> Ran {
    let done = command.env_remove("GIT_DIR").stdin(Stdio::null()).output().unwrap();
    Ran {
        code: done.status.code().unwrap_or(-1),
        out: String::from_utf8(done.stdout).unwrap(),
        messages: String::from_utf8(done.stderr).unwrap(),
    }
}

/// A private copy of the example.
pub fn jinan() -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(place.path()).unwrap().join("jinan");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan"), &root);
    (place, root)
}

/// Replaces a text that stands in a file.
pub fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} does not hold {from}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

//! The shape of the house: which room may know which, how long a file may be, and what is said where.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the top down; a room may name what stands on a later line.
const FLOORS: [&[&str]; 7] = [
    &["cli"],
    &["guard", "operator"],
    &["source", "delivery", "audit"],
    &["judge"],
    &["approval", "fields"],
    &["api"],
    &["clock", "observe", "random", "redacted", "settings", "telemetry"],
];
const LONGEST: usize = 500;
const MEDIAN: usize = 150;

struct Source {
    /// Below the root, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Lines of code that ship: no comments, and nothing from the unit tests on.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = (1..).zip(self.text.lines()).take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn is_unit_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    fn room(&self) -> Option<&str> {
        let below = self.path.strip_prefix("src/")?;
        let room = below.split('/').next()?;
        Some(room.strip_suffix(".rs").unwrap_or(room))
    }
}

fn below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in folders {
        below(&root.join(folder), &mut paths);
    }
    assert!(!paths.is_empty());
    let source = |path: PathBuf| Source {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"),
    };
    paths.into_iter().map(source).collect()
}

fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Where shipped code outside the files allowed says one of these words.
fn said(words: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources(&["src"]).iter().filter(|s| !s.is_unit_test() && !allowed(&s.path)) {
        for (number, line) in source.code() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                found.push(format!("{}:{number} says {word}", source.path));
            }
        }
    }
    found
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The rooms that a line names: `crate::room` and each of `crate::{room, …}`.
fn rooms(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for after in line.split("crate::").skip(1) {
        let parts: Vec<&str> = match after.strip_prefix('{') {
            Some(group) => group.split(',').collect(),
            None => vec![after],
        };
        for part in parts {
            let part = part.trim();
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
            out.push(&part[..end]);
        }
    }
    out
}

#[test]
fn imports_point_downwards() {
    let mut found = Vec::new();
    for source in sources(&["src"]) {
        let Some(own) = source.room().filter(|room| !matches!(*room, "main" | "lib")) else { continue };
        let Some(from) = floor(own) else {
            found.push(format!("{}: the room {own} is on no floor", source.path));
            continue;
        };
        for (number, line) in source.code() {
            for room in rooms(line) {
                let down = floor(room).is_none_or(|to| to > from);
                if room != own && !down {
                    found.push(format!("{}:{number}: {own} may not name {room}", source.path));
                }
            }
        }
    }
    none(&found);
}

#[test]
fn files_are_short_and_say_what_they_promise() {
    let mut found = Vec::new();
    for source in sources(&["src", "tests", "benches"]) {
        let lines = source.text.lines().count();
        if lines > LONGEST {
            found.push(format!("{}: {lines} lines, at most {LONGEST}", source.path));
        }
        if !source.text.starts_with("//!") {
            found.push(format!("{}: begin with //! and what the file promises", source.path));
        }
        if source.path.ends_with("/mod.rs") {
            found.push(format!("{}: name it after its folder", source.path));
        }
    }
    none(&found);
    let mut lengths: Vec<usize> = sources(&["src"]).iter().map(|source| source.text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MEDIAN, "the median file of src has {median} lines, at most {MEDIAN}");
}

#[test]
fn only_one_file_tells_the_time_and_one_draws_lots() {
    let clock = ["Timestamp::now(", "Instant::now(", "SystemTime::now(", "Zoned::now("];
    none(&said(&clock, |path| path == "src/clock.rs"));
    // blinding an RSA signature takes a generator of the library's own kind
    let allowed = |path: &str| matches!(path, "src/random.rs" | "src/approval/signing/rsa.rs");
    none(&said(&["getrandom::", "rand::", "OsRng", "thread_rng"], allowed));
}

#[test]
fn only_the_yaml_files_name_the_yaml_crates() {
    none(&said(&["serde_yaml", "saphyr_parser"], |path| path.starts_with("src/source/yaml")));
}

#[test]
fn nothing_is_unsafe_or_left_for_later() {
    let mut found = said(&["unsafe ", "todo!", "unimplemented!"], |_| false);
    // spelt in two halves, so that this file does not find itself
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    for source in sources(&["src", "tests", "benches"]) {
        for (number, line) in (1..).zip(source.text.lines()) {
            if marks.iter().any(|mark| line.contains(mark)) {
                found.push(format!("{}:{number} leaves something for later", source.path));
            }
        }
    }
    none(&found);
}

#[test]
fn the_lints_are_on() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cargo = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let lints = [
        "unsafe_code = \"forbid\"",
        "pedantic = {",
        "unwrap_used = ",
        "expect_used = ",
        "panic = \"warn\"",
        "indexing_slicing = ",
        "string_slice = ",
        "todo = ",
        "print_stdout = ",
    ];
    for lint in lints {
        assert!(cargo.contains(lint), "Cargo.toml: {lint}");
    }
}

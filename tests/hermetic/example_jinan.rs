//! The Jinan example is what the standard's table says it is, is well formed in every file, and its
//! grants are signed over what lies beside them.

mod catalogue;
mod grants;
mod sample;
mod verdicts;

use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan")
}

/// Every object of one kind, by file.
fn objects(kind: &str) -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let object: Value = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
                if object["kind"] == kind {
                    found.push((path, object));
                }
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().map_or_else(Vec::new, |list| list.iter().map(|text| text.as_str().unwrap()).collect())
}

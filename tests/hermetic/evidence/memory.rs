//! A stream in memory, to be changed and looked at thousands of times.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;

use datashare::audit::verify::{Piece, Place};

use super::STREAM;

/// The files of one stream by their names below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl Memory {
    pub fn read_from(stream: &Path) -> Self {
        let mut files = BTreeMap::new();
        for file in ["keys", "checkpoint", "checkpoint.new", "checkpoints.jsonl", "pruned.jsonl"] {
            if let Ok(bytes) = fs::read(stream.join(file)) {
                files.insert(file.to_owned(), bytes);
            }
        }
        for item in fs::read_dir(stream.join("entries")).unwrap().map(Result::unwrap) {
            let name = format!("entries/{}", item.file_name().to_str().unwrap());
            files.insert(name, fs::read(item.path()).unwrap());
        }
        Self(files)
    }

    pub fn write_to(&self, stream: &Path) {
        fs::create_dir_all(stream.join("entries")).unwrap();
        for (name, bytes) in &self.0 {
            fs::write(stream.join(name), bytes).unwrap();
        }
    }
}

impl Place for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn streams(&self) -> io::Result<Vec<String>> {
        Ok(vec![STREAM.to_owned()])
    }

    fn open(&self, _: &str, file: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        Ok(self.0.get(file).map(|bytes| Box::new(Cursor::new(bytes.clone())) as Box<dyn Read + Send>))
    }

    fn pieces(&self, _: &str) -> io::Result<Vec<Piece>> {
        let named =
            |(name, bytes): (&String, &Vec<u8>)| Piece::of_name(name.strip_prefix("entries/")?, bytes.len() as u64);
        Ok(self.0.iter().filter_map(named).collect())
    }
}

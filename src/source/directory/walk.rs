//! A walk over the files that count, in pieces: whoever walks can stop between two entries to react
//! to something more urgent. Hidden names and linked directories are not entered.

use std::collections::VecDeque;
use std::fs::{self, DirEntry, ReadDir};

use super::{Directory, Role, Stamp, is_hidden};

/// One thing met on the way.
#[derive(Debug)]
pub enum Entry {
    /// A directory that is about to be read: whoever wants to watch it does so now.
    Directory(String),
    File(String, Met),
}

/// A file on the way. It is asked for its stamp only where somebody wants to compare: of a tree that is
/// met for the first time nobody does.
#[derive(Debug)]
pub enum Met {
    Plain(DirEntry),
    /// What a link leads to.
    Linked(Stamp),
}

impl Met {
    /// The stamp now; of a file that has just gone, one that fits nothing.
    pub fn stamp(&self) -> Stamp {
        match self {
            Self::Plain(entry) => entry.metadata().as_ref().map_or(Stamp::NEVER, Stamp::of),
            Self::Linked(stamp) => *stamp,
        }
    }
}

/// The walk's state. Directories are read in the order in which they were met.
#[derive(Debug)]
pub struct Walk {
    ahead: VecDeque<String>,
    open: Option<(String, ReadDir)>,
    met: usize,
    cut: bool,
}

impl Walk {
    /// A walk over everything below `start` (relative, empty for the root).
    pub fn below(start: &str) -> Self {
        Self { ahead: VecDeque::from([start.to_owned()]), open: None, met: 0, cut: false }
    }

    /// Whether the limit on files ended the walk early.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The next entry; `None` at the end. A directory that cannot be read is passed over, so its
    /// files count as not met.
    pub fn step(&mut self, directory: &Directory) -> Option<Entry> {
        loop {
            if self.met > directory.max_files {
                self.cut = true;
                return None;
            }
            let Some((prefix, entries)) = &mut self.open else {
                let next = self.ahead.pop_front()?;
                return Some(Entry::Directory(next));
            };
            let Some(entry) = entries.next() else {
                self.open = None;
                continue;
            };
            let Ok(entry) = entry else { continue };
            let name = entry.file_name();
            let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else { continue };
            if is_hidden(name) {
                continue;
            }
            let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            if kind.is_dir() {
                self.met += 1;
                self.ahead.push_back(path);
            } else if Role::of(&path) != Role::Other {
                let met = if kind.is_symlink() {
                    let Ok(meta) = fs::metadata(directory.path(&path)) else { continue };
                    meta.is_file().then(|| Met::Linked(Stamp::of(&meta)))
                } else {
                    kind.is_file().then_some(Met::Plain(entry))
                };
                if let Some(met) = met {
                    self.met += 1;
                    return Some(Entry::File(path, met));
                }
            }
        }
    }

    /// Begins to read a directory that [`Walk::step`] gave out.
    pub fn enter(&mut self, directory: &Directory, path: String) {
        self.open = fs::read_dir(directory.path(&path)).ok().map(|entries| (path, entries));
    }
}

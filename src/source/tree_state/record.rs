//! The bookkeeping of one file and of one key, packed: a tree of 200,000 files is ordinary.

use std::collections::HashMap;
use std::sync::Arc;

use crate::source::directory::Stamp;
use crate::source::object::ObjectKey;

/// One object of a file.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub key: ObjectKey,
    /// Hash of what was written.
    pub print: u64,
    pub line: u32,
}

/// What is known of one file.
#[derive(Debug)]
pub(super) struct FileRecord {
    pub stamp: Stamp,
    /// Number of the look that met it last.
    pub look: u32,
    pub held: HeldList,
}

/// The objects of a file; nearly always one, which then needs no allocation of its own.
#[derive(Debug, Default)]
pub(super) enum HeldList {
    #[default]
    None,
    One(Held),
    Many(Box<[Held]>),
}

impl HeldList {
    pub fn as_slice(&self) -> &[Held] {
        match self {
            Self::None => &[],
            Self::One(held) => std::slice::from_ref(held),
            Self::Many(all) => all,
        }
    }
}

impl From<Vec<Held>> for HeldList {
    fn from(mut all: Vec<Held>) -> Self {
        match (all.len(), all.pop()) {
            (1, Some(one)) => Self::One(one),
            (_, None) => Self::None,
            (_, Some(last)) => {
                all.push(last);
                Self::Many(all.into())
            }
        }
    }
}

/// The files that hold a key, once per place; nearly always one.
#[derive(Debug)]
pub(super) enum Holders {
    One(Arc<str>),
    /// Sorted. A slice, so that the common case stays small.
    Many(Box<[Arc<str>]>),
}

impl Holders {
    pub fn add(all: &mut HashMap<ObjectKey, Self>, key: ObjectKey, path: &Arc<str>) {
        let now = match all.remove(&key) {
            None => Self::One(Arc::clone(path)),
            Some(Self::One(first)) => {
                let mut files = vec![first, Arc::clone(path)];
                files.sort();
                Self::Many(files.into())
            }
            Some(Self::Many(files)) => {
                let mut files = files.into_vec();
                let at = files.partition_point(|file| file < path);
                files.insert(at, Arc::clone(path));
                Self::Many(files.into())
            }
        };
        all.insert(key, now);
    }

    /// Forgets one place; true when it was the last.
    pub fn remove(&mut self, path: &Arc<str>) -> bool {
        match self {
            Self::One(only) => only == path,
            Self::Many(files) => {
                let mut left = std::mem::take(files).into_vec();
                if let Ok(at) = left.binary_search(path) {
                    left.remove(at);
                }
                *self = match left.as_slice() {
                    [only] => Self::One(Arc::clone(only)),
                    _ => Self::Many(left.into()),
                };
                false
            }
        }
    }

    pub fn count(&self) -> usize {
        self.files().count()
    }

    pub fn files(&self) -> impl Iterator<Item = &Arc<str>> {
        let (one, many) = match self {
            Self::One(only) => (Some(only), None),
            Self::Many(files) => (None, Some(files.iter())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

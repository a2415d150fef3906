//! A disk that goes wrong at its n-th operation, in one of the ways disks do. What is "on the disk for
//! good" is kept count of, so that a power cut can take the rest away.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datashare::audit::{Disk, JournalFile, SegmentFile, Storage};
use parking_lot::Mutex;

/// What happens at the chosen operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed before the operation.
    KillBefore,
    /// The process is killed after it.
    KillAfter,
    /// The power goes before it: what is not synced is lost.
    PowerBefore,
    /// The power goes after it.
    PowerAfter,
    /// A part of the bytes is written, then the process is killed.
    TornKill,
    /// A part of the bytes is written, then the power goes, and some of it stays.
    TornPower,
    /// The disk reports an error.
    Error,
    /// There is no space left.
    Full,
    /// The disk takes a part of the bytes and says so.
    Short,
}

pub const FAULTS: [Fault; 9] = [
    Fault::KillBefore,
    Fault::KillAfter,
    Fault::PowerBefore,
    Fault::PowerAfter,
    Fault::TornKill,
    Fault::TornPower,
    Fault::Error,
    Fault::Full,
    Fault::Short,
];

#[derive(Debug, Default)]
struct Inner {
    operations: usize,
    at: Option<(usize, Fault)>,
    /// Nothing more is done: killed, or without power.
    dead: bool,
    /// Bytes of each file that survive a power cut.
    synced: BTreeMap<PathBuf, u64>,
    /// What stood in the journal where something was written since its last sync, oldest first.
    overwritten: Vec<(PathBuf, u64, Vec<u8>)>,
    /// Asked after an error was reported.
    asked_again: usize,
    failed: bool,
    /// A part, of 256.
    part: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Doomed(Arc<Mutex<Inner>>);

/// How an operation goes.
enum Way {
    Well,
    /// Done in full, and then nothing more.
    Last,
    /// Done in full, and then the power goes.
    LastByPower,
    /// A part of it only; dead when told so.
    Part {
        dead: bool,
        power: bool,
    },
    Not(io::Error),
}

fn dead() -> io::Error {
    io::Error::other("the process is gone")
}

impl Doomed {
    pub fn new(at: Option<(usize, Fault)>, part: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner { at, part, ..Inner::default() })))
    }

    pub fn operations(&self) -> usize {
        self.0.lock().operations
    }

    pub fn was_hit(&self) -> bool {
        let inner = self.0.lock();
        inner.dead || inner.failed
    }

    /// Operations after an error was reported.
    pub fn asked_again(&self) -> usize {
        self.0.lock().asked_again
    }

    fn way(inner: &mut Inner) -> Way {
        if inner.dead {
            return Way::Not(dead());
        }
        if inner.failed {
            inner.asked_again += 1;
        }
        inner.operations += 1;
        let Some((at, fault)) = inner.at.filter(|(at, _)| *at == inner.operations) else { return Way::Well };
        let _ = at;
        match fault {
            Fault::KillBefore => {
                inner.dead = true;
                Way::Not(dead())
            }
            Fault::KillAfter => Way::Last,
            Fault::PowerBefore => {
                inner.power_cut(0);
                Way::Not(dead())
            }
            Fault::PowerAfter => Way::LastByPower,
            Fault::TornKill => Way::Part { dead: true, power: false },
            Fault::TornPower => Way::Part { dead: true, power: true },
            Fault::Error | Fault::Full => {
                inner.failed = true;
                let code = if fault == Fault::Error { 5 } else { 28 };
                Way::Not(io::Error::from_raw_os_error(code))
            }
            Fault::Short => {
                inner.failed = true;
                Way::Part { dead: false, power: false }
            }
        }
    }

    /// An operation that is done whole or not at all.
    fn whole<T>(&self, work: impl FnOnce(&mut Inner) -> io::Result<T>) -> io::Result<T> {
        let mut inner = self.0.lock();
        match Self::way(&mut inner) {
            Way::Well => work(&mut inner),
            Way::Last | Way::Part { dead: true, power: false } => {
                let _ = work(&mut inner);
                inner.dead = true;
                Err(dead())
            }
            Way::LastByPower | Way::Part { dead: true, power: true } => {
                let _ = work(&mut inner);
                inner.power_cut(0);
                Err(dead())
            }
            Way::Part { dead: false, .. } => Err(io::ErrorKind::StorageFull.into()),
            Way::Not(error) => Err(error),
        }
    }
}

impl Inner {
    /// Takes away what is not synced, but for a part of it that happened to reach the disk.
    fn power_cut(&mut self, stays: u64) {
        self.dead = true;
        for (path, synced) in &self.synced {
            let Ok(file) = fs::OpenOptions::new().write(true).open(path) else { continue };
            let length = file.metadata().unwrap().len();
            file.set_len(length.min(synced + stays)).unwrap();
        }
        for (path, at, before) in self.overwritten.drain(..).rev() {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            // what came first may be what is lost
            let lost = before.len().saturating_sub(usize::try_from(stays).unwrap());
            file.write_all_at(&before[..lost], at).unwrap();
        }
    }

    fn part_of(&self, length: usize) -> usize {
        length * self.part / 256
    }
}

impl Storage for Doomed {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        self.whole(|inner| {
            fs::OpenOptions::new().append(true).create_new(true).open(path)?;
            inner.synced.insert(path.to_owned(), 0);
            Ok(())
        })?;
        Ok(Arc::new(File { disk: self.clone(), path: path.to_owned() }))
    }

    fn resume(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        let mut inner = self.0.lock();
        inner.synced.insert(path.to_owned(), fs::metadata(path)?.len());
        drop(inner);
        Ok(Arc::new(File { disk: self.clone(), path: path.to_owned() }))
    }

    fn journal(&self, path: &Path, length: u64) -> io::Result<Box<dyn JournalFile>> {
        // a crash before it is whole leaves a file that is made anew
        self.whole(|_| Disk.journal(path, length).map(|_| ()))?;
        Ok(Box::new(File { disk: self.clone(), path: path.to_owned() }))
    }

    fn free(&self, _: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn write_small(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.0.lock();
        let way = Self::way(&mut inner);
        let length = match &way {
            Way::Well | Way::Last | Way::LastByPower => bytes.len(),
            Way::Part { .. } => inner.part_of(bytes.len()),
            Way::Not(_) => 0,
        };
        if !matches!(way, Way::Not(_)) {
            fs::write(path, &bytes[..length])?;
        }
        match way {
            Way::Well => Ok(()),
            Way::Last | Way::Part { dead: true, power: false } => {
                inner.dead = true;
                Err(dead())
            }
            Way::LastByPower | Way::Part { dead: true, power: true } => {
                inner.power_cut(0);
                Err(dead())
            }
            Way::Part { dead: false, .. } => Err(io::ErrorKind::StorageFull.into()),
            Way::Not(error) => Err(error),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.whole(|_| fs::rename(from, to))
    }

    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        self.whole(|_| fs::OpenOptions::new().write(true).open(path)?.set_len(length))
    }
}

struct File {
    disk: Doomed,
    path: PathBuf,
}

impl SegmentFile for File {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes, |_, bytes| {
            let mut file = fs::OpenOptions::new().append(true).open(&self.path)?;
            io::Write::write_all(&mut file, bytes)
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.whole(|inner| {
            inner.synced.insert(self.path.clone(), fs::metadata(&self.path)?.len());
            Ok(())
        })
    }
}

impl JournalFile for File {
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.put(bytes, |inner, bytes| {
            let file = fs::OpenOptions::new().read(true).write(true).open(&self.path)?;
            let mut before = vec![0; bytes.len()];
            file.read_exact_at(&mut before, at)?;
            inner.overwritten.push((self.path.clone(), at, before));
            file.write_all_at(bytes, at)
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.whole(|inner| {
            inner.overwritten.clear();
            Ok(())
        })
    }
}

impl File {
    fn put(&self, bytes: &[u8], write: impl FnOnce(&mut Inner, &[u8]) -> io::Result<()>) -> io::Result<usize> {
        let mut inner = self.disk.0.lock();
        let way = Doomed::way(&mut inner);
        let length = match &way {
            Way::Well | Way::Last | Way::LastByPower => bytes.len(),
            Way::Part { .. } => inner.part_of(bytes.len()),
            Way::Not(_) => 0,
        };
        write(&mut inner, &bytes[..length])?;
        match way {
            Way::Well | Way::Part { dead: false, .. } => Ok(length),
            Way::Last | Way::Part { dead: true, power: false } => {
                inner.dead = true;
                Err(dead())
            }
            Way::LastByPower | Way::Part { dead: true, power: true } => {
                // some sectors made it
                let stays = inner.part_of(length) as u64;
                inner.power_cut(stays);
                Err(dead())
            }
            Way::Not(error) => Err(error),
        }
    }
}

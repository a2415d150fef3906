//! Events of the Linux kernel, per directory. A watch is known by its descriptor, so a directory that
//! was replaced under the same name cannot be taken for the old one.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Bound;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use inotify::{EventMask, Inotify, WatchDescriptor, WatchMask};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Event;

/// Events gathered before they are handed on; the rest waits in the kernel.
const MAX_EVENTS: usize = 4096;

#[derive(Debug)]
pub struct Watch {
    /// `None` where the system gives none: then only the walk notices changes.
    inotify: Option<Inotify>,
    directories: HashMap<WatchDescriptor, String>,
    descriptors: BTreeMap<String, WatchDescriptor>,
    complete: bool,
    buffer: Vec<u8>,
}

impl Watch {
    pub fn new() -> Self {
        let inotify = Inotify::init().ok();
        let complete = inotify.is_some();
        let buffer = vec![0; 64 * 1024];
        Self { inotify, directories: HashMap::new(), descriptors: BTreeMap::new(), complete, buffer }
    }

    /// As where the system gives no events.
    #[cfg(test)]
    pub fn blind() -> Self {
        Self { inotify: None, complete: false, ..Self::new() }
    }

    /// Watches one directory. What is already in it must be walked afterwards. Where the system has
    /// no watch left, only the walk will notice changes there.
    pub fn add(&mut self, path: &Path, relative: &str) {
        let mask = WatchMask::CREATE
            | WatchMask::CLOSE_WRITE
            | WatchMask::MODIFY
            | WatchMask::ATTRIB
            | WatchMask::MOVED_TO
            | WatchMask::MOVED_FROM
            | WatchMask::DELETE
            | WatchMask::DELETE_SELF
            | WatchMask::MOVE_SELF
            | WatchMask::ONLYDIR
            | WatchMask::EXCL_UNLINK;
        let Some(inotify) = &self.inotify else { return };
        match inotify.watches().add(path, mask) {
            Ok(descriptor) => {
                if let Some(stale) = self.descriptors.insert(relative.to_owned(), descriptor.clone())
                    && stale != descriptor
                {
                    self.drop_descriptor(&stale);
                }
                self.directories.insert(descriptor, relative.to_owned());
            }
            // gone again before it could be watched: its removal is told by the directory above
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(_) => self.complete = false,
        }
    }

    /// Whether every directory asked for is watched.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Stops watching a directory and all below it; everything when it is the root.
    pub fn forget(&mut self, directory: &str) {
        let below = |path: &str| {
            directory.is_empty()
                || path == directory
                || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
        };
        let from = (Bound::Included(directory.to_owned()), Bound::Unbounded);
        let near = self.descriptors.range(from).take_while(|(path, _)| path.starts_with(directory));
        let gone: Vec<_> =
            near.filter(|(path, _)| below(path)).map(|(path, old)| (path.clone(), old.clone())).collect();
        for (path, descriptor) in gone {
            self.descriptors.remove(&path);
            self.drop_descriptor(&descriptor);
        }
        if directory.is_empty() {
            self.complete = self.inotify.is_some();
        }
    }

    fn drop_descriptor(&mut self, descriptor: &WatchDescriptor) {
        if self.directories.remove(descriptor).is_some()
            && let Some(inotify) = &self.inotify
        {
            // fails when the directory is gone, and then there is nothing to remove
            let _ = inotify.watches().remove(descriptor.clone());
        }
    }

    /// Waits until something happens, `timeout` at most, and takes all that has.
    pub fn wait(&mut self, timeout: Duration, out: &mut Vec<Event>) {
        let Some(inotify) = &mut self.inotify else {
            std::thread::sleep(timeout);
            return;
        };
        let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        let mut ready = [PollFd::from_borrowed_fd(inotify.as_fd(), PollFlags::IN)];
        // an interrupted wait is a short one
        let _ = poll(&mut ready, Some(&timeout));
        while out.len() < MAX_EVENTS {
            let Ok(events) = inotify.read_events(&mut self.buffer) else { return };
            let mut ended = Vec::new();
            let mut any = false;
            for event in events {
                any = true;
                if event.mask.contains(EventMask::Q_OVERFLOW) {
                    out.push(Event::Lost);
                    continue;
                }
                let Some(directory) = self.directories.get(&event.wd) else { continue };
                if event.mask.contains(EventMask::IGNORED) {
                    ended.push(event.wd);
                    continue;
                }
                match event.name.map(|name| name.to_str()) {
                    Some(Some(name)) if !name.starts_with('.') => {
                        let path = if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
                        out.push(named(event.mask, path));
                    }
                    None if directory.is_empty() => out.push(Event::Root),
                    // hidden, or told by the directory above as well
                    Some(_) | None => {}
                }
            }
            for descriptor in ended {
                if let Some(path) = self.directories.remove(&descriptor)
                    && self.descriptors.get(&path) == Some(&descriptor)
                {
                    self.descriptors.remove(&path);
                }
            }
            if !any {
                return;
            }
        }
    }
}

fn named(mask: EventMask, path: String) -> Event {
    let removed = mask.intersects(EventMask::DELETE | EventMask::MOVED_FROM);
    match (mask.contains(EventMask::ISDIR), removed) {
        (true, true) => Event::DirectoryRemoved(path),
        // new, or its permissions changed: what lies in it may have become readable
        (true, false) => Event::DirectoryAdded(path),
        (false, true) => Event::Removed(path),
        (false, false) if mask.intersects(EventMask::CLOSE_WRITE | EventMask::MOVED_TO | EventMask::ATTRIB) => {
            Event::Settled(path)
        }
        (false, false) => Event::Unsettled(path),
    }
}

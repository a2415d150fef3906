//! For systems without inotify: no events, the walk alone notices changes.

use std::path::Path;
use std::time::Duration;

use super::Event;

#[derive(Debug)]
pub struct Watch;

impl Watch {
    pub fn new() -> Self {
        Self
    }

    pub fn add(&mut self, _path: &Path, _relative: &str) {}

    pub fn is_complete(&self) -> bool {
        false
    }

    pub fn forget(&mut self, _directory: &str) {}

    pub fn wait(&mut self, timeout: Duration, _out: &mut Vec<Event>) {
        std::thread::sleep(timeout);
    }
}

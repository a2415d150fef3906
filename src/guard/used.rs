//! What the guard's Lease tells of use: the grants that were used last. Looked at now and then only, however often the
//! Lease is written, and only for what is news.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;

use super::Guard;
use crate::clock::Stopwatch;
use crate::judge::facts::Key;
use crate::judge::status::{Use, UsedBy};

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(5);

/// The telling of one guard.
pub struct Used {
    guard: Arc<Guard>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    looked: Option<Stopwatch>,
    /// Of all that was told, the newest use.
    newest: Timestamp,
    recent: HashMap<Key, Use>,
    text: Option<String>,
}

impl Used {
    #[must_use]
    pub fn of(guard: Arc<Guard>) -> Self {
        Self { guard, told: Mutex::default() }
    }

    /// As the Lease has it; nothing before the first use.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let mut told = self.told.lock();
        if told.looked.as_ref().is_none_or(|looked| looked.elapsed() >= EVERY) {
            told.looked = Some(Stopwatch::start());
            let news = self.guard.used_since(told.newest);
            if !news.is_empty() {
                told.take(news);
            }
        }
        told.text.clone()
    }
}

impl Told {
    fn take(&mut self, news: Vec<(Key, Use)>) {
        self.recent.extend(news);
        let told = UsedBy::new(self.recent.drain().collect());
        self.recent = told.grants().collect();
        self.newest = self.recent.values().map(|used| used.last).max().unwrap_or_default();
        self.text = Some(told.text());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_stays_until_newer_use_displaces_it() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let used = |name: &str, second, calls| (Key::new("n", name), Use { last: at(second), calls });
        let mut told = Told::default();
        told.take(vec![used("a", 10, 1), used("b", 20, 1)]);
        told.take(vec![used("a", 30, 2)]);
        assert_eq!(told.recent.len(), 2);
        assert_eq!((told.recent[&Key::new("n", "a")].calls, told.newest), (2, at(30)));
        told.take((0..256).map(|n| used(&format!("c{n}"), 40, 1)).collect());
        assert!(!told.recent.contains_key(&Key::new("n", "a")) && told.recent.len() == 256);
        assert!(told.text.unwrap().len() < 32 * 1024, "a Lease holds it");
    }
}

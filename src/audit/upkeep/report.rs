//! How the record stands, for metrics, conditions and people.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;

use super::{Keeping, SHORT_OF_SPACE, Upkeep};
use crate::judge::status::Kept;

/// The file of a stream that says how it is kept.
const STANDING: &str = "standing.json";

/// What is wrong, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub since: Timestamp,
    pub message: String,
}

/// How the record stood after the last round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub round: Option<Timestamp>,
    /// Bytes that may still be written.
    pub free_bytes: Option<u64>,
    /// Whether any archive is asked for.
    pub has_archive: bool,
    /// The newest entry of the oldest closed segment that some archive lacks.
    pub lags_since: Option<Timestamp>,
    /// Entries below this index are in every archive.
    pub archived_through: Option<u64>,
    pub last_archived: Option<Timestamp>,
    /// The oldest entry that is still kept in a sealed segment.
    pub oldest: Option<Timestamp>,
    /// Since this process began.
    pub sealed: u64,
    pub pruned: u64,
    /// Segments whose time is over and that a legal hold keeps.
    pub held: u64,
    /// By what it is about: `seal`, `retention`, `hold`, `disk`, or an archive's address.
    pub troubles: BTreeMap<String, Trouble>,
}

impl Report {
    /// As much as a status shows.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept {
            has_archive: self.has_archive,
            archived_through: self.archived_through,
            lags_since: self.lags_since,
            oldest: self.oldest,
            troubles: self.troubles.iter().map(|(what, trouble)| (what.clone(), trouble.message.clone())).collect(),
        }
    }
}

/// What the last process wrote about this stream; nothing if it wrote nothing that can be read.
#[must_use]
pub fn last_kept(stream: &Path) -> Option<Kept> {
    Kept::parse(&fs::read(stream.join(STANDING)).ok()?)
}

/// A report that changes; clones are the same.
#[derive(Clone, Default)]
pub struct Standing(Arc<Inner>);

#[derive(Default)]
struct Inner {
    report: Mutex<Report>,
    tell: Mutex<Option<Tell>>,
}

type Tell = Box<dyn Fn(&str) + Send>;

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Standing").field(&*self.0.report.lock()).finish()
    }
}

impl Standing {
    #[must_use]
    pub fn report(&self) -> Report {
        self.0.report.lock().clone()
    }

    /// Says it in a line when a trouble begins, changes or ends.
    pub fn tell(&self, tell: impl Fn(&str) + Send + 'static) {
        *self.0.tell.lock() = Some(Box::new(tell));
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.0.report.lock());
    }

    /// The trouble about `what` is this now, or is over.
    pub(super) fn trouble(&self, what: &str, now: Timestamp, trouble: Option<String>) {
        let line = {
            let mut report = self.0.report.lock();
            let before = report.troubles.get(what);
            match trouble {
                None => match report.troubles.remove(what) {
                    None => return,
                    Some(_) => format!("the record: {what}: well again"),
                },
                Some(message) if before.is_some_and(|before| lasting(&before.message) == lasting(&message)) => return,
                Some(message) => {
                    let line = format!("the record: {what}: {message}");
                    let since = before.map_or(now, |before| before.since);
                    report.troubles.insert(what.to_owned(), Trouble { since, message });
                    line
                }
            }
        };
        if let Some(tell) = &*self.0.tell.lock() {
            tell(&line);
        }
    }

    /// Troubles about archives other than these are over: nobody asks for those any more.
    pub(super) fn only_archives(&self, urls: &[&str]) {
        let mut report = self.0.report.lock();
        report.troubles.retain(|what, _| !what.contains("://") || urls.contains(&what.as_str()));
    }
}

/// A message without what differs each time that the same thing goes wrong: how long it took, and the numbers by which S3
/// finds a request again. The first one that was told stays.
fn lasting(message: &str) -> String {
    let took = |word: &&str| {
        let word = word.trim_end_matches([',', '.', ';', ':']);
        let number = word.trim_end_matches(['n', 'µ', 'm', 's']);
        number.len() < word.len() && number.parse::<f64>().is_ok()
    };
    let words: Vec<&str> = message.split(' ').filter(|word| !took(word)).collect();
    let mut lasting = words.join(" ");
    for name in ["RequestId", "HostId"] {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        if let Some((before, rest)) = lasting.split_once(&open)
            && let Some((_, behind)) = rest.split_once(&close)
        {
            lasting = format!("{before}{behind}");
        }
    }
    lasting
}

impl Upkeep {
    pub(super) fn report(&mut self, keeping: Option<&Keeping>, now: Timestamp) {
        let free = self.free();
        let mut fresh = Report { round: Some(now), free_bytes: free, ..Report::default() };
        fresh.oldest = self.inventory.iter().next().map(|facts| facts.oldest);
        if let Some(keeping) = keeping {
            fresh.has_archive = !keeping.archives.is_empty();
            let lacking = |first: u64| self.copied.iter().any(|copied| !copied.has(first));
            let oldest = self.inventory.iter().find(|facts| fresh.has_archive && lacking(facts.first));
            fresh.lags_since = oldest.map(|facts| facts.newest);
            fresh.archived_through = match (fresh.has_archive, oldest) {
                (false, _) => None,
                (true, Some(facts)) => Some(facts.first),
                (true, None) => self.inventory.iter().next_back().map(|facts| facts.end),
            };
        }
        self.standing.change(|report| {
            let before = std::mem::take(report);
            *report = Report {
                last_archived: before.last_archived,
                sealed: before.sealed,
                pruned: before.pruned,
                held: before.held,
                troubles: before.troubles,
                ..fresh
            };
        });
        let short = free.filter(|free| *free < SHORT_OF_SPACE).map(|free| {
            format!("only {} MiB are free where the record is; calls are refused before the disk is full", free >> 20)
        });
        self.standing.trouble("disk", now, short);
        let kept = self.standing.report().kept();
        if self.written.as_ref() != Some(&kept) {
            // only for whoever looks from another process
            let written = fs::write(self.stream.join(STANDING), kept.text());
            self.written = written.is_ok().then_some(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_is_told_once_however_long_it_took() {
        let (standing, said) = (Standing::default(), Arc::new(Mutex::new(Vec::new())));
        let lines = said.clone();
        standing.tell(move |line| lines.lock().push(line.to_owned()));
        let s3 = |took: &str, id: &str| {
            format!(
                "Error performing PUT http://s3/a/1.zst in {took}, after 2 retries, max_retries: 2, retry_timeout: 240s: <Error><RequestId>{id}</RequestId><HostId>h{id}</HostId></Error>"
            )
        };
        let troubles = [s3("239.96ms", "A1"), s3("1.2s", "B2"), s3("87µs", "C3"), s3("9ns", "D4").replace("/1", "/2")];
        for trouble in troubles {
            standing.trouble("s3://a", Timestamp::UNIX_EPOCH, Some(trouble));
        }
        let said = said.lock();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("239.96ms") && said[1].contains("/2.zst"), "{said:?}");
    }
}

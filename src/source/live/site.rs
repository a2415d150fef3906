//! The two files at the root that hold no objects: settings and signers.

use std::collections::BTreeSet;

use crate::settings::Settings;
use crate::source::change::{Batch, SourceChange};
use crate::source::directory::{Directory, SETTINGS, SIGNERS, Seen, Stamp};
use crate::source::finding::Finding;
use crate::source::settings_file;

/// What was last seen of the two.
#[derive(Debug, Default)]
pub(super) struct SiteFiles {
    settings: Known<Option<Settings>>,
    signers: Known<String>,
    suspect: bool,
}

#[derive(Debug, Default)]
struct Known<T> {
    stamp: Option<Stamp>,
    value: Option<T>,
    findings: Vec<Finding>,
}

impl SiteFiles {
    /// Look at both next time.
    pub fn suspect(&mut self) {
        self.suspect = true;
    }

    /// Takes the two out of the suspects.
    pub fn is_suspect(&mut self, suspects: &mut BTreeSet<String>) -> bool {
        let settings = suspects.remove(SETTINGS);
        let signers = suspects.remove(SIGNERS);
        std::mem::take(&mut self.suspect) || settings || signers
    }

    /// Whether the path is one of the two, as it was last seen.
    pub fn is_known(&self, path: &str, stamp: Stamp) -> bool {
        match path {
            SETTINGS => self.settings.stamp == Some(stamp),
            SIGNERS => self.signers.stamp == Some(stamp),
            _ => false,
        }
    }

    pub fn findings(&self) -> Vec<Finding> {
        self.settings.findings.iter().chain(&self.signers.findings).cloned().collect()
    }

    /// Reads both and tells what is different.
    pub fn look(&mut self, directory: &Directory, root_is_there: bool) -> Batch {
        let mut batch = Batch::default();
        let read = |path| if root_is_there { directory.read(path) } else { Seen::Absent };
        let (stamp, outcome) = settings_file::from_seen(read(SETTINGS));
        let (settings, findings) = match outcome {
            Ok(settings) => (Some(settings), Vec::new()),
            Err(findings) => (None, findings),
        };
        if self.settings.take_in(stamp, settings, findings, &mut batch)
            && let Some(settings) = &self.settings.value
        {
            batch.said.push(told(SETTINGS, settings.is_some()));
            batch.changes.push(SourceChange::Settings(settings.clone().map(Box::new)));
        }
        let (stamp, text, findings) = match read(SIGNERS) {
            Seen::Text(stamp, text) => (Some(stamp), text, Vec::new()),
            Seen::Unreadable(stamp, finding) => (Some(stamp), String::new(), vec![*finding]),
            Seen::Absent => (None, String::new(), Vec::new()),
        };
        if self.signers.take_in(stamp, text, findings, &mut batch)
            && let Some(text) = &self.signers.value
        {
            batch.said.push(told(SIGNERS, !text.is_empty()));
            batch.changes.push(SourceChange::Signers(text.clone()));
        }
        batch
    }
}

impl<T: PartialEq> Known<T> {
    fn take_in(&mut self, stamp: Option<Stamp>, value: T, findings: Vec<Finding>, batch: &mut Batch) -> bool {
        self.stamp = stamp;
        if self.findings != findings {
            batch.findings.extend(findings.iter().cloned());
            self.findings = findings;
        }
        let differs = self.value.as_ref() != Some(&value);
        self.value = Some(value);
        differs
    }
}

fn told(file: &str, is_there: bool) -> String {
    if is_there { format!("{file}: read anew") } else { format!("{file}: missing or unreadable") }
}

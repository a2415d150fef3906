//! Earlier inspections, as the record has them: by place, since a clock may have been set between two of them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::api::v1alpha1::audit_policy::Check;
use crate::audit::inspection::{Past, PastFinding};
use crate::audit::query::{self, QueryError};
use crate::audit::{Event, Filter};
use crate::judge::facts::Key;

/// What one entry says.
enum Said {
    Found(Key, Check),
    Done(Box<Past>),
}

/// The last inspection of each policy that the record knows.
///
/// # Errors
/// When the record cannot be read.
pub fn past(folder: &Path) -> Result<HashMap<Key, Past>, QueryError> {
    past_of(folder, "")
}

/// The same for whoever writes this stream: what others inspected counts only where nobody did who wrote it.
pub(super) fn past_of(folder: &Path, own: &str) -> Result<HashMap<Key, Past>, QueryError> {
    let filter = Filter { event: Some(Event::Inspection), ..Filter::default() };
    let mut said = BTreeMap::new();
    query::run(folder, &filter, None, &mut |found| {
        let entry = found.entry()?;
        let one = match Past::of(&entry) {
            Some(past) => Some(Said::Done(Box::new(past))),
            None => PastFinding::of(&entry).map(|finding| Said::Found(finding.policy, finding.check)),
        };
        said.extend(one.map(|one| ((entry.stream, entry.index), one)));
        Ok(())
    })?;
    let mut past: HashMap<Key, Past> = HashMap::new();
    // the findings of an inspection come before its last entry; those of one that was broken off come again
    let mut found_since: HashMap<(String, Key), BTreeMap<Check, u64>> = HashMap::new();
    for ((stream, _), one) in said {
        match one {
            Said::Found(policy, check) => {
                *found_since.entry((stream, policy)).or_default().entry(check).or_default() += 1;
            }
            Said::Done(mut one) => {
                one.by_check = found_since.remove(&(stream, one.policy.clone())).unwrap_or_default();
                let known = past.get(&one.policy);
                let newer = known.is_none_or(|known| {
                    known.stream == one.stream
                        || (*known.stream != *own && (*one.stream == *own || known.written <= one.written))
                });
                if newer {
                    past.insert(one.policy.clone(), *one);
                }
            }
        }
    }
    Ok(past)
}

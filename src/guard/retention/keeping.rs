//! From policies to what upkeep is asked: sealed as soon as any policy says, copied to each archive that any names, held
//! while any hold stands.

use jiff::SignedDuration;
use jiff::civil::Date;

use super::Retentions;
use crate::api::v1alpha1::audit_policy::{Archive, ArchiveLock};
use crate::api::v1alpha1::validate::syntax;
use crate::audit::Options;
use crate::audit::archive::Lock;
use crate::audit::upkeep::{Hold, Keeping, Wanted};
use crate::judge::facts::Site;

impl Retentions {
    /// What is asked of the record now; `None` while the site has no name yet.
    #[must_use]
    pub fn keeping(&self, site: &Site) -> Option<Keeping> {
        if site.name.is_empty() {
            return None;
        }
        let defaults = Options::default();
        let mut keeping = Keeping {
            site: site.name.to_string(),
            time_zone: site.time_zone.clone(),
            segment_bytes: defaults.max_segment_bytes,
            segment_age: defaults.max_segment_age,
            archives: Vec::new(),
            policies: std::collections::BTreeSet::default(),
            holds: std::collections::BTreeMap::default(),
            period: self.period(),
        };
        let policies = self.0.read();
        let mut sorted: Vec<_> = policies.iter().collect();
        sorted.sort_unstable_by(|a, b| a.0.cmp(b.0));
        let (mut bytes, mut age) = (None, None);
        for (key, policy) in sorted {
            let policy_name = key.to_string();
            let seal = policy.spec.seal.as_ref();
            let asked = seal.and_then(|seal| seal.max_bytes).and_then(|bytes| u64::try_from(bytes).ok());
            bytes = least(bytes, asked.unwrap_or(defaults.max_segment_bytes));
            let asked = seal.and_then(|seal| seal.max_age.as_deref()).and_then(syntax::duration);
            age = least(age, asked.unwrap_or(defaults.max_segment_age));
            if let Some(archive) = &policy.spec.archive {
                add(&mut keeping.archives, archive);
            }
            for hold in policy.spec.retention.holds.iter().flatten() {
                // a day that is none covers more, not less
                let day = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Date>().ok());
                let (since, until) = (day(&hold.since), day(&hold.until));
                let (reason, decided_by) = (hold.reason.clone(), hold.decided_by.clone());
                keeping.holds.insert(format!("{policy_name}/{}", hold.name), Hold { reason, decided_by, since, until });
            }
            keeping.policies.insert(policy_name);
        }
        keeping.segment_bytes = bytes.unwrap_or(keeping.segment_bytes);
        keeping.segment_age = age.unwrap_or(keeping.segment_age).max(SignedDuration::from_secs(1));
        Some(keeping)
    }
}

fn least<T: Ord>(known: Option<T>, more: T) -> Option<T> {
    Some(match known {
        Some(known) => known.min(more),
        None => more,
    })
}

/// Two policies may name one archive; then the stronger lock counts.
fn add(archives: &mut Vec<Wanted>, archive: &Archive) {
    let lock = match archive.lock {
        None | Some(ArchiveLock::None) => Lock::None,
        Some(ArchiveLock::Governance) => Lock::Governance,
        Some(ArchiveLock::Compliance) => Lock::Compliance,
    };
    let url = archive.url.trim_end_matches('/').to_owned();
    match archives.iter_mut().find(|known| known.url == url) {
        Some(known) => known.lock = known.lock.max(lock),
        None => archives.push(Wanted { url, lock }),
    }
}

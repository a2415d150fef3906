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
            let asked = asked.unwrap_or(defaults.max_segment_bytes);
            bytes = Some(bytes.map_or(asked, |known: u64| known.min(asked)));
            let asked = seal.and_then(|seal| seal.max_age.as_deref()).and_then(syntax::duration);
            let asked = asked.unwrap_or(defaults.max_segment_age);
            age = Some(age.map_or(asked, |known: SignedDuration| known.min(asked)));
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

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;
    use crate::judge::facts::Key;

    fn site(name: &str) -> Site {
        Site { name: name.into(), time_zone: TimeZone::UTC }
    }

    #[test]
    fn policies_are_followed_together() {
        let retentions = Retentions::default();
        assert!(retentions.keeping(&site("")).is_none());
        let alone = retentions.keeping(&site("jinan")).unwrap();
        assert_eq!((alone.segment_bytes, alone.archives.len(), alone.period), (64 << 20, 0, 184));
        let policies = [
            json!({"retention": {"period": "200d", "holds": [{"name": "h", "reason": "r", "decidedBy": "d", "since": "2026-01-02"}]},
                "archive": {"url": "s3://records/a/", "lock": "Governance"}, "seal": {"maxAge": "2h", "maxBytes": 65536}}),
            json!({"retention": {"period": "184d"}, "archive": {"url": "s3://records/a", "lock": "Compliance"}, "seal": {"maxAge": "10m"}}),
            json!({"retention": {"period": "184d"}, "archive": {"url": "file:///var/archive"}}),
        ];
        for (name, policy) in ["a", "b", "c"].into_iter().zip(policies) {
            retentions.set(Key::new("jinan", name), &serde_json::from_value(policy).unwrap());
        }
        let keeping = retentions.keeping(&site("jinan")).unwrap();
        assert_eq!((keeping.segment_bytes, keeping.segment_age), (65536, SignedDuration::from_mins(10)));
        let archives = [("s3://records/a", Lock::Compliance), ("file:///var/archive", Lock::None)];
        let archives = archives.map(|(url, lock)| Wanted { url: url.to_owned(), lock });
        assert_eq!((keeping.archives.as_slice(), keeping.period), (archives.as_slice(), 200));
        assert_eq!(keeping.policies.into_iter().collect::<Vec<_>>(), ["jinan/a", "jinan/b", "jinan/c"]);
        let hold = &keeping.holds["jinan/a/h"];
        assert_eq!((hold.since.map(|day| day.to_string()), hold.until), (Some("2026-01-02".to_owned()), None));
        retentions.remove(&Key::new("jinan", "a"));
        assert!(retentions.keeping(&site("jinan")).unwrap().holds.is_empty());
    }
}

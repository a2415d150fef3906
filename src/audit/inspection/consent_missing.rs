//! `ConsentMissing` (promise 3): personal data or business secrets were released under a decision that
//! asks for consent with each call, and the entry names none. Looks at every entry of the time. Of a
//! decision that is not there any more nobody can say what it asked for; `OutsideApproval` speaks then.

use std::collections::BTreeMap;

use super::finding::{Findings, FoundGrant, Seen, resource_of};
use super::{About, Look, Said};
use crate::audit::recorded::Recorded;
use crate::judge::facts::Key;

#[derive(Debug, Default)]
pub(super) struct ConsentMissing(BTreeMap<FoundGrant, (Option<String>, Seen)>);

impl Look for ConsentMissing {
    fn add(&mut self, entry: &Recorded, about: &About<'_>) {
        if !about.is_recent(entry) || !is_missing(entry, about) {
            return;
        }
        if let Some(grant) = &entry.grant {
            self.0.entry(grant.into()).or_insert_with(|| (resource_of(entry), Seen::default())).1.add(entry);
        }
    }

    fn end(&mut self, _about: &About<'_>, found: &mut Findings) {
        for (grant, (resource, seen)) in std::mem::take(&mut self.0) {
            let count = seen.count;
            let message = Said::new(
                format!("{count} releases of personal data or business secrets name no consent"),
                format!("{count} 次提供个人信息或商业秘密未注明授权凭证"),
            );
            found.add(Some(grant), resource, seen, message);
        }
    }
}

fn is_missing(entry: &Recorded, about: &About<'_>) -> bool {
    let named = entry.consent.as_ref().is_some_and(|consent| !consent.trim().is_empty());
    let Some(by) = entry.grant.as_ref().filter(|_| !named) else { return false };
    let Some(facts) = about.facts.grants.get(&Key::new(by.namespace.as_str(), by.name.as_str())) else { return false };
    // what the resource asks for is not signed, and may be newer than the call
    let asks = facts.grant.requires.consent == Some(true) && facts.grant.terms.to_string() == by.digest;
    let resource = about.facts.resource(&facts.grant).filter(|_| asks);
    resource.is_some_and(|resource| {
        entry.fields.iter().filter_map(|name| resource.field(name)).any(|field| field.class.needs_consent())
    })
}

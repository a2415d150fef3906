//! `UnusedGrant` (clause 4.2.5, as little as is needed): a grant serves and nobody used it for ninety
//! days. A record that does not reach back so far proves nothing.

use jiff::Timestamp;

use super::finding::{Findings, Seen};
use super::{About, Look, Said, UNUSED};

#[derive(Debug)]
pub(super) struct UnusedGrant;

impl Look for UnusedGrant {
    fn end(&mut self, about: &About<'_>, found: &mut Findings) {
        for facts in about.facts.grants().filter(|facts| facts.serves) {
            let grant = &facts.grant;
            let known = [Some(grant.not_before), facts.enforced_at, Some(about.facts.oldest.unwrap_or(Timestamp::MAX))];
            let last = about.facts.last_used.get(&grant.key).copied();
            // what was used has its own time; what never was counts from when it could have been
            let Some(since) = last.or_else(|| known.into_iter().flatten().max()) else { continue };
            // whoever signed it anew needed it then
            let since =
                grant.approvals.iter().map(|approval| approval.approved_at).max().map_or(since, |at| at.max(since));
            if about.order.now.duration_since(since) < UNUSED {
                continue;
            }
            let day = about.facts.site.day(since);
            let message = match last {
                Some(_) => Said::new(
                    format!("last used on {day}; if it is not needed any more, end it"),
                    format!("最近一次使用为 {day}；如不再需要，应予终止"),
                ),
                None => Said::new(
                    format!("never used since {day}; if it is not needed, end it"),
                    format!("自 {day} 起从未使用；如不需要，应予终止"),
                ),
            };
            let resource = format!("{}/{}", grant.key.namespace, grant.resource);
            found.add(Some((&**grant).into()), Some(resource), Seen::once(), message);
        }
    }
}

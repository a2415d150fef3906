//! `RecallOverdue` (promise 6): data was to come back by a day, and no receipt says that it has. Names
//! the grants under which it was taken, and each Revocation at least once.

use super::finding::{Findings, Seen};
use super::{About, Look, Said};

#[derive(Debug)]
pub(super) struct RecallOverdue;

impl Look for RecallOverdue {
    fn end(&mut self, about: &About<'_>, found: &mut Findings) {
        for open in &about.facts.recalls {
            let (revocation, due) = (&open.revocation, &open.due);
            let message = Said::new(
                format!("Revocation {revocation} recalls the data by {due}, and no receipt is filed"),
                format!("撤销令 {revocation} 要求于 {due} 前收回数据，至今未见回执"),
            );
            let concerned: Vec<_> = about.facts.grants().filter(|facts| open.concerns(facts)).collect();
            for facts in &concerned {
                let grant = &facts.grant;
                let resource = format!("{}/{}", grant.key.namespace, grant.resource);
                found.add(Some((&**grant).into()), Some(resource), Seen::once(), message.clone());
            }
            if concerned.is_empty() {
                found.add(None, None, Seen::once(), message);
            }
        }
    }
}

//! `RotationOverdue` (promise 2): a grant serves with a token that should have been changed by now.

use jiff::{SignedDuration, Timestamp};

use super::finding::{Findings, Seen};
use super::{About, Look, Said};
use crate::judge::facts::Grant;
use crate::judge::permit::Credential;

/// Who rotates may be away for so long.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug)]
pub(super) struct RotationOverdue;

/// Since when the newest token of a grant should have been changed, if it serves.
#[must_use]
pub fn is_overdue(token: &Credential, grant: &Grant, now: Timestamp) -> Option<Timestamp> {
    // the last token of a grant ends with it
    let due = Some(token.rotate_by).filter(|due| *due < grant.not_after)?;
    (now.duration_since(due) > GRACE).then_some(due)
}

impl Look for RotationOverdue {
    fn end(&mut self, about: &About<'_>, found: &mut Findings) {
        for facts in about.facts.grants() {
            let token = facts.token.as_ref().filter(|_| facts.serves);
            let Some(due) = token.and_then(|token| is_overdue(token, &facts.grant, about.order.now)) else { continue };
            let day = about.facts.site.day(due);
            let message = Said::new(
                format!("its credential was to be changed on {day} and was not"),
                format!("访问凭证应于 {day} 更换，至今未更换"),
            );
            let grant = &facts.grant;
            let resource = format!("{}/{}", grant.key.namespace, grant.resource);
            found.add(Some((&**grant).into()), Some(resource), Seen::once(), message);
        }
    }
}

//! What a Revocation's status says: what it ended, and since when no guard serves it.

use super::super::context::Context;
use super::super::report::{invalid, report};
use super::super::trouble::Trouble;
use super::dereference::Case;
use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;

pub async fn update_status(context: &Context, key: &Key, case: &Case) -> Result<bool, Trouble> {
    let said = case.object.status.as_ref().and_then(|status| status.enforced_at.as_deref());
    context.date(Kind::Revocation, key, said)?;
    let judged = context.settled(|view| {
        let revocation = view.index.revocation(key)?;
        Some(view.revocation(revocation, &case.object.spec))
    })?;
    let (fresh, trouble) = match (&case.unreadable, judged) {
        (Some(why), _) => {
            let trouble = Trouble::stalled("Invalid", format!("it cannot be read: {why}"));
            (invalid(why, context.clock.now()), Some(trouble))
        }
        (None, Some(fresh)) => (fresh, None),
        // the judge has not heard of it yet
        (None, None) => return Ok(false),
    };
    report(context, Kind::Revocation, key, case.object.clone(), fresh, trouble.as_ref()).await
}

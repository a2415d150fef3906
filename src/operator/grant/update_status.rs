//! What a grant's status says: the judge's word, the hashes as they are, and since when every guard has it.

use super::super::context::Context;
use super::super::report::{invalid, report};
use super::super::trouble::Trouble;
use crate::api::v1alpha1::{AccessGrant, Kind};
use crate::judge::facts::Key;

pub async fn update_status(
    context: &Context,
    key: &Key,
    object: AccessGrant,
    trouble: Option<&Trouble>,
) -> Result<bool, Trouble> {
    let before = object.status.clone().unwrap_or_default();
    context.adopt_use(key, before.last_used.as_deref(), before.calls_today);
    let revoked = before.revocation.and_then(|revocation| revocation.enforced_at);
    let said = revoked.or_else(|| before.enforcement.and_then(|enforcement| enforcement.enforced_at));
    context.date(Kind::AccessGrant, key, said.as_deref())?;
    let fresh = match (context.unreadable(Kind::AccessGrant, key), context.settled(|view| view.grant(key))?) {
        (Some(why), _) => invalid(&why, context.clock.now()),
        (None, Some(fresh)) => fresh,
        // the judge has not heard of it yet
        (None, None) => return Ok(false),
    };
    let mut fresh = fresh;
    fresh.credentials = before.credentials;
    let guards = fresh.enforcement.as_ref().map(|enforcement| enforcement.guards);
    let wrote = report(context, Kind::AccessGrant, key, object, fresh, trouble).await?;
    if let Some(guards) = guards.filter(|_| wrote) {
        context.guards.told_of(key, guards);
    }
    Ok(wrote)
}

//! What a resource's status says: who is served from it, and whether a gateway leads there.

use super::super::context::Context;
use super::super::report::{invalid, report};
use super::super::trouble::Trouble;
use super::dereference::Case;
use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;

pub async fn update_status(
    context: &Context,
    key: &Key,
    case: &Case,
    trouble: Option<&Trouble>,
) -> Result<bool, Trouble> {
    let fresh = match (&case.unreadable, context.settled(|view| view.resource(key))?) {
        (Some(why), _) => invalid(why, context.clock.now()),
        (None, Some(fresh)) => fresh,
        // the judge has not heard of it yet
        (None, None) => return Ok(false),
    };
    report(context, Kind::SharedResource, key, case.object.clone(), fresh, trouble).await
}

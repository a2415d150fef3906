//! The controller of requests: the status says where a request stands and how its credential was handed over; the
//! Secret of one that has ended is removed.

mod apply;
mod build;
mod dereference;
mod update_status;
mod validate;

use super::context::Context;
use super::trouble::Trouble;
use super::workers::Looked;
use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;

/// Makes one request as it should be; gives when to look again.
pub async fn reconcile(context: &Context, key: &Key) -> Result<Looked, Trouble> {
    let Some(case) = dereference::dereference(context, key).await? else {
        context.forget(Kind::DataShareRequest, key);
        return Ok(Looked::Gone);
    };
    let outcome = match validate::validate(&case) {
        Ok(()) => apply::apply(context, &case, build::build(&case)).await,
        Err(trouble) => Err(trouble),
    };
    let trouble = outcome.as_ref().err();
    update_status::update_status(context, key, &case, trouble).await?;
    outcome.map(|()| Looked::There { next: case.ends })
}

//! The controller of Revocations. Nothing is built or applied for them: the judge of every guard takes them in by
//! itself, and the tombstones keep what they ended. The status says what that is, and since when no guard serves it.

mod dereference;
mod update_status;

use super::context::Context;
use super::trouble::Trouble;
use super::workers::Looked;
use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;

/// Makes one Revocation's status as it should be; gives when to look again.
pub async fn reconcile(context: &Context, key: &Key) -> Result<Looked, Trouble> {
    let Some(case) = dereference::dereference(context, key).await? else {
        context.forget(Kind::Revocation, key);
        return Ok(Looked::Gone);
    };
    update_status::update_status(context, key, &case).await?;
    Ok(Looked::There { next: case.due })
}

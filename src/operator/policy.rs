//! The controller of audit policies. Nothing is built or applied for them: guards read the policy itself. The status
//! says which streams are kept under it.

mod dereference;
mod update_status;

use super::context::Context;
use super::trouble::Trouble;
use super::workers::Looked;
use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;

/// Makes one policy's status as it should be.
pub async fn reconcile(context: &Context, key: &Key) -> Result<Looked, Trouble> {
    let Some(policy) = dereference::dereference(context, key).await? else {
        context.forget(Kind::AuditPolicy, key);
        return Ok(Looked::Gone);
    };
    update_status::update_status(context, key, policy).await?;
    Ok(Looked::There { next: None })
}

//! The controller of audit policies. Nothing is built or applied for them: guards read the policy itself. The status
//! says which streams are kept under it.

mod dereference;
mod update_status;

use jiff::Timestamp;

use super::context::Context;
use super::trouble::Trouble;
use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;

/// Makes one policy's status as it should be.
pub async fn reconcile(context: &Context, key: &Key) -> Result<Option<Timestamp>, Trouble> {
    match dereference::dereference(context, key).await? {
        Some(policy) => update_status::update_status(context, key, policy).await?,
        None => context.forget(Kind::AuditPolicy, key),
    }
    Ok(None)
}

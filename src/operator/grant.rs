//! The controller of grants: a grant that serves has a token whose hash is in its status and which its consumer holds,
//! and its status says how it stands.

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

/// Makes one grant as it should be; gives when to look again.
pub async fn reconcile(context: &Context, key: &Key) -> Result<Looked, Trouble> {
    let Some(case) = dereference::dereference(context, key).await? else {
        context.forget(Kind::AccessGrant, key);
        return Ok(Looked::Gone);
    };
    let outcome = match validate::validate(&case) {
        Ok(Some(needs)) => {
            let plan = build::build(&case, &needs, context.clock.now());
            apply::apply(context, &case, &needs, plan).await
        }
        Ok(None) => Ok(apply::Applied { object: case.object.clone(), next: None }),
        Err(trouble) => Err(trouble),
    };
    match outcome {
        Ok(applied) => {
            update_status::update_status(context, key, applied.object, None).await?;
            Ok(Looked::There { next: applied.next })
        }
        // what was read is old: it is read again before anything is said
        Err(trouble) if trouble.is_conflict() => Err(trouble),
        Err(trouble) => {
            update_status::update_status(context, key, case.object, Some(&trouble)).await?;
            Err(trouble)
        }
    }
}

//! The controller of resources: where a gateway is configured, a resource that may be called has its route, and its
//! status says whether the gateway took it. Grants never show in what is written here.

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

/// Makes one resource as it should be; gives when to look again.
pub async fn reconcile(context: &Context, key: &Key) -> Result<Looked, Trouble> {
    let Some(case) = dereference::dereference(context, key).await? else {
        context.forget(Kind::SharedResource, key);
        apply::tidy(context, key).await?;
        return Ok(Looked::Gone);
    };
    let outcome = match validate::validate(&case) {
        Ok(Some(resource)) => {
            let manifests = build::build(context, &case, resource);
            apply::apply(context, key, manifests).await
        }
        Ok(None) => Ok(()),
        Err(trouble) => Err(trouble),
    };
    update_status::update_status(context, key, &case, outcome.as_ref().err()).await?;
    outcome.map(|()| Looked::There { next: case.overdue })
}

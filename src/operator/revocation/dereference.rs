//! A Revocation as it is now, and when its recall will be overdue.

use jiff::Timestamp;
use kube::Api;

use super::super::context::Context;
use super::super::trouble::Trouble;
use crate::api::v1alpha1::validate::syntax;
use crate::api::v1alpha1::{Kind, Revocation};
use crate::judge::facts::Key;

/// A Revocation.
pub struct Case {
    pub object: Revocation,
    pub unreadable: Option<String>,
    pub due: Option<Timestamp>,
}

/// Nothing when the Revocation is not there.
pub async fn dereference(context: &Context, key: &Key) -> Result<Option<Case>, Trouble> {
    let revocations: Api<Revocation> = Api::namespaced(context.client.clone(), &key.namespace);
    let Some(object) = revocations.get_opt(&key.name).await?.filter(|r| r.metadata.deletion_timestamp.is_none()) else {
        return Ok(None);
    };
    let day = object.spec.recall.as_ref().and_then(|recall| syntax::date(&recall.due));
    let due = context.view(|view| day.map(|day| view.index.site().end_of(day)).filter(|at| *at > view.now));
    let unreadable = context.unreadable(Kind::Revocation, key);
    Ok(Some(Case { object, unreadable, due }))
}

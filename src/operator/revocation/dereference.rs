//! A Revocation as it is now, and when its recall will be overdue.

use jiff::Timestamp;

use super::super::context::Context;
use super::super::fetch::fetch;
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
    let Some(object) = fetch::<Revocation>(context, Kind::Revocation, key).await? else { return Ok(None) };
    let day = object.spec.recall.as_ref().and_then(|recall| syntax::date(&recall.due));
    let due = context.view(|view| day.map(|day| view.index.site().end_of(day)).filter(|at| *at > view.now));
    let unreadable = context.unreadable(Kind::Revocation, key);
    Ok(Some(Case { object, unreadable, due }))
}

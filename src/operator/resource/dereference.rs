//! A resource and how the judge sees it.

use jiff::Timestamp;

use super::super::context::Context;
use super::super::fetch::fetch;
use super::super::trouble::Trouble;
use crate::api::v1alpha1::{Kind, SharedResource};
use crate::judge::facts::{Key, Resource};
use crate::judge::status::migration_end;

/// A resource.
pub struct Case {
    pub object: SharedResource,
    pub resource: Option<Resource>,
    pub unreadable: Option<String>,
    /// When its direct line will be overdue.
    pub overdue: Option<Timestamp>,
}

/// Nothing when the resource is not there.
pub async fn dereference(context: &Context, key: &Key) -> Result<Option<Case>, Trouble> {
    let Some(object) = fetch(context, Kind::SharedResource, key).await? else { return Ok(None) };
    let (resource, overdue) = context.view(|view| {
        let resource = view.index.resource(key).map(|resource| (**resource).clone());
        let overdue = resource.as_ref().and_then(|resource| migration_end(resource, view.index.site()));
        (resource, overdue.filter(|at| *at > view.now))
    });
    let unreadable = context.unreadable(Kind::SharedResource, key);
    Ok(Some(Case { object, resource, unreadable, overdue }))
}

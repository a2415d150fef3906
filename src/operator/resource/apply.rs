//! Writes the manifests, leave before the route that needs it, and takes away what is not wanted any more.

use std::collections::BTreeMap;

use kube::ResourceExt;

use super::super::apply::{apply as write, remove};
use super::super::context::Context;
use super::super::trouble::Trouble;
use super::build::Manifests;
use crate::api::gateway::{HttpRoute, ReferenceGrant};
use crate::judge::build::{leave_name, route_name, state};
use crate::judge::facts::Key;
use crate::judge::status::Route;

pub async fn apply(context: &Context, key: &Key, manifests: Manifests) -> Result<(), Trouble> {
    let Some(route) = manifests.route else {
        // one of before is removed once; where no gateway is configured nothing leads by it
        if context.layout.gateway.is_none() && context.observed.read().routes.contains_key(key) {
            return Ok(());
        }
        unless_unwanted(context, remove::<HttpRoute>(context, &key.namespace, &route_name(&key.name)).await)?;
        context.observed.write().routes.insert(key.clone(), Route::Unrouted);
        return Ok(());
    };
    write(context, &manifests.leave, |there| {
        there.spec == manifests.leave.spec && labelled(there, manifests.leave.labels())
    })
    .await?;
    if let Some(trust) = &manifests.trust {
        write(context, trust, |there| there.spec == trust.spec && labelled(there, trust.labels())).await?;
    }
    if let Some(introspection) = &manifests.introspection {
        write(context, introspection, |there| says(there, introspection)).await?;
    }
    let there = write(context, &route, |there| says(there, &route)).await?;
    context.observed.write().routes.insert(key.clone(), state(&there, &context.layout));
    Ok(())
}

/// After a resource went: its route goes with it by itself; the leave of its namespace goes with the last resource.
pub async fn tidy(context: &Context, key: &Key) -> Result<(), Trouble> {
    let others = context.view(|view| view.index.resources().any(|other| other.key.namespace == key.namespace));
    if others {
        return Ok(());
    }
    let removed = remove::<ReferenceGrant>(context, &context.layout.namespace, &leave_name(&key.namespace)).await;
    unless_unwanted(context, removed)
}

/// Where no gateway is configured we may have no leave to look at routes, and there are none to remove.
fn unless_unwanted(context: &Context, removed: Result<(), Trouble>) -> Result<(), Trouble> {
    match removed {
        Err(trouble) if context.layout.gateway.is_none() && trouble.is_forbidden() => Ok(()),
        other => other,
    }
}

fn says(there: &HttpRoute, wanted: &HttpRoute) -> bool {
    there.spec == wanted.spec
        && labelled(there, wanted.labels())
        && wanted.owner_references().iter().all(|owner| there.owner_references().contains(owner))
}

fn labelled(there: &impl ResourceExt, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(name, value)| there.labels().get(name) == Some(value))
}

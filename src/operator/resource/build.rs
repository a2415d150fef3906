//! The manifests of a resource: its route, and what all routes of its namespace need.

use kube::ResourceExt;

use super::super::context::Context;
use super::dereference::Case;
use crate::api::gateway::{BackendTlsPolicy, HttpRoute, ReferenceGrant};
use crate::judge::build;
use crate::judge::facts::Resource;

/// What is to be there; `None` for a route that is not to be there.
pub struct Manifests {
    pub route: Option<HttpRoute>,
    /// With the first route come those that all routes need.
    pub leave: ReferenceGrant,
    pub introspection: Option<HttpRoute>,
    pub trust: Option<BackendTlsPolicy>,
}

pub fn build(context: &Context, case: &Case, resource: &Resource) -> Manifests {
    let layout = &context.layout;
    Manifests {
        route: build::route(resource, &case.object.uid().unwrap_or_default(), layout),
        leave: build::leave(&resource.key.namespace, layout),
        introspection: build::introspection(layout),
        trust: build::trust(layout),
    }
}

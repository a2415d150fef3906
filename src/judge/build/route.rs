//! A resource's route: its path prefix, the gateway it hangs on, the guards behind it; and what the gateway made of it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::{Layout, MANAGED_BY, PART_OF, labels};
use crate::api::gateway::{
    BackendReference, HttpRoute, HttpRouteMatch, HttpRouteRule, HttpRouteSpec, ParentReference, PathMatch, Timeouts,
};
use crate::api::v1alpha1::common::Mode;
use crate::api::v1alpha1::shared_resource::Sharing;
use crate::api::v1alpha1::{API_VERSION, Kind};
use crate::judge::facts::{Key, Resource};
use crate::judge::status::Route;

/// Name of a resource's route, in the resource's own namespace.
#[must_use]
pub fn route_name(resource: &str) -> String {
    format!("datashare-{resource}")
}

/// The route of a resource; nothing when no gateway is configured or nobody may call it. `uid` is the resource's: its
/// route goes with it.
#[must_use]
pub fn route(resource: &Resource, uid: &str, layout: &Layout) -> Option<HttpRoute> {
    if resource.spec.sharing == Sharing::NotShared || !resource.offers(Mode::Interface) {
        return None;
    }
    let Key { namespace, name } = &resource.key;
    let path = PathMatch { kind: "PathPrefix".to_owned(), value: format!("/{namespace}/{name}") };
    let mut route = to_guards(&route_name(name), namespace, path, layout)?;
    route.metadata.owner_references = Some(vec![OwnerReference {
        api_version: API_VERSION.to_owned(),
        kind: Kind::SharedResource.name().to_owned(),
        name: name.to_string(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: None,
    }]);
    Some(route)
}

/// A route that leads one path to the guards.
pub(super) fn to_guards(name: &str, namespace: &str, path: PathMatch, layout: &Layout) -> Option<HttpRoute> {
    let (gateway_namespace, gateway) = layout.gateway.clone()?;
    let spec = HttpRouteSpec {
        parent_refs: vec![ParentReference { namespace: Some(gateway_namespace), name: gateway }],
        rules: vec![HttpRouteRule {
            matches: vec![HttpRouteMatch { path: Some(path) }],
            backend_refs: vec![BackendReference {
                name: layout.service.clone(),
                namespace: Some(layout.namespace.clone()),
                port: Some(layout.port),
            }],
            // the guard bounds each call by the resource's own limit; a gateway would cut long answers short
            timeouts: Some(Timeouts { request: Some("0s".to_owned()) }),
        }],
    };
    let mut route = HttpRoute::new(name, spec);
    route.metadata.namespace = Some(namespace.to_owned());
    route.metadata.labels = Some(labels([MANAGED_BY, PART_OF]));
    Some(route)
}

/// What the gateway made of a route. A condition that a gateway does not set stands against nothing but `Accepted`.
#[must_use]
pub fn state(route: &HttpRoute, layout: &Layout) -> Route {
    let waiting = |reason: &str, message: String| Route::Waiting { reason: reason.to_owned(), message };
    let Some((namespace, name)) = &layout.gateway else { return Route::Unrouted };
    let own = route.metadata.namespace.as_deref();
    let ours = |parent: &ParentReference| {
        parent.name == *name && parent.namespace.as_deref().or(own) == Some(namespace.as_str())
    };
    let parents = route.status.iter().flat_map(|status| &status.parents);
    let mut said = false;
    for parent in parents.filter(|parent| ours(&parent.parent_ref)) {
        let generation = route.metadata.generation.unwrap_or(0);
        let current = parent.conditions.iter().filter(|c| c.observed_generation.is_none_or(|seen| seen >= generation));
        for condition in current {
            match (condition.type_.as_str(), condition.status.as_str()) {
                ("Accepted", "True") => said = true,
                ("Accepted" | "ResolvedRefs" | "Programmed", status) if status != "True" => {
                    let message = format!("gateway {namespace}/{name}: {}", condition.message);
                    return waiting(&condition.reason, message);
                }
                _ => {}
            }
        }
    }
    if said {
        Route::Taken
    } else {
        waiting("RoutePending", format!("gateway {namespace}/{name} has not taken the route yet"))
    }
}

//! What all routes need once: leave to name the guards' Service from a provider's namespace, the path at which a
//! consumer asks what it may do, and how the gateway knows the guards where they speak TLS.

use super::route::to_guards;
use super::{Layout, MANAGED_BY, PART_OF, labels};
use crate::api::gateway::{
    BackendTlsPolicy, BackendTlsPolicySpec, BackendTlsValidation, GROUP, HttpRoute, PathMatch, PolicyTarget,
    ReferenceGrant, ReferenceGrantFrom, ReferenceGrantSpec, ReferenceGrantTo,
};

/// Where the holder of a token asks what it may do.
const INTROSPECTION: &str = "/.well-known/datashare/grant";

/// Name of a provider namespace's leave, in the product's namespace.
#[must_use]
pub fn leave_name(provider: &str) -> String {
    format!("datashare-routes-of-{provider}")
}

/// Leave for the routes of a provider's namespace to name the guards' Service, and no other.
#[must_use]
pub fn leave(provider: &str, layout: &Layout) -> ReferenceGrant {
    let spec = ReferenceGrantSpec {
        from: vec![ReferenceGrantFrom {
            group: GROUP.to_owned(),
            kind: "HTTPRoute".to_owned(),
            namespace: provider.to_owned(),
        }],
        to: vec![ReferenceGrantTo {
            group: String::new(),
            kind: "Service".to_owned(),
            name: Some(layout.service.clone()),
        }],
    };
    let mut leave = ReferenceGrant::new(&leave_name(provider), spec);
    leave.metadata.namespace = Some(layout.namespace.clone());
    leave.metadata.labels = Some(labels([MANAGED_BY, PART_OF]));
    leave
}

/// The route of `GET /.well-known/datashare/grant`.
#[must_use]
pub fn introspection(layout: &Layout) -> Option<HttpRoute> {
    let path = PathMatch { kind: "Exact".to_owned(), value: INTROSPECTION.to_owned() };
    to_guards("datashare-introspection", &layout.namespace, path, layout)
}

/// How a gateway knows the guards; nothing where they speak plain HTTP.
#[must_use]
pub fn trust(layout: &Layout) -> Option<BackendTlsPolicy> {
    let authority = layout.guard_ca.as_ref().filter(|_| layout.gateway.is_some())?;
    let target =
        |kind: &str, name: &str| PolicyTarget { group: String::new(), kind: kind.to_owned(), name: name.to_owned() };
    let spec = BackendTlsPolicySpec {
        target_refs: vec![target("Service", &layout.service)],
        validation: BackendTlsValidation {
            ca_certificate_refs: vec![target("ConfigMap", authority)],
            hostname: format!("{}.{}.svc", layout.service, layout.namespace),
        },
    };
    let mut trust = BackendTlsPolicy::new("datashare-guard", spec);
    trust.metadata.namespace = Some(layout.namespace.clone());
    trust.metadata.labels = Some(labels([MANAGED_BY, PART_OF]));
    Some(trust)
}

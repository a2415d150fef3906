//! Manifests for the gateway, from what the judge knows: one route for each resource that calls may be made to. Pure:
//! the same world gives the same manifests. Grants are never among them; a gateway decides about nobody.

mod route;
mod shared;

use std::collections::BTreeMap;

pub use route::{route, route_name, state};
pub use shared::{introspection, leave, leave_name, trust};

/// Says of an object that it is ours to change and to remove.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "datashare");
/// Says of an object that it belongs to the product.
pub const PART_OF: (&str, &str) = ("app.kubernetes.io/part-of", "datashare");

/// Where gateway and guards stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The product's own namespace.
    pub namespace: String,
    /// The guards' Service there.
    pub service: String,
    pub port: i32,
    /// Namespace and name of the gateway that leads to them.
    pub gateway: Option<(String, String)>,
    /// `ConfigMap` in the product's namespace with the authority of the guards' certificate, where they speak TLS.
    pub guard_ca: Option<String>,
}

/// Labels as an object has them.
#[must_use]
pub fn labels<const N: usize>(all: [(&str, &str); N]) -> BTreeMap<String, String> {
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

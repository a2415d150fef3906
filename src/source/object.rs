//! One object of the five kinds, as a file or the cluster gave it: who it is and what it says.
//! Status is no part of it; what comes from files has none.

use std::collections::BTreeMap;
use std::fmt;

use crate::api::v1alpha1::{
    AccessGrantSpec, AuditPolicySpec, DataShareRequestSpec, Kind, RevocationSpec, SharedResourceSpec,
};

/// The spec of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    SharedResource(Box<SharedResourceSpec>),
    DataShareRequest(Box<DataShareRequestSpec>),
    AccessGrant(Box<AccessGrantSpec>),
    AuditPolicy(Box<AuditPolicySpec>),
    Revocation(Box<RevocationSpec>),
}

/// A typed object, checked by its own rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub namespace: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub spec: Spec,
}

impl Object {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.spec {
            Spec::SharedResource(_) => Kind::SharedResource,
            Spec::DataShareRequest(_) => Kind::DataShareRequest,
            Spec::AccessGrant(_) => Kind::AccessGrant,
            Spec::AuditPolicy(_) => Kind::AuditPolicy,
            Spec::Revocation(_) => Kind::Revocation,
        }
    }

    #[must_use]
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(self.kind(), &self.namespace, &self.name)
    }
}

/// Kind, namespace and name in one small piece: 200,000 of these are kept.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    kind: Kind,
    /// `namespace/name`; neither can hold a `/`.
    id: std::sync::Arc<str>,
}

impl ObjectKey {
    #[must_use]
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, id: format!("{namespace}/{name}").into() }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    #[must_use]
    pub fn namespace(&self) -> &str {
        self.id.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        self.id.split_once('/').map_or("", |(_, name)| name)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.id)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

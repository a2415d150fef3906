//! Policies and Revocations as they are written: an inspection needs more of them than the judge keeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::api::v1alpha1::{AuditPolicySpec, Kind, RevocationSpec};
use crate::judge::facts::Key;
use crate::source::change::SourceChange;
use crate::source::object::Spec;

/// What a source has told; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Orders(Arc<RwLock<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    policies: BTreeMap<Key, Arc<AuditPolicySpec>>,
    revocations: BTreeMap<Key, Arc<RevocationSpec>>,
}

impl Orders {
    /// Takes in what a source tells, if it is about one of the two.
    pub fn take(&self, change: &SourceChange) {
        match change {
            SourceChange::Put(object, _) => {
                let key = Key::new(object.namespace.as_str(), object.name.as_str());
                match &object.spec {
                    Spec::AuditPolicy(spec) => {
                        self.0.write().policies.insert(key, Arc::new((**spec).clone()));
                    }
                    Spec::Revocation(spec) => {
                        self.0.write().revocations.insert(key, Arc::new((**spec).clone()));
                    }
                    _ => {}
                }
            }
            SourceChange::Gone(key, _) => {
                let place = Key::new(key.namespace(), key.name());
                match key.kind() {
                    Kind::AuditPolicy => {
                        self.0.write().policies.remove(&place);
                    }
                    Kind::Revocation => {
                        self.0.write().revocations.remove(&place);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    #[must_use]
    pub fn policies(&self) -> BTreeMap<Key, Arc<AuditPolicySpec>> {
        self.0.read().policies.clone()
    }

    #[must_use]
    pub fn revocations(&self) -> BTreeMap<Key, Arc<RevocationSpec>> {
        self.0.read().revocations.clone()
    }
}

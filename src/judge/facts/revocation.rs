//! A revocation: what it closes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Key, Unreadable, names};
use crate::api::v1alpha1::RevocationSpec;

/// An order to end access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    pub key: Key,
    pub target: Target,
    /// Resources it is narrowed to; `None`: every one of its namespace.
    pub resources: Option<Box<[Arc<str>]>>,
}

/// One decision, or all that somebody may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Grant { serial: Arc<str> },
    Bar(Bar),
}

/// Somebody who is kept out, whatever was granted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Bar {
    Unit { code: Arc<str> },
    System { unit_code: Arc<str>, name: Arc<str> },
    Person { id: Arc<str>, unit_code: Option<Arc<str>> },
}

impl Revocation {
    pub fn read(key: Key, spec: &RevocationSpec) -> Result<Self, Unreadable> {
        Unreadable::first_of(spec)?;
        let target = &spec.target;
        let target = if let Some(grant) = &target.grant {
            Target::Grant { serial: grant.serial.as_str().into() }
        } else if let Some(unit) = &target.unit {
            Target::Bar(Bar::Unit { code: unit.code.as_str().into() })
        } else if let Some(system) = &target.system {
            Target::Bar(Bar::System { unit_code: system.unit_code.as_str().into(), name: system.name.as_str().into() })
        } else if let Some(person) = &target.person {
            Target::Bar(Bar::Person {
                id: person.id.as_str().into(),
                unit_code: person.unit_code.as_deref().map(Arc::from),
            })
        } else {
            return Err(Unreadable::member("spec.target", crate::api::v1alpha1::messages::ONE_TARGET));
        };
        Ok(Self { key, target, resources: spec.resources.as_deref().map(names) })
    }

    /// Whether the revocation covers a resource of its namespace.
    #[must_use]
    pub fn covers(&self, resource: &str) -> bool {
        covers(self.resources.as_deref(), resource)
    }
}

/// Absent means every resource.
pub(in crate::judge) fn covers(resources: Option<&[Arc<str>]>, resource: &str) -> bool {
    resources.is_none_or(|list| list.iter().any(|name| &**name == resource))
}

//! A resource: the catalogue that bounds every grant. There are few, so it keeps its whole spec.

use std::sync::Arc;

use super::{Key, Unreadable};
use crate::api::v1alpha1::SharedResourceSpec;
use crate::api::v1alpha1::common::Mode;
use crate::api::v1alpha1::shared_resource::{Class, Field};

/// What may be shared.
#[derive(Clone, Debug)]
pub struct Resource {
    pub key: Key,
    pub spec: Arc<SharedResourceSpec>,
}

impl Resource {
    pub fn read(key: Key, spec: &SharedResourceSpec) -> Result<Self, Unreadable> {
        Unreadable::first_of(spec)?;
        Ok(Self { key, spec: Arc::new(spec.clone()) })
    }

    /// The catalogue's entry of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.spec.fields.iter().find(|field| field.name == name)
    }

    /// Whether the data is given out in this way.
    #[must_use]
    pub fn offers(&self, mode: Mode) -> bool {
        match mode {
            Mode::Interface => self.spec.interface.is_some(),
            Mode::Table => self.spec.table.is_some(),
            Mode::File => self.spec.files.is_some(),
            Mode::Other => self.spec.other.is_some(),
        }
    }

    /// Whether one of these fields is personal or a business secret.
    #[must_use]
    pub fn needs_consent(&self, fields: &[Arc<str>]) -> bool {
        fields.iter().filter_map(|name| self.field(name)).map(|field| field.class).any(Class::needs_consent)
    }
}

//! The sample upstream's catalogue, kept in step with the resources of the directory.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::api::v1alpha1::shared_resource::FieldType;
use crate::cli::sample::{CatalogueSource, SampleCatalogue, SampleField, SampleOperation, SampleResource, ValueKind};
use crate::judge::facts::Resource;
use crate::judge::index::Index;

/// What the sample answers for; clones are the same.
#[derive(Clone)]
pub struct Sampling {
    index: Arc<RwLock<Index>>,
    catalogue: Arc<RwLock<Arc<SampleCatalogue>>>,
}

impl Sampling {
    pub fn new(index: &Arc<RwLock<Index>>) -> Self {
        let this = Self { index: index.clone(), catalogue: Arc::default() };
        this.refresh();
        this
    }

    /// Takes in the resources as they are now.
    pub fn refresh(&self) {
        let resources: Vec<SampleResource> = {
            let index = self.index.read();
            index.resources().filter_map(|resource| sample(resource)).collect()
        };
        *self.catalogue.write() = Arc::new(SampleCatalogue::new(resources));
    }

    pub fn source(&self) -> CatalogueSource {
        let catalogue = self.catalogue.clone();
        Arc::new(move || catalogue.read().clone())
    }
}

fn sample(resource: &Resource) -> Option<SampleResource> {
    let interface = resource.spec.interface.as_ref()?;
    let url: hyper::Uri = interface.upstream.url.parse().ok()?;
    let host = url.host()?.to_owned();
    if !host.ends_with(".example") {
        return None;
    }
    let operations = interface.operations.iter().map(|operation| SampleOperation {
        name: operation.name.clone(),
        method: operation.method.name().to_owned(),
        path: operation.path.clone(),
    });
    let fields = resource.spec.fields.iter().map(|field| SampleField {
        name: field.name.clone(),
        title: field.title.clone(),
        path: field.path.clone(),
        kind: match field.type_ {
            FieldType::String => ValueKind::String,
            FieldType::Integer => ValueKind::Integer,
            FieldType::Number => ValueKind::Number,
            FieldType::Boolean => ValueKind::Boolean,
        },
    });
    let (operations, fields) = (operations.collect(), fields.collect());
    Some(SampleResource { host, base_path: url.path().trim_end_matches('/').to_owned(), operations, fields })
}

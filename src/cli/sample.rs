//! The synthetic upstream behind hosts under `.example` (reserved by RFC 2606): believable answers
//! for every resource of a directory, wholly invented, the same for the same call, and always with a
//! few members that no catalogue names, so that one can see them being dropped.

mod catalogue;
mod codes;
mod document;
mod meaning;
mod person;
mod seed;
mod server;
mod shape;
mod value;
mod words;

pub use catalogue::{Found, SampleCatalogue};
pub use document::document;
pub use server::{CatalogueSource, serve};

/// One resource as the sample needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleResource {
    /// Host of the upstream's URL, without port.
    pub host: String,
    /// Path of the upstream's URL, such as `/api/v2`; operation paths are appended to it.
    pub base_path: String,
    pub operations: Vec<SampleOperation>,
    pub fields: Vec<SampleField>,
}

/// One call that the upstream answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleOperation {
    pub name: String,
    pub method: String,
    /// Path template, such as `/marriages/{idNumber}`.
    pub path: String,
}

/// One field of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleField {
    pub name: String,
    pub title: String,
    /// The RFC 9535 subset of member names and `[*]`.
    pub path: String,
    pub kind: ValueKind,
}

/// Type of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    String,
    Integer,
    Number,
    Boolean,
}

#[cfg(test)]
mod tests;

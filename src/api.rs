//! The Kubernetes API of the product: what users write. Types only say what may be written;
//! what it means is decided in `judge`.

pub mod gateway;
pub mod v1alpha1;

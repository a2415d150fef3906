//! `datashare up`: the product without Kubernetes.

pub mod keeper;

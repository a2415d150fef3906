//! A request: who asked for what.

use std::sync::Arc;

use ipnet::IpNet;
use jiff::civil::Date;

use super::{Key, Unreadable, names};
use crate::api::v1alpha1::common::Mode;
use crate::api::v1alpha1::validate::syntax;
use crate::api::v1alpha1::{DataShareRequestSpec, messages};
use crate::approval::canonical::Digest;
use crate::approval::digests;

/// An application with its commitment.
#[derive(Clone, Debug)]
pub struct Request {
    pub key: Key,
    pub digest: Digest,
    pub date: Date,
    pub unit: Unit,
    pub system: Arc<str>,
    pub sources: Box<[IpNet]>,
    pub received_by: Arc<str>,
    pub resource: Key,
    pub fields: Box<[Arc<str>]>,
    pub operations: Box<[Arc<str>]>,
    pub users: Option<Box<[Arc<str>]>>,
    pub mode: Mode,
    pub not_after: Date,
    /// A foreign developer without the number of its approval (promise 5).
    pub developer_unapproved: bool,
}

/// Name and unified social credit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    pub name: Arc<str>,
    pub code: Arc<str>,
}

impl Request {
    pub fn read(key: Key, spec: &DataShareRequestSpec) -> Result<Self, Unreadable> {
        Unreadable::first_of(spec)?;
        let digest = digests::request(&key.namespace, &key.name, spec).map_err(|e| Unreadable::member("spec", e))?;
        let day = |text: &str, member| syntax::date(text).ok_or_else(|| Unreadable::member(member, messages::DATE));
        let applicant = &spec.applicant;
        let sources = applicant.system.sources.iter().map(|s| s.parse().map_err(|_| messages::SOURCE));
        let developer = applicant.developer.as_ref();
        Ok(Self {
            digest,
            date: day(&spec.date, "spec.date")?,
            unit: Unit { name: applicant.unit.name.as_str().into(), code: applicant.unit.code.as_str().into() },
            system: applicant.system.name.as_str().into(),
            sources: sources
                .collect::<Result<_, _>>()
                .map_err(|e| Unreadable::member("spec.applicant.system.sources", e))?,
            received_by: spec.received_by.as_str().into(),
            resource: Key::new(spec.resource_ref.namespace.as_str(), spec.resource_ref.name.as_str()),
            fields: names(&spec.fields),
            operations: names(spec.operations.as_deref().unwrap_or_default()),
            users: spec.users.as_deref().map(names),
            mode: spec.mode,
            not_after: day(&spec.not_after, "spec.notAfter")?,
            developer_unapproved: developer.is_some_and(|d| {
                d.foreign == Some(true) && d.approval_number.as_ref().is_none_or(|n| n.trim().is_empty())
            }),
            key,
        })
    }
}

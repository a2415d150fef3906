//! What a guard needs to answer the calls of one grant, worked out once when the grant begins to serve.

use std::collections::HashSet;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;
use smallvec::SmallVec;

use super::facts::{Grant, Request, Resource};
use crate::api::v1alpha1::shared_resource::{FieldType, Method, Operation as Offered, ParameterIn};
use crate::fields::{FieldPath, LeafType, Projection};

/// Upstream body bytes when the resource sets no limit: 8 MiB.
pub const DEFAULT_RESPONSE_BYTES: usize = 8 * 1024 * 1024;

/// One grant, ready to serve.
#[derive(Clone, Debug)]
pub struct Served {
    /// Times of the grant, and of the earliest approval that counts: with what follows, all that a call
    /// asks for, together in one place.
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub approved: Timestamp,
    pub requires: Requires,
    pub plan: Arc<Plan>,
    /// `None`: any user the consumer system names.
    pub users: Option<Box<HashSet<Arc<str>>>>,
    /// Addresses that calls may come from.
    pub sources: SmallVec<[IpNet; 2]>,
    pub grant: Arc<Grant>,
    pub request: Arc<Request>,
}

/// What grants of the same fields and operations of one resource share.
#[derive(Debug)]
pub struct Plan {
    pub resource: Arc<Resource>,
    pub fields: Box<[Arc<str>]>,
    pub projection: Projection,
    pub operations: Box<[Operation]>,
    pub max_response_bytes: usize,
    /// One of the fields is personal or a business secret: its records are kept longer.
    pub personal: bool,
}

/// What each call must name: the grant's and the resource's demands together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requires {
    pub user: bool,
    pub case: bool,
    pub consent: bool,
}

/// A granted operation.
#[derive(Debug)]
pub struct Operation {
    pub name: Arc<str>,
    pub method: Method,
    pub path: Box<[Segment]>,
    pub parameters: Box<[Parameter]>,
}

/// One segment of an operation's path.
#[derive(Debug, PartialEq, Eq)]
pub enum Segment {
    Literal(Box<str>),
    /// Position of the parameter in [`Operation::parameters`].
    Parameter(usize),
}

/// A declared parameter.
#[derive(Debug)]
pub struct Parameter {
    pub name: Arc<str>,
    pub in_path: bool,
    pub required: bool,
    pub sensitive: bool,
}

impl Requires {
    pub(super) fn of(grant: &Grant, resource: &Resource) -> Self {
        let asked = resource.spec.requires.as_ref();
        let either = |own: Option<bool>, other: Option<bool>| own == Some(true) || other == Some(true);
        Self {
            // a list of users means nothing unless each call names one
            user: either(grant.requires.user, asked.and_then(|r| r.user)) || grant.users.is_some(),
            case: either(grant.requires.case, asked.and_then(|r| r.case)),
            consent: either(grant.requires.consent, asked.and_then(|r| r.consent)),
        }
    }
}

impl Plan {
    /// Nothing when a field or path cannot be served: such a grant stays closed.
    pub(super) fn of(grant: &Grant, resource: &Arc<Resource>) -> Option<Self> {
        let leaves = grant.fields.iter().map(|name| {
            let field = resource.field(name)?;
            let leaf = match field.type_ {
                FieldType::String => LeafType::String,
                FieldType::Integer => LeafType::Integer,
                FieldType::Number => LeafType::Number,
                FieldType::Boolean => LeafType::Boolean,
            };
            Some((field.path.parse::<FieldPath>().ok()?, leaf))
        });
        let projection = Projection::new(leaves.collect::<Option<Vec<_>>>()?).ok()?;
        let offered = resource.spec.interface.iter().flat_map(|i| &i.operations);
        let granted = offered.filter(|o| grant.operations.iter().any(|name| **name == *o.name));
        let limit = resource.spec.limits.as_ref().and_then(|l| l.max_response_bytes);
        Some(Self {
            fields: grant.fields.clone(),
            projection,
            operations: granted.map(Operation::of).collect::<Option<_>>()?,
            max_response_bytes: limit.map_or(DEFAULT_RESPONSE_BYTES, |n| usize::try_from(n).unwrap_or(0)),
            personal: resource.needs_consent(&grant.fields),
            resource: resource.clone(),
        })
    }
}

impl Operation {
    fn of(offered: &Offered) -> Option<Self> {
        let declared = offered.parameters.as_deref().unwrap_or_default();
        let segment = |text: &str| match text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
            Some(name) => declared.iter().position(|p| p.name == name).map(Segment::Parameter),
            None => Some(Segment::Literal(text.into())),
        };
        let parameters = declared.iter().map(|p| Parameter {
            name: p.name.as_str().into(),
            in_path: p.in_ == ParameterIn::Path,
            required: p.in_ == ParameterIn::Path || p.required == Some(true),
            sensitive: p.sensitive == Some(true),
        });
        Some(Self {
            name: offered.name.as_str().into(),
            method: offered.method,
            path: offered.path.strip_prefix('/')?.split('/').map(segment).collect::<Option<_>>()?,
            parameters: parameters.collect(),
        })
    }
}

//! The kinds as the judge sees them: parsed, checked and small, so that a hundred thousand fit.

mod grant;
mod request;
mod resource;
mod revocation;
mod site;
mod texts;

use std::fmt;
use std::sync::Arc;

pub use grant::{Grant, Quota, Rotation, Signed};
pub use request::{Request, Unit};
pub use resource::Resource;
pub(in crate::judge) use revocation::covers as revocation_covers;
pub use revocation::{Bar, Revocation, Target};
pub use site::Site;
pub use texts::Texts;

/// Namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl Key {
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A spec that should have been refused earlier: the first rule it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {message}")]
pub struct Unreadable {
    pub member: String,
    pub message: String,
}

impl Unreadable {
    fn member(member: &str, message: impl fmt::Display) -> Self {
        Self { member: member.to_owned(), message: message.to_string() }
    }

    /// The first rule the spec breaks by itself, if any: invalid states are not built.
    fn first_of(spec: &impl crate::api::v1alpha1::validate::Validate) -> Result<(), Self> {
        match spec.violations().into_iter().next() {
            Some(first) => Err(Self { member: first.member, message: first.message.into_owned() }),
            None => Ok(()),
        }
    }
}

/// Names, shared.
fn names(list: &[String]) -> Box<[Arc<str>]> {
    list.iter().map(|name| Arc::from(name.as_str())).collect()
}

//! From what a source yields to what the judge takes in.

use super::change::Place;
use super::object::{Object, ObjectKey, Spec};
use crate::api::v1alpha1::Kind;
use crate::judge::facts::{Grant, Key, Request, Resource, Revocation, Site, Unreadable};
use crate::judge::index::Change;

/// The event an object is to the judge; nothing for kinds that decide about no grant.
pub fn put(object: &Object, place: &Place, site: &Site) -> Result<Option<Change>, Unreadable> {
    let key = Key::new(object.namespace.as_str(), object.name.as_str());
    Ok(Some(match &object.spec {
        Spec::SharedResource(spec) => Change::Resource(Resource::read(key, spec)?),
        Spec::DataShareRequest(spec) => Request::read(key, spec)?.into(),
        Spec::AccessGrant(spec) => Grant::read(key, spec, site)?.into(),
        Spec::Revocation(spec) => Change::Revocation(Revocation::read(placed(key, place), spec)?),
        Spec::AuditPolicy(_) => return Ok(None),
    }))
}

/// The event an object's absence is to the judge.
#[must_use]
pub fn gone(key: &ObjectKey, place: &Place) -> Option<Change> {
    let plain = Key::new(key.namespace(), key.name());
    Some(match key.kind() {
        Kind::SharedResource => Change::ResourceGone(plain),
        Kind::DataShareRequest => Change::RequestGone(plain),
        Kind::AccessGrant => Change::GrantGone(plain),
        Kind::Revocation => Change::RevocationGone(placed(plain, place)),
        Kind::AuditPolicy => return None,
    })
}

/// Two Revocations of one name in files both stay in force, so the place is part of who they are; in a
/// cluster there is one of a name.
fn placed(key: Key, place: &Place) -> Key {
    if place.file.is_empty() {
        return key;
    }
    let nth = if place.nth == 0 { String::new() } else { format!(" #{}", place.nth + 1) };
    Key::new(key.namespace, format!("{} ({}{nth})", key.name, place.file))
}

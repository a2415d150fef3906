//! All that a decision is about: the terms, the request, the resource, the site, and what the
//! directory already holds.

use std::sync::Arc;

use jiff::Timestamp;

use super::{ApproveError, TermsArgs, draft};
use crate::api::v1alpha1::{AccessGrantSpec, DataShareRequestSpec, Kind, SharedResourceSpec};
use crate::approval::signers::Signers;
use crate::cli::file::{self, single};
use crate::cli::world::{self, World};
use crate::judge::facts::{Grant, Key, Site};
use crate::judge::ledger::Scope;
use crate::source::object::{Object, ObjectKey, Spec};

/// One decision before it is signed.
pub(super) struct Case<'w> {
    pub(super) site: Site,
    pub(super) signers: Signers,
    /// Where the grant is, or will be.
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) spec: AccessGrantSpec,
    pub(super) is_new: bool,
    pub(super) request: DataShareRequestSpec,
    pub(super) resource: &'w SharedResourceSpec,
    /// The grant that this one replaces, where the directory has it.
    pub(super) superseded: Option<&'w AccessGrantSpec>,
    pub(super) superseded_scope: Option<Scope>,
}

impl<'w> Case<'w> {
    pub(super) fn gather(
        object: &Object,
        world: &'w World,
        terms: &TermsArgs,
        now: Timestamp,
    ) -> Result<Self, ApproveError> {
        let site = world::site(&world.settings);
        let (is_new, namespace, request, resource_name) = match &object.spec {
            Spec::AccessGrant(spec) => {
                if let Some(option) = draft::first_given(terms) {
                    return Err(ApproveError::FixedTerms(option));
                }
                let request = request(world, &spec.request_ref.namespace, &spec.request_ref.name)?;
                (false, &object.namespace, request, &spec.resource_ref.name)
            }
            Spec::DataShareRequest(spec) => {
                (true, &spec.resource_ref.namespace, (**spec).clone(), &spec.resource_ref.name)
            }
            _ => return Err(ApproveError::Refused("only requests and grants can be approved".into())),
        };
        let resource = file::resource(world, namespace, resource_name).ok_or_else(|| {
            let root = world.root.display();
            ApproveError::Refused(format!(
                "SharedResource {namespace}/{resource_name} is not in {root} (or is broken, or there twice); \
                 `datashare check {root}` tells more"
            ))
        })?;
        let (name, spec) = if let Spec::AccessGrant(spec) = &object.spec {
            (object.name.clone(), (**spec).clone())
        } else {
            let amended = amended_serial(world, &object.namespace, &request);
            let asked = draft::Asked { namespace: &object.namespace, name: &object.name, spec: &request };
            let spec = draft::terms(terms, &asked, resource, &site, amended, now)?;
            (terms.name.clone().unwrap_or_else(|| object.name.clone()), spec)
        };
        let with_serial = |serial: &str| {
            let fits = |grant: &&Arc<Grant>| {
                *grant.key.namespace == **namespace && *grant.key.name != *name && *grant.serial == *serial
            };
            world.index.grants().find(fits)
        };
        if let Some(other) = with_serial(&spec.serial) {
            let message =
                format!("serial {} is already that of {}; give this decision its own", spec.serial, other.key);
            return Err(ApproveError::Refused(message));
        }
        if is_new && single(world, &ObjectKey::new(Kind::AccessGrant, namespace, &name)).is_some() {
            let message = format!("there is a grant {namespace}/{name} already; sign that one, or give --name");
            return Err(ApproveError::Refused(message));
        }
        let older = spec.supersedes.as_deref().and_then(with_serial);
        let superseded_scope = older.and_then(|grant| {
            let request = world.index.request(&grant.request)?;
            Some(Scope {
                resource: grant.resource.clone(),
                unit: request.unit.code.clone(),
                system: request.system.clone(),
            })
        });
        let superseded = older.and_then(|grant| grant_spec(world, &grant.key));
        Ok(Self {
            signers: Signers::parse(&world.signers_text).0,
            site,
            namespace: namespace.clone(),
            name,
            spec,
            is_new,
            request,
            resource,
            superseded,
            superseded_scope,
        })
    }
}

fn request(world: &World, namespace: &str, name: &str) -> Result<DataShareRequestSpec, ApproveError> {
    match single(world, &ObjectKey::new(Kind::DataShareRequest, namespace, name)).map(|object| &object.spec) {
        Some(Spec::DataShareRequest(spec)) => Ok((**spec).clone()),
        _ => Err(ApproveError::Refused(format!(
            "DataShareRequest {namespace}/{name} is not in {root} (or is broken, or there twice); \
             `datashare check {root}` tells more",
            root = world.root.display()
        ))),
    }
}

fn grant_spec<'w>(world: &'w World, key: &Key) -> Option<&'w AccessGrantSpec> {
    match &single(world, &ObjectKey::new(Kind::AccessGrant, &key.namespace, &key.name))?.spec {
        Spec::AccessGrant(spec) => Some(spec),
        _ => None,
    }
}

/// The serial of the one grant on the request that this one amends.
fn amended_serial(world: &World, namespace: &str, request: &DataShareRequestSpec) -> Option<String> {
    let amended = Key::new(namespace, request.amends.as_deref()?);
    let mut serials = world.index.grants().filter(|grant| grant.request == amended).filter(|grant| {
        *grant.key.namespace == *request.resource_ref.namespace && *grant.resource == *request.resource_ref.name
    });
    let first = serials.next()?;
    serials.next().is_none().then(|| first.serial.to_string())
}

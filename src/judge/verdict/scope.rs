//! Checks of what is granted against what was asked for and what there is.

use std::sync::Arc;

use super::{Evidence, Outcome, refuse};
use crate::api::v1alpha1::common::Mode;
use crate::api::v1alpha1::shared_resource::Sharing;
use crate::judge::reason::Reason;

pub(super) fn request_is_the_reviewed_one(e: &Evidence<'_>) -> Outcome {
    let Some(request) = e.request else {
        return refuse(
            Reason::RequestMissing,
            format!("DataShareRequest {} is not there; bring it back", e.grant.request),
        );
    };
    if request.digest != e.grant.request_digest {
        let message = format!(
            "DataShareRequest {} is not the one that was reviewed (it is {}); bring the reviewed one back, or have this one approved",
            request.key, request.digest
        );
        return refuse(Reason::RequestChanged, message);
    }
    Ok(())
}

pub(super) fn resource_is_the_requested_one(e: &Evidence<'_>) -> Outcome {
    let asked = e.request.map(|request| &request.resource);
    if asked.is_some_and(|asked| asked.namespace != e.grant.key.namespace || asked.name != e.grant.resource) {
        return refuse(
            Reason::ResourceMismatch,
            "the request asks for another resource; grant that one, in its own namespace",
        );
    }
    match e.resource {
        Some(_) => Ok(()),
        None => {
            refuse(Reason::ResourceMissing, format!("SharedResource {} is not there; bring it back", e.grant.resource))
        }
    }
}

pub(super) fn resource_is_shared(e: &Evidence<'_>) -> Outcome {
    let (Some(resource), Some(request)) = (e.resource, e.request) else { return Ok(()) };
    if resource.spec.sharing == Sharing::NotShared {
        return refuse(Reason::NotShared, "the resource's sharing is NotShared: it may not be granted to anyone");
    }
    if !resource.offers(request.mode) {
        return refuse(Reason::ModeNotOffered, format!("the resource is not given out in mode {:?}", request.mode));
    }
    Ok(())
}

pub(super) fn fields_are_covered(e: &Evidence<'_>) -> Outcome {
    let (Some(resource), Some(request)) = (e.resource, e.request) else { return Ok(()) };
    if let Some(field) = missing(&e.grant.fields, &request.fields) {
        return refuse(
            Reason::FieldsNotRequested,
            format!("field {field} was not asked for; grant no more than the request names"),
        );
    }
    if let Some(field) = e.grant.fields.iter().find(|name| resource.field(name).is_none()) {
        return refuse(Reason::FieldsNotInCatalogue, format!("field {field} is not in the resource's catalogue"));
    }
    Ok(())
}

pub(super) fn operations_are_covered(e: &Evidence<'_>) -> Outcome {
    let (Some(resource), Some(request)) = (e.resource, e.request) else { return Ok(()) };
    let granted = &e.grant.operations;
    if (request.mode == Mode::Interface) == granted.is_empty() {
        return refuse(
            Reason::OperationsMissing,
            "a grant names operations when the request's mode is Interface, and only then",
        );
    }
    if let Some(operation) = missing(granted, &request.operations) {
        return refuse(Reason::OperationsNotRequested, format!("operation {operation} was not asked for"));
    }
    let offered = resource.spec.interface.iter().flat_map(|i| &i.operations).map(|o| o.name.as_str());
    let offered: Vec<&str> = offered.collect();
    match granted.iter().find(|name| !offered.contains(&&***name)) {
        Some(operation) => {
            refuse(Reason::OperationsNotOffered, format!("operation {operation} is not offered by the resource"))
        }
        None => Ok(()),
    }
}

pub(super) fn users_are_covered(e: &Evidence<'_>) -> Outcome {
    let Some(asked) = e.request.and_then(|request| request.users.as_deref()) else { return Ok(()) };
    let Some(granted) = e.grant.users.as_deref() else {
        return refuse(Reason::UsersMissing, "the request lists users, so the grant must list them too");
    };
    match missing(granted, asked) {
        Some(_) => {
            refuse(Reason::UsersNotRequested, "a granted user was not asked for; grant no more than the request names")
        }
        None => Ok(()),
    }
}

pub(super) fn slice_is_the_reviewed_one(e: &Evidence<'_>) -> Outcome {
    if e.slice == Some(e.grant.slice) {
        return Ok(());
    }
    let now = e.slice.map(|digest| format!(" (it is {digest})")).unwrap_or_default();
    let message = format!(
        "what this approval means has changed in SharedResource {}{now}; bring the reviewed version back, or have this one approved",
        e.grant.resource
    );
    refuse(Reason::ResourceChanged, message)
}

pub(super) fn ends_in_time(e: &Evidence<'_>) -> Outcome {
    match e.request {
        Some(request) if e.grant.not_after > e.site.end_of(request.not_after) => refuse(
            Reason::OutlivesRequest,
            format!("the grant ends after {}, the last day asked for", request.not_after),
        ),
        _ => Ok(()),
    }
}

pub(super) fn consent_or_basis(e: &Evidence<'_>) -> Outcome {
    let Some(resource) = e.resource else { return Ok(()) };
    let covered = e.grant.requires.consent == Some(true) || e.grant.has_legal_basis;
    if covered || !resource.needs_consent(&e.grant.fields) {
        return Ok(());
    }
    refuse(
        Reason::ConsentMissing,
        "personal data or business secrets need 'requires: {consent: true}' or a legalBasis in the grant itself (promise 3)",
    )
}

pub(super) fn developer_is_approved(e: &Evidence<'_>) -> Outcome {
    if e.request.is_some_and(|request| request.developer_unapproved) {
        return refuse(
            Reason::DeveloperUnapproved,
            "the developer is foreign: file a request with the number of the prior approval (promise 5)",
        );
    }
    Ok(())
}

/// The first of `some` that is not among `all`. Lists are short, and users at most a thousand.
fn missing<'a>(some: &'a [Arc<str>], all: &[Arc<str>]) -> Option<&'a Arc<str>> {
    if all.len() <= 16 {
        return some.iter().find(|one| !all.contains(one));
    }
    let all: std::collections::HashSet<&str> = all.iter().map(|one| &**one).collect();
    some.iter().find(|one| !all.contains(&***one))
}

//! Whether somebody may read the record: the API server decides, by its own rules, about the verb `get` on the virtual
//! resource `auditrecords`, in one namespace or in all of them.

use std::net::IpAddr;

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::timeout;

use super::identity::{Identity, PATIENCE};
use super::problem::Problem;
use super::wire::{Question, RESOURCE};

/// A question, and whose it is.
pub struct Asked<'a> {
    pub who: &'a Identity,
    /// `query` or `copy`.
    pub operation: &'static str,
    pub question: &'a Question,
    pub peer: IpAddr,
}

/// Asks the API server; an answer that does not come is none.
pub async fn may(client: &Client, asked: &Asked<'_>) -> Result<bool, Problem> {
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let review = SubjectAccessReview { spec: spec(asked), ..SubjectAccessReview::default() };
    let answered = timeout(PATIENCE, reviews.create(&PostParams::default(), &review)).await;
    let answered = answered.map_err(|_| Problem::Unreviewed("no answer in time".to_owned()))?;
    let status = answered.map_err(|error| Problem::Unreviewed(error.to_string()))?.status;
    Ok(status.is_some_and(|status| status.allowed && status.denied != Some(true)))
}

fn spec(asked: &Asked<'_>) -> SubjectAccessReviewSpec {
    let (group, resource) = RESOURCE;
    SubjectAccessReviewSpec {
        user: Some(asked.who.user.clone()),
        uid: asked.who.uid.clone(),
        groups: Some(asked.who.groups.clone()).filter(|groups| !groups.is_empty()),
        extra: Some(asked.who.extra.clone()).filter(|extra| !extra.is_empty()),
        resource_attributes: Some(ResourceAttributes {
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            verb: Some("get".to_owned()),
            // none is all of them, which a right in one of them does not give
            namespace: asked.question.namespace.clone(),
            ..ResourceAttributes::default()
        }),
        ..SubjectAccessReviewSpec::default()
    }
}

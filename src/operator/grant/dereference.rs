//! What a grant refers to, as the API server and the judge have it now.

use std::sync::Arc;

use super::super::context::Context;
use super::super::credentials::Holding;
use super::super::fetch::fetch;
use super::super::trouble::Trouble;
use crate::api::v1alpha1::status::CredentialHash;
use crate::api::v1alpha1::{AccessGrant, DataShareRequest, Kind};
use crate::judge::facts::{Grant, Key};
use crate::judge::index::Standing;

/// A grant with what it refers to.
pub struct Case {
    pub object: AccessGrant,
    /// As the judge knows it; nothing when it does not, or knows another one by that name.
    pub grant: Option<Arc<Grant>>,
    /// Why the judge cannot take it in.
    pub unreadable: Option<String>,
    /// It stands, and it is the decision that its request goes by.
    pub decides: bool,
    /// The request and what its consumer holds; only for a grant that decides.
    pub request: Option<(DataShareRequest, Result<Holding, Trouble>)>,
    /// Hashes of its tokens; what others wrote there is not among them.
    pub hashes: Vec<CredentialHash>,
}

/// Nothing when the grant is not there.
pub async fn dereference(context: &Context, key: &Key) -> Result<Option<Case>, Trouble> {
    let Some(mut object) = fetch::<AccessGrant>(context, Kind::AccessGrant, key).await? else { return Ok(None) };
    let written = object.status.as_ref().and_then(|status| status.credentials.clone()).unwrap_or_default();
    let hashes = if let Some(known) = context.remembered(key) {
        known
    } else {
        context.remember(key, Some(written.clone()));
        written
    };
    // a grant that was away and is back has no status: the tokens that its consumer holds work again
    object.status.get_or_insert_default().credentials = Some(hashes.clone()).filter(|hashes| !hashes.is_empty());
    let (grant, decides) = context.view(|view| {
        let grant = view.index.grant(key).filter(|grant| *grant.serial == object.spec.serial).cloned();
        let decides = grant.as_ref().is_some_and(|grant| {
            view.index.served(key).is_some() && view.deciding(&grant.request) == Some((key.clone(), Standing::Serves))
        });
        (grant, decides)
    });
    let request = match grant.as_ref().filter(|_| decides) {
        Some(grant) => request(context, &grant.request).await?,
        None => None,
    };
    let unreadable = context.unreadable(Kind::AccessGrant, key);
    Ok(Some(Case { object, grant, unreadable, decides, request, hashes }))
}

async fn request(
    context: &Context,
    key: &Key,
) -> Result<Option<(DataShareRequest, Result<Holding, Trouble>)>, Trouble> {
    let Some(request) = fetch(context, Kind::DataShareRequest, key).await? else { return Ok(None) };
    let holding = Holding::look(context, &request).await;
    Ok(Some((request, holding)))
}

//! Tokens in the cluster: hashes in the grant's status, the token itself in one Secret of the consumer's namespace or
//! encrypted to the consumer's key, and nowhere else. Minting is one compare-and-swap write of the hashes; only its
//! winner hands over, and only when the guards know the new token: whoever fetches it may use it. What was minted and never handed over is seen by its hash, and replaced.

mod holding;
mod plan;
mod seal;

use std::time::Duration;

use jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use tokio::time::timeout;

use super::context::{Context, version_of};
use super::trouble::Trouble;
use crate::api::v1alpha1::status::{CredentialHash, IssuedCredential};
use crate::api::v1alpha1::{AccessGrant, DataShareRequest, Kind};
use crate::delivery::token::{self, Token};
use crate::judge::facts::Grant;
use crate::source::change::Watched;

pub use holding::{Holding, SECRET_TYPE, secret_name};
pub use plan::{Plan, Why, asked, plan};

/// Asks for a new token now: any value that it did not have before.
pub const ROTATE: &str = "datashare.dev/rotate";

/// How long guards are waited for.
const HANDOVER: Duration = Duration::from_secs(10);

/// Mints a token and hands it over; gives the grant as it is then. `keep` are the hashes that stay.
pub async fn mint(
    context: &Context,
    mut object: AccessGrant,
    grant: &Grant,
    request: &DataShareRequest,
    holding: &Holding,
    keep: Vec<CredentialHash>,
) -> Result<AccessGrant, Trouble> {
    let token = Token::draw()?;
    let now = whole_second(context.clock.now());
    let (_, not_after) = grant.rotation.of(now, grant.not_after);
    let hash = CredentialHash {
        id: token.id().to_owned(),
        serial: Some(grant.serial.to_string()),
        sha256: token::sha256(token.expose()),
        not_before: now.to_string(),
        not_after: not_after.to_string(),
        asked: asked(request),
        request_uid: request.uid(),
    };
    // nothing is handed over that cannot be, and nothing minted that cannot be handed over
    let sealed = match &request.spec.applicant.recipient {
        Some(recipient) => Some(seal::seal(recipient, token.expose())?),
        None => None,
    };
    let mut hashes = keep;
    hashes.push(hash.clone());
    object.status.get_or_insert_default().credentials = Some(hashes);
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let grants: Api<AccessGrant> = Api::namespaced(context.client.clone(), &namespace);
    let minted = grants.replace_status(&name, &PostParams::default(), &object).await?;
    let version = version_of(&minted);
    context.wrote(Kind::AccessGrant, &grant.key, version);
    context.remember(&grant.key, minted.status.as_ref().and_then(|status| status.credentials.clone()));
    // a guard that does not come along in this time is about to refuse everything anyway
    let known = context.guards.have(Watched::Kind(Kind::AccessGrant), version);
    let _ = timeout(HANDOVER, known).await;
    match sealed {
        Some(text) => post(context, request, &hash, text).await?,
        None => holding.put(context, request, &token, &hash).await?,
    }
    Ok(minted)
}

/// Tokens last to the second, so that what was written is what is read.
fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Hands an encrypted token over in the request's status. Whoever else writes that status writes other members, so
/// after a conflict it is read again.
async fn post(
    context: &Context,
    request: &DataShareRequest,
    hash: &CredentialHash,
    text: String,
) -> Result<(), Trouble> {
    let (namespace, name) = (request.namespace().unwrap_or_default(), request.name_any());
    let requests: Api<DataShareRequest> = Api::namespaced(context.client.clone(), &namespace);
    let credential = IssuedCredential {
        secret_name: None,
        encrypted: Some(text),
        id: Some(hash.id.clone()),
        not_after: Some(hash.not_after.clone()),
    };
    let mut last = None;
    for _ in 0..5 {
        let mut now = requests.get(&name).await?;
        if now.metadata.uid != request.metadata.uid {
            return Err(Trouble::waiting("RequestChanged", "the request was replaced while its token was minted"));
        }
        now.status.get_or_insert_default().credential = Some(credential.clone());
        match requests.replace_status(&name, &PostParams::default(), &now).await.map_err(Trouble::from) {
            Ok(_) => return Ok(()),
            Err(trouble) if trouble.is_conflict() => last = Some(trouble),
            Err(trouble) => return Err(trouble),
        }
    }
    Err(last.unwrap_or_else(|| Trouble::retry("Conflict", "the request's status is written by somebody else")))
}

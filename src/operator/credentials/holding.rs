//! What a consumer holds: the one Secret of its request, or a sealed token in the request's status. A Secret that is
//! not ours is never read further than its type, and never written: we have no right to `get` Secrets, and look at one by
//! a patch that changes nothing, which admission refuses where the Secret is of another type.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, ResourceExt};

use super::super::context::Context;
use super::super::trouble::Trouble;
use crate::api::v1alpha1::status::CredentialHash;
use crate::api::v1alpha1::{API_VERSION, DataShareRequest, Kind};
use crate::delivery::token::{self, Token};
use crate::judge::build::{MANAGED_BY, PART_OF, labels};

/// Type of our Secrets, by which admission knows them.
pub const SECRET_TYPE: &str = "datashare.dev/credential";

/// What a consumer holds.
#[derive(Debug)]
pub enum Holding {
    Nothing,
    /// Our Secret: its version, the hash of the token in it, and the UID of the request that owns it.
    Secret {
        version: Option<String>,
        uid: Option<String>,
        sha256: String,
        owner: Option<String>,
    },
    /// The sealed token in the request's status, by its identity.
    Sealed(String),
}

/// Name of a request's Secret, in the request's namespace.
#[must_use]
pub fn secret_name(request: &str) -> String {
    format!("datashare-{request}")
}

impl Holding {
    /// Looks what there is.
    pub async fn look(context: &Context, request: &DataShareRequest) -> Result<Self, Trouble> {
        if request.spec.applicant.recipient.is_some() {
            let credential = request.status.as_ref().and_then(|status| status.credential.as_ref());
            let sealed = credential.filter(|credential| credential.encrypted.is_some());
            return Ok(sealed.and_then(|sealed| sealed.id.clone()).map_or(Self::Nothing, Self::Sealed));
        }
        let Some(secret) = ours(context, request).await? else { return Ok(Self::Nothing) };
        let token = secret.data.as_ref().and_then(|data| data.get("token"));
        let sha256 = token.and_then(|bytes| std::str::from_utf8(&bytes.0).ok()).map(token::sha256);
        let (version, uid) = (secret.resource_version(), secret.uid());
        let owner = secret.owner_references().iter().find(|owner| owner.kind == Kind::DataShareRequest.name());
        let owner = owner.map(|owner| owner.uid.clone());
        Ok(Self::Secret { version, uid, sha256: sha256.unwrap_or_default(), owner })
    }

    /// Whether it is the token of this hash.
    #[must_use]
    pub fn is(&self, hash: &CredentialHash) -> bool {
        match self {
            Self::Nothing => false,
            Self::Secret { sha256, .. } => *sha256 == hash.sha256,
            Self::Sealed(id) => *id == hash.id,
        }
    }

    /// Writes the Secret with a new token. It fails when somebody else wrote it meanwhile.
    pub(super) async fn put(
        &self,
        context: &Context,
        request: &DataShareRequest,
        token: &Token,
        hash: &CredentialHash,
    ) -> Result<(), Trouble> {
        let name = secret_name(&request.name_any());
        let value = |text: &str| ByteString(text.as_bytes().to_vec());
        let data = [
            ("token", value(token.expose())),
            ("id", value(&hash.id)),
            ("url", value(&context.url_of(&request.spec.resource_ref))),
            ("notAfter", value(&hash.not_after)),
        ];
        let mut secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some(labels([PART_OF, MANAGED_BY])),
                owner_references: Some(vec![owner(request)]),
                ..ObjectMeta::default()
            },
            type_: Some(SECRET_TYPE.to_owned()),
            data: Some(data.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<BTreeMap<_, _>>()),
            ..Secret::default()
        };
        let secrets = secrets(context, request);
        if let Self::Secret { version, .. } = self {
            secret.metadata.resource_version.clone_from(version);
            secrets.patch(&name, &PatchParams::default(), &Patch::Merge(&secret)).await?;
        } else {
            secrets.create(&PostParams::default(), &secret).await?;
        }
        Ok(())
    }

    /// Gives our Secret to the request as it is now: one that came back before its Secret went with it keeps it.
    pub async fn adopt(&self, context: &Context, request: &DataShareRequest) -> Result<(), Trouble> {
        let Self::Secret { version, owner: known, .. } = self else { return Ok(()) };
        if *known == request.uid() {
            return Ok(());
        }
        // a merge replaces the whole list, and the version lets a deletion win
        let ours = serde_json::json!({"metadata": {"resourceVersion": version, "ownerReferences": [owner(request)]}});
        let name = secret_name(&request.name_any());
        secrets(context, request).patch(&name, &PatchParams::default(), &Patch::Merge(&ours)).await?;
        Ok(())
    }

    /// Removes our Secret: what is in it opens nothing any more.
    pub async fn remove(&self, context: &Context, request: &DataShareRequest) -> Result<(), Trouble> {
        let Self::Secret { version, uid, .. } = self else { return Ok(()) };
        let seen = Preconditions { resource_version: version.clone(), uid: uid.clone() };
        let only = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
        match secrets(context, request).delete(&secret_name(&request.name_any()), &only).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            other => Ok(other.map(|_| ())?),
        }
    }
}

/// The request's Secret, if it is there and ours.
async fn ours(context: &Context, request: &DataShareRequest) -> Result<Option<Secret>, Trouble> {
    let (secrets, name) = (secrets(context, request), secret_name(&request.name_any()));
    let nothing = PatchParams { dry_run: true, ..PatchParams::default() };
    let seen = secrets.patch(&name, &nothing, &Patch::Merge(serde_json::json!({}))).await;
    match seen {
        Ok(secret) if secret.type_.as_deref() == Some(SECRET_TYPE) => return Ok(Some(secret)),
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(None),
        // by admission's verdict, and not for lack of a right, or of an admission that is ready
        Err(kube::Error::Api(status)) if status.is_forbidden() && status.message.contains("denied request") => {}
        Err(error) => return Err(error.into()),
    }
    let place = format!("{}/{name}", request.namespace().unwrap_or_default());
    let mend = "remove it, then the token is written there";
    Err(Trouble::stalled("SecretNotOurs", format!("Secret {place} exists and is not of type {SECRET_TYPE}; {mend}")))
}

fn secrets(context: &Context, request: &DataShareRequest) -> Api<Secret> {
    Api::namespaced(context.client.clone(), &request.namespace().unwrap_or_default())
}

fn owner(request: &DataShareRequest) -> OwnerReference {
    OwnerReference {
        api_version: API_VERSION.to_owned(),
        kind: Kind::DataShareRequest.name().to_owned(),
        name: request.name_any(),
        uid: request.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

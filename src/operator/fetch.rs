//! Reads one object. Not as the whole cluster has it now, which costs the API server a question to etcd each time, but
//! not older than anything heard or written here: from its cache. What is newer than that is heard soon, and looked at
//! then; and every write is a compare-and-swap.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::api::GetParams;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::context::Context;
use super::trouble::Trouble;
use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;

/// Whether this very object is still there, as the whole cluster has it now.
pub async fn is_current<K>(context: &Context, object: &K) -> Result<bool, Trouble>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
    let now = api.get_metadata_opt(&object.name_any()).await?;
    Ok(now.is_some_and(|now| now.metadata.deletion_timestamp.is_none() && now.metadata.uid == object.meta().uid))
}

/// The object; nothing when it is not there, or about to go.
pub async fn fetch<K>(context: &Context, kind: Kind, key: &Key) -> Result<Option<K>, Trouble>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(context.client.clone(), &key.namespace);
    let not_older = GetParams { resource_version: context.known(kind, key).map(|version| version.to_string()) };
    match api.get_with(&key.name, &not_older).await {
        Ok(object) => Ok(Some(object).filter(|object| object.meta().deletion_timestamp.is_none())),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

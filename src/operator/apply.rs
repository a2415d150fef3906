//! Server-side apply of what `judge::build` built: only our members are sent, under one name per controller. An object
//! of that name that is not ours is left alone.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::Context;
use super::trouble::Trouble;
use crate::judge::build::MANAGED_BY;

/// Field manager of the controller that writes manifests.
const MANAGER: &str = "datashare-sharedresource";

/// Makes the object in the cluster say what `wanted` says; writes nothing when it does. Gives it as it is then.
pub async fn apply<K>(context: &Context, wanted: &K, says_it: impl Fn(&K) -> bool) -> Result<K, Trouble>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let (api, name) = (api::<K>(context, &wanted.namespace().unwrap_or_default()), wanted.name_any());
    match api.get_opt(&name).await? {
        Some(there) if !is_ours(&there) => {
            let place = format!("{} {}/{name}", K::kind(&()), wanted.namespace().unwrap_or_default());
            let mend =
                format!("remove it, or rename the resource; ours has the label {}={}", MANAGED_BY.0, MANAGED_BY.1);
            return Err(Trouble::stalled("NameTaken", format!("{place} exists and is not ours; {mend}")));
        }
        Some(there) if says_it(&there) => return Ok(there),
        _ => {}
    }
    let params = PatchParams::apply(MANAGER).force();
    Ok(api.patch(&name, &params, &Patch::Apply(wanted)).await?)
}

/// Removes an object if it is ours.
pub async fn remove<K>(context: &Context, namespace: &str, name: &str) -> Result<(), Trouble>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let api = api::<K>(context, namespace);
    let Some(there) = api.get_opt(name).await?.filter(is_ours) else { return Ok(()) };
    let seen = Preconditions { uid: there.uid(), resource_version: None };
    let only = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
    match api.delete(name, &only).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        other => Ok(other.map(|_| ())?),
    }
}

fn api<K>(context: &Context, namespace: &str) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(context.client.clone(), namespace)
}

/// Whether an object carries our mark.
pub fn is_ours(object: &impl ResourceExt) -> bool {
    object.labels().get(MANAGED_BY.0).is_some_and(|by| by == MANAGED_BY.1)
}

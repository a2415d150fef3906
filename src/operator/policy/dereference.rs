//! A policy as it is now.

use kube::Api;

use super::super::context::Context;
use super::super::trouble::Trouble;
use crate::api::v1alpha1::AuditPolicy;
use crate::judge::facts::Key;

/// Nothing when the policy is not there.
pub async fn dereference(context: &Context, key: &Key) -> Result<Option<AuditPolicy>, Trouble> {
    let policies: Api<AuditPolicy> = Api::namespaced(context.client.clone(), &key.namespace);
    Ok(policies.get_opt(&key.name).await?.filter(|policy| policy.metadata.deletion_timestamp.is_none()))
}

//! A policy as it is now.

use super::super::context::Context;
use super::super::fetch::fetch;
use super::super::trouble::Trouble;
use crate::api::v1alpha1::{AuditPolicy, Kind};
use crate::judge::facts::Key;

/// Nothing when the policy is not there.
pub async fn dereference(context: &Context, key: &Key) -> Result<Option<AuditPolicy>, Trouble> {
    fetch(context, Kind::AuditPolicy, key).await
}

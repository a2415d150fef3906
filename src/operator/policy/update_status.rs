//! What a policy's status says.

use super::super::context::Context;
use super::super::report::report;
use super::super::trouble::Trouble;
use crate::api::v1alpha1::{AuditPolicy, Kind};
use crate::judge::facts::Key;

pub async fn update_status(context: &Context, key: &Key, policy: AuditPolicy) -> Result<(), Trouble> {
    let mut fresh = context.view(|view| view.policy(key));
    // what inspections found is theirs; what no guard tells now stays as it was told
    let before = policy.status.clone().unwrap_or_default();
    fresh.oldest_record = fresh.oldest_record.or(before.oldest_record);
    fresh.newest_checkpoint = before.newest_checkpoint;
    fresh.archived_through = fresh.archived_through.or(before.archived_through);
    fresh.last_inspection = before.last_inspection;
    report(context, Kind::AuditPolicy, key, policy, fresh, None).await.map(|_| ())
}

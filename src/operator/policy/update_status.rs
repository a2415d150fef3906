//! What a policy's status says.

use std::collections::BTreeSet;

use kube::Resource;

use super::super::context::Context;
use super::super::events;
use super::super::report::report;
use super::super::trouble::Trouble;
use crate::api::v1alpha1::{AuditPolicy, Kind};
use crate::judge::facts::Key;

pub async fn update_status(context: &Context, key: &Key, policy: AuditPolicy) -> Result<(), Trouble> {
    let mut fresh = context.view(|view| view.policy(key));
    // what inspections found is theirs; what no guard tells now stays as it was told
    let before = policy.status.clone().unwrap_or_default();
    fresh.oldest_record = fresh.oldest_record.or(before.oldest_record);
    fresh.streams = together(before.streams.unwrap_or_default(), fresh.streams.unwrap_or_default());
    fresh.newest_checkpoint = before.newest_checkpoint;
    fresh.archived_through = fresh.archived_through.or(before.archived_through);
    let (last, is_news) = (fresh.last_inspection.clone(), fresh.last_inspection != before.last_inspection);
    fresh.last_inspection = fresh.last_inspection.or(before.last_inspection);
    let about = policy.object_ref(&());
    report(context, Kind::AuditPolicy, key, policy, fresh, None).await?;
    if let Some(last) = last.filter(|_| is_news) {
        let reason = if last.pass { "InspectionPassed" } else { "InspectionFindings" };
        let note = format!(
            "the inspection of {} found {} things; 'datashare audit query --event inspection' has them",
            last.time, last.findings
        );
        events::publish(context, &about, vec![events::event(last.pass, reason, &note)]).await;
    }
    Ok(())
}

/// As many as the definition allows.
const MOST: usize = 64;

/// Streams that there ever were: a guard that is gone leaves its part of the record behind, and whoever asks for all of
/// it must be able to miss that part.
fn together(before: Vec<String>, now: Vec<String>) -> Option<Vec<String>> {
    let all: BTreeSet<String> = before.into_iter().chain(now).collect();
    (!all.is_empty()).then(|| all.into_iter().take(MOST).collect())
}

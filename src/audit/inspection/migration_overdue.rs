//! `MigrationOverdue` (clause 4.1.5): a direct line was to move to a platform by a day that is past.
//! Names the grants that are served over it, and the line at least once.

use super::finding::{Findings, Seen};
use super::{About, Look, Said};
use crate::judge::status::migration_end;

#[derive(Debug)]
pub(super) struct MigrationOverdue;

impl Look for MigrationOverdue {
    fn end(&mut self, about: &About<'_>, found: &mut Findings) {
        for (key, resource) in &about.facts.resources {
            let late = migration_end(resource, &about.facts.site).is_some_and(|end| about.order.now >= end);
            let Some(migration) = resource.spec.channel.migration.as_ref().filter(|_| late) else { continue };
            let (to, by) = (migration.to, &migration.by);
            let message = Said::new(
                format!("the direct line was to move to the platform of tier {to:?} by {by}"),
                format!("直连线路应于 {by} 前迁移至 {to:?} 级平台，至今未迁移"),
            );
            let served: Vec<_> = { about.facts.grants() }
                .filter(|facts| {
                    facts.serves && facts.grant.resource == key.name && facts.grant.key.namespace == key.namespace
                })
                .collect();
            for facts in &served {
                found.add(Some((&*facts.grant).into()), Some(key.to_string()), Seen::once(), message.clone());
            }
            if served.is_empty() {
                found.add(None, Some(key.to_string()), Seen::once(), message);
            }
        }
    }
}

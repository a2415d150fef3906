//! Status of a resource: who is served from it, and whether its direct line is past its day.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::conditions::condition;
use super::{Route, View};
use crate::api::v1alpha1::common::Mode;
use crate::api::v1alpha1::shared_resource::{Sharing, Tier};
use crate::api::v1alpha1::status::SharedResourceStatus;
use crate::api::v1alpha1::validate::syntax;
use crate::judge::facts::{Key, Resource};

impl View<'_> {
    /// Status of a resource; nothing when the judge does not have it.
    #[must_use]
    pub fn resource(&self, key: &Key) -> Option<SharedResourceStatus> {
        let resource = self.index.resource(key)?;
        let (mut grants, mut waiting) = (0_usize, 0_usize);
        for grant in self.index.grants_of_resource(key).filter(|grant| self.stands(grant)) {
            *(if self.is_served(grant) { &mut grants } else { &mut waiting }) += 1;
        }
        let (ready, reason, message) = match (resource.spec.sharing, grants) {
            (Sharing::NotShared, _) => {
                (false, "NotShared", "its sharing is NotShared: nobody may be granted it".into())
            }
            _ if !resource.offers(Mode::Interface) => {
                (false, "NoInterface", "it has no interface; the guard answers no calls for it".into())
            }
            _ if !self.is_guarded() => (false, "NoGuard", "no guard is running; start one".into()),
            (_, n) => match self.observed.routes.get(key) {
                Some(Route::Waiting { reason, message }) => (false, reason.as_str(), message.clone()),
                _ if n == 0 && waiting > 0 => (false, "Waiting", format!("no guard serves its {waiting} grants yet")),
                _ if n == 0 => (false, "NoGrant", "no grant serves from it now".into()),
                Some(Route::Unrouted) => (
                    true,
                    "Serving",
                    format!(
                        "{n} grants serve from it; no gateway is configured, so only callers inside the cluster reach the guard"
                    ),
                ),
                Some(Route::Taken) | None => (true, "Serving", format!("{n} grants serve from it")),
            },
        };
        let mut conditions = vec![condition("Ready", ready, reason, &message, self.now)];
        conditions.extend(self.overdue(resource));
        Some(SharedResourceStatus {
            observed_generation: None,
            conditions: Some(conditions),
            grants: i64::try_from(grants).ok(),
            url: self.observed.url.as_ref().map(|url| format!("{url}/{}/{}", key.namespace, key.name)),
        })
    }

    /// Direct lines must have moved by their day (clause 4.1.5).
    fn overdue(&self, resource: &Resource) -> Option<Condition> {
        let end = migration_end(resource, self.index.site())?;
        let by = resource.spec.channel.migration.as_ref().map(|m| m.by.as_str()).unwrap_or_default();
        let overdue = self.now >= end;
        let (reason, message) = if overdue {
            ("MigrationOverdue", format!("the direct line was to move by {by} (clause 4.1.5)"))
        } else {
            ("MigrationPlanned", format!("the direct line moves by {by}"))
        };
        Some(condition("Overdue", overdue, reason, &message, if overdue { end } else { self.now }))
    }
}

/// The first moment at which a direct line is overdue.
#[must_use]
pub fn migration_end(resource: &Resource, site: &crate::judge::facts::Site) -> Option<Timestamp> {
    let channel = &resource.spec.channel;
    let by = channel.migration.as_ref().filter(|_| channel.tier == Tier::Direct)?;
    Some(site.end_of(syntax::date(&by.by)?))
}

//! Writes an object's status: whole, by compare-and-swap, and only when it says something new. What others wrote into
//! it is overwritten; the time of a condition's last transition stays while its status does.

use std::fmt::Debug;

use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::PostParams;
use kube::core::object::HasStatus;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::{Context, version_of, whole};
use super::events;
use super::trouble::{Class, Trouble};
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::status::{
    AccessGrantStatus, AuditPolicyStatus, DataShareRequestStatus, RevocationStatus, SharedResourceStatus,
};
use crate::judge::facts::Key;

/// What every status has.
pub trait Status: Clone + Default + PartialEq + Debug + Send + Sync {
    fn conditions(&mut self) -> &mut Option<Vec<Condition>>;
    fn observed_generation(&mut self) -> &mut Option<i64>;
}

macro_rules! statuses {
    ($($name:ident),*) => {$(
        impl Status for $name {
            fn conditions(&mut self) -> &mut Option<Vec<Condition>> {
                &mut self.conditions
            }

            fn observed_generation(&mut self) -> &mut Option<i64> {
                &mut self.observed_generation
            }
        }
    )*};
}

statuses!(AccessGrantStatus, AuditPolicyStatus, DataShareRequestStatus, RevocationStatus, SharedResourceStatus);

/// An object with a status that we write.
pub trait Reported:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()>
    + HasStatus<Status: Status>
    + Clone
    + Serialize
    + DeserializeOwned
    + Debug
    + Send
    + Sync
{
}

impl<K> Reported for K where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + HasStatus<Status: Status>
        + Clone
        + Serialize
        + DeserializeOwned
        + Debug
        + Send
        + Sync
{
}

/// The status of an object that the judge cannot take in.
pub fn invalid<S: Status>(why: &str, now: Timestamp) -> S {
    let mut status = S::default();
    let message = format!("it cannot be read: {why}");
    *status.conditions() = Some(vec![condition("Ready", false, "Invalid", &message, now)]);
    status
}

/// Makes an object's status `fresh`, with what stands in the way. True when that was news.
pub async fn report<K: Reported>(
    context: &Context,
    kind: Kind,
    key: &Key,
    mut object: K,
    mut fresh: K::Status,
    trouble: Option<&Trouble>,
) -> Result<bool, Trouble> {
    let now = whole(context.clock.now());
    let before = object.status().cloned();
    let generation = object.meta().generation;
    let mut old = before.clone().unwrap_or_default();
    let old = old.conditions().take().unwrap_or_default();
    let conditions = fresh.conditions().take().unwrap_or_default();
    *fresh.conditions() = Some(settle(&old, conditions, trouble, generation, now));
    *fresh.observed_generation() = generation;
    if before.as_ref() == Some(&fresh) {
        return Ok(false);
    }
    let seen = before.and_then(|mut before| before.observed_generation().take());
    if trouble.is_none() && seen == generation && only_waits(&old, &mut fresh) && context.guards.leave(kind, key) {
        return Ok(false);
    }
    let told = events::of(&old, fresh.conditions().as_deref().unwrap_or_default());
    *object.status_mut() = Some(fresh);
    let api: Api<K> = Api::namespaced(context.client.clone(), &key.namespace);
    let written = api.replace_status(&key.name, &PostParams::default(), &object).await?;
    context.wrote(kind, key, version_of(&written));
    events::publish(context, &written.object_ref(&()), told).await;
    Ok(true)
}

/// What guards have yet to confirm, in the words of the conditions.
const WAITS: [&str; 3] = ["Waiting", "NoGuard", "Serving"];

/// Whether an object that was ready is so still, for all but the guards' word.
fn only_waits<S: Status>(old: &[Condition], fresh: &mut S) -> bool {
    let ready = |all: &[Condition]| all.iter().find(|said| said.type_ == "Ready").cloned();
    let fresh = fresh.conditions().as_deref().and_then(ready);
    let was = ready(old).is_some_and(|said| said.status == "True");
    was && fresh.is_some_and(|said| WAITS.contains(&said.reason.as_str()))
}

/// Conditions as they are to be written.
fn settle(
    old: &[Condition],
    mut fresh: Vec<Condition>,
    trouble: Option<&Trouble>,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    if let Some(trouble) = trouble {
        let kind = if trouble.class == Class::Stalled { "Stalled" } else { "Reconciling" };
        fresh.push(condition(kind, true, trouble.reason, &trouble.message, now));
    }
    for condition in &mut fresh {
        condition.observed_generation = generation;
        condition.last_transition_time = Time(whole(condition.last_transition_time.0));
        let before = old.iter().find(|o| o.type_ == condition.type_ && o.status == condition.status);
        if let Some(before) = before {
            condition.last_transition_time.clone_from(&before.last_transition_time);
        }
    }
    fresh
}

fn condition(kind: &str, holds: bool, reason: &str, message: &str, now: Timestamp) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: if holds { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message: message.chars().take(1024).collect(),
        last_transition_time: Time(now),
        observed_generation: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_transition_keeps_its_time_until_the_status_changes() {
        let ready = |holds, reason: &str, second| condition("Ready", holds, reason, "", at(second));
        let old = [ready(false, "Pending", 10)];
        let still = settle(&old, vec![ready(false, "Expired", 50)], None, Some(2), at(50));
        assert_eq!((still[0].last_transition_time.0, still[0].reason.as_str()), (at(10), "Expired"));
        assert_eq!(still[0].observed_generation, Some(2));
        let turned = settle(&old, vec![ready(true, "Serving", 50)], None, Some(2), at(50));
        assert_eq!(turned[0].last_transition_time.0, at(50));
    }

    #[test]
    fn trouble_shows_while_it_lasts_and_says_who_must_act() {
        let now = at(1);
        let with = |trouble: Option<Trouble>| {
            let all = settle(&[], Vec::new(), trouble.as_ref(), None, now);
            all.into_iter().map(|c| format!("{}={} {}", c.type_, c.status, c.reason)).collect::<Vec<_>>()
        };
        assert_eq!(with(Some(Trouble::stalled("SecretNotOurs", "x"))), ["Stalled=True SecretNotOurs"]);
        assert_eq!(with(Some(Trouble::waiting("RoutePending", "x"))), ["Reconciling=True RoutePending"]);
        assert_eq!(with(Some(Trouble::retry("Conflict", "x"))), ["Reconciling=True Conflict"]);
        assert!(with(None).is_empty());
    }
}

//! Kubernetes Events: one for each change of how an object stands. They are for people who look now; nothing depends
//! on them, and a failure to write one is no failure.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::events::{Event, EventType};

use super::context::Context;

/// Longest note that the API takes, in bytes.
const LONGEST: usize = 1024;

/// The events that a change of conditions is worth: of `Ready`, `Stalled` and `Archived`.
#[must_use]
pub fn of(old: &[Condition], new: &[Condition]) -> Vec<Event> {
    let watched = new.iter().filter(|condition| matches!(condition.type_.as_str(), "Ready" | "Stalled" | "Archived"));
    let news = watched.filter(|new| {
        let before = old.iter().find(|old| old.type_ == new.type_);
        before.is_none_or(|old| old.status != new.status || old.reason != new.reason)
    });
    news.map(|condition| {
        let well = condition.type_ != "Stalled" && condition.status == "True";
        let waits =
            matches!(condition.reason.as_str(), "Pending" | "Waiting" | "NoGrant" | "NotYetValid" | "Enforcing");
        event(well || waits, &condition.reason, &condition.message)
    })
    .collect()
}

/// One event.
#[must_use]
pub fn event(normal: bool, reason: &str, note: &str) -> Event {
    let mut end = note.len().min(LONGEST);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    Event {
        type_: if normal { EventType::Normal } else { EventType::Warning },
        reason: reason.to_owned(),
        note: note.get(..end).filter(|note| !note.is_empty()).map(str::to_owned),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

/// Writes events about an object.
pub async fn publish(context: &Context, about: &ObjectReference, events: Vec<Event>) {
    for event in events {
        if let Err(error) = context.events.publish(&event, about).await {
            tracing::debug!("an event was not written: {error}");
        }
    }
}

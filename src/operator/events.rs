//! Kubernetes Events: one for each change of how an object stands. They are for people who look now; nothing depends
//! on them, and a failure to write one is no failure. What is said again soon is counted, not written again; only so
//! much of what was said is remembered.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event as Written;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime, ObjectMeta};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use parking_lot::Mutex;
use serde_json::json;

use super::context::Context;
use crate::clock::{Clock, apart};

/// Longest note that the API takes, in bytes.
const LONGEST: usize = 1024;
/// As much of an object's name as begins its events' names.
const PREFIX: usize = 200;
/// What is said again within this time is counted.
const SOON: SignedDuration = SignedDuration::from_mins(6);
/// Events that are remembered for that.
const REMEMBERED: usize = 4096;
/// Who says it.
const REPORTER: &str = "datashare-operator";

/// What is to be said about an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    normal: bool,
    reason: String,
    note: Option<String>,
}

/// The events that a change of conditions is worth: of `Ready`, `Stalled` and `Archived`.
#[must_use]
pub fn of(old: &[Condition], new: &[Condition]) -> Vec<Event> {
    let watched = new.iter().filter(|condition| matches!(condition.type_.as_str(), "Ready" | "Stalled" | "Archived"));
    let news = watched.filter(|new| {
        let before = old.iter().find(|old| old.type_ == new.type_);
        before.is_none_or(|old| old.status != new.status || old.reason != new.reason)
    });
    // what is on its way tells of itself when it is there
    let news = news.filter(|condition| !matches!(condition.reason.as_str(), "Waiting" | "NoGrant" | "Enforcing"));
    news.map(|condition| {
        let well = condition.type_ != "Stalled" && condition.status == "True";
        let waits = matches!(condition.reason.as_str(), "Pending" | "NotYetValid");
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
        normal,
        reason: reason.to_owned(),
        note: note.get(..end).filter(|note| !note.is_empty()).map(str::to_owned),
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

/// Writes events, and knows the last of them.
pub struct Publisher {
    client: Client,
    clock: Clock,
    /// This process.
    instance: String,
    recent: Mutex<Recent>,
    /// How many were written: two of one moment have names of their own.
    written: AtomicI64,
}

/// An object, by UID where it has one, and what was said of it.
type Said = (String, Event);

#[derive(Default)]
struct Recent {
    by: HashMap<Said, Spoken>,
    /// Oldest first.
    order: VecDeque<Said>,
}

/// An event that was written.
#[derive(Clone, Debug)]
struct Spoken {
    name: String,
    at: Timestamp,
    count: i32,
}

impl Recent {
    /// The event that said the same a short while ago, counted once more.
    fn again(&mut self, said: &Said, now: Timestamp) -> Option<Spoken> {
        let spoken = self.by.get_mut(said).filter(|spoken| apart(now, spoken.at) < SOON)?;
        (spoken.at, spoken.count) = (now, spoken.count.saturating_add(1));
        Some(spoken.clone())
    }

    fn remember(&mut self, said: Said, name: String, now: Timestamp) {
        if self.by.insert(said.clone(), Spoken { name, at: now, count: 1 }).is_none() {
            self.order.push_back(said);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.by.remove(&oldest);
            }
        }
    }
}

impl Publisher {
    #[must_use]
    pub fn new(client: Client, clock: Clock, instance: String) -> Self {
        Self { client, clock, instance, recent: Mutex::default(), written: AtomicI64::new(0) }
    }

    async fn publish(&self, event: &Event, about: &ObjectReference) -> Result<(), kube::Error> {
        let now = self.clock.now();
        let api: Api<Written> = Api::namespaced(self.client.clone(), about.namespace.as_deref().unwrap_or("default"));
        let object = about.uid.clone().unwrap_or_else(|| format!("{:?}/{:?}", about.kind, about.name));
        let said = (object, event.clone());
        let again = self.recent.lock().again(&said, now);
        if let Some(Spoken { name, count, .. }) = again {
            let series = json!({"series": {"count": count, "lastObservedTime": MicroTime(now)}});
            match api.patch(&name, &PatchParams::default(), &Patch::Merge(series)).await {
                // its time was over
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                other => return other.map(|_| ()),
            }
        }
        let written = self.written(event, about, now);
        let name = written.metadata.name.clone().unwrap_or_default();
        api.create(&PostParams::default(), &written).await?;
        self.recent.lock().remember(said, name, now);
        Ok(())
    }

    fn written(&self, event: &Event, about: &ObjectReference, now: Timestamp) -> Written {
        let name: String = about.name.as_deref().unwrap_or(REPORTER).chars().take(PREFIX).collect();
        let moment = now.as_nanosecond() + i128::from(self.written.fetch_add(1, Ordering::Relaxed));
        Written {
            metadata: ObjectMeta {
                namespace: about.namespace.clone(),
                name: Some(format!("{}.{:x}", name.trim_end_matches(['.', '-']), moment)),
                ..ObjectMeta::default()
            },
            action: Some("Reconcile".to_owned()),
            event_time: Some(MicroTime(now)),
            note: event.note.clone(),
            reason: Some(event.reason.clone()),
            regarding: Some(about.clone()),
            reporting_controller: Some(REPORTER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(if event.normal { "Normal" } else { "Warning" }.to_owned()),
            ..Written::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_soon_is_counted_and_only_so_much_is_remembered() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let said = |object: usize| (object.to_string(), event(true, "Serving", "it serves"));
        let mut recent = Recent::default();
        assert!(recent.again(&said(0), at(0)).is_none());
        recent.remember(said(0), "first".to_owned(), at(0));
        let again = recent.again(&said(0), at(300)).unwrap();
        assert_eq!((again.name.as_str(), again.count), ("first", 2));
        assert_eq!(recent.again(&said(0), at(600)).unwrap().count, 3, "soon after the last time");
        assert!(recent.again(&said(0), at(960)).is_none(), "long after it");
        recent.remember(said(0), "second".to_owned(), at(960));
        for object in 0..2 * REMEMBERED {
            recent.remember(said(object), object.to_string(), at(1000));
        }
        assert_eq!((recent.by.len(), recent.order.len()), (REMEMBERED, REMEMBERED));
        assert!(recent.again(&said(0), at(1001)).is_none());
    }

    #[test]
    fn a_note_is_cut_between_letters() {
        let long = "据".repeat(LONGEST);
        let note = event(false, "Refused", &long).note.unwrap();
        assert!(note.len() <= LONGEST && long.starts_with(&note));
    }
}

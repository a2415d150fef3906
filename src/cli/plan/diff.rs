//! Two judged directories side by side.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::access::{self, Access, FieldWords, Subject};
use crate::api::v1alpha1::{Kind, RevocationSpec};
use crate::cli::world::World;
use crate::judge::facts::Key;
use crate::judge::index::Standing;
use crate::source::object::Spec;

/// All that differs.
pub(super) struct Diff {
    pub changes: Vec<Change>,
    pub not_serving: Vec<NotServing>,
    pub revocations: Vec<RevocationChange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Effect {
    Gains,
    Loses,
    Changes,
}

/// One subject whose access differs.
pub(super) struct Change {
    pub effect: Effect,
    pub subject: Subject,
    pub title: String,
    pub unit: String,
    pub gained: Vec<FieldWords>,
    pub lost: Vec<FieldWords>,
    pub differences: Vec<Difference>,
    pub before: Option<Access>,
    pub after: Option<Access>,
    /// Why access ends: reason and message.
    pub ending: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    pub what: &'static str,
    pub from: String,
    pub to: String,
}

/// A grant that does not serve, for a reason it did not have before.
#[derive(Serialize)]
pub(super) struct NotServing {
    pub grant: String,
    pub serial: String,
    pub before: String,
    pub after: String,
    pub message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RevocationChange {
    pub change: &'static str,
    pub namespace: String,
    pub name: String,
    pub target: String,
    pub clause: String,
    pub reason: String,
    pub decided_by: String,
}

impl Diff {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.not_serving.is_empty() && self.revocations.is_empty()
    }
}

pub(super) fn diff(old: &World, new: &World, now: Timestamp) -> Diff {
    let (before, after) = (access::of(old, now), access::of(new, now));
    let subjects: BTreeSet<&Subject> = before.keys().chain(after.keys()).collect();
    let changes = subjects.into_iter().filter_map(|subject| {
        let (was, is) = (before.get(subject), after.get(subject));
        (was != is).then(|| change(old, new, now, subject, was, is))
    });
    let changes: Vec<Change> = changes.collect();
    Diff { not_serving: not_serving(old, new, now, &changes), changes, revocations: revocations(old, new) }
}

fn change(
    old: &World,
    new: &World,
    now: Timestamp,
    subject: &Subject,
    was: Option<&Access>,
    is: Option<&Access>,
) -> Change {
    let none = BTreeSet::new();
    let (had, has) = (was.map_or(&none, |a| &a.fields), is.map_or(&none, |a| &a.fields));
    let effect = match (was, is) {
        (None, _) => Effect::Gains,
        (_, None) => Effect::Loses,
        _ => Effect::Changes,
    };
    let world = if is.is_some() { new } else { old };
    let resource = world.index.resource(&subject.resource);
    let any = was.or(is).and_then(|access| access.grants.first()).cloned().unwrap_or_default();
    let key = Key::new(subject.resource.namespace.clone(), any.as_str());
    let holder = if was.is_some() { old } else { new };
    let request = holder.index.grant(&key).and_then(|grant| holder.index.request(&grant.request));
    Change {
        effect,
        subject: subject.clone(),
        title: resource.map(|resource| resource.spec.title.clone()).unwrap_or_default(),
        unit: request.map(|request| request.unit.name.to_string()).unwrap_or_default(),
        gained: has.difference(had).map(|name| access::field(new, &subject.resource, name)).collect(),
        lost: had.difference(has).map(|name| access::field(old, &subject.resource, name)).collect(),
        differences: was.zip(is).map(|(was, is)| differences(was, is, new)).unwrap_or_default(),
        before: was.cloned(),
        after: is.cloned(),
        ending: is.is_none().then(|| ending(new, &key, now)),
    }
}

/// Why a grant that served serves no longer.
fn ending(new: &World, grant: &Key, now: Timestamp) -> (String, String) {
    match new.index.standing(grant, now) {
        Some(Standing::Refused(finding)) => (finding.reason.as_str().to_owned(), finding.message),
        Some(Standing::Serves) => ("Moved".into(), "the grant serves another system now".into()),
        None => {
            ("GrantMissing".into(), "the grant is gone; it serves again when exactly what was signed is back".into())
        }
    }
}

fn differences(was: &Access, is: &Access, new: &World) -> Vec<Difference> {
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let users = |users: &Option<BTreeSet<String>>| users.as_ref().map_or_else(|| "any the system names".into(), &list);
    let quota = |quota: &Option<String>| quota.clone().unwrap_or_else(|| "unlimited".into());
    let day = |time: Timestamp| super::words::moment(time, &new.settings.time_zone);
    let requires = |names: &[&str]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let pairs = [
        ("until", day(was.until), day(is.until)),
        ("operations", list(&was.operations), list(&is.operations)),
        ("users", users(&was.users), users(&is.users)),
        ("requires", requires(&was.requires), requires(&is.requires)),
        ("quota", quota(&was.quota), quota(&is.quota)),
        ("purpose", was.purpose.clone(), is.purpose.clone()),
        ("serial", was.serials.join(", "), is.serials.join(", ")),
        ("approved by", was.approved_by.join(", "), is.approved_by.join(", ")),
    ];
    let differ = pairs.into_iter().filter(|(_, from, to)| from != to);
    differ.map(|(what, from, to)| Difference { what, from, to }).collect()
}

/// Grants that do not serve now and of which no change tells.
fn not_serving(old: &World, new: &World, now: Timestamp, changes: &[Change]) -> Vec<NotServing> {
    let told: BTreeSet<Key> = changes
        .iter()
        .filter(|change| change.after.is_none())
        .flat_map(|c| c.before.iter().flat_map(|a| &a.grants).map(|name| (c.subject.resource.namespace.clone(), name)))
        .map(|(namespace, name)| Key::new(namespace, name.as_str()))
        .collect();
    let word = |standing: Option<&Standing>| match standing {
        None => "absent".to_owned(),
        Some(Standing::Serves) => "serves".to_owned(),
        Some(Standing::Refused(finding)) => finding.reason.as_str().to_owned(),
    };
    let mut all: BTreeMap<Key, NotServing> = BTreeMap::new();
    for grant in new.index.grants().filter(|grant| !told.contains(&grant.key)) {
        let was = old.index.standing(&grant.key, now);
        let Some(Standing::Refused(finding)) = new.index.standing(&grant.key, now) else { continue };
        let (before, after) = (word(was.as_ref()), finding.reason.as_str().to_owned());
        if before != after {
            let (serial, message) = (grant.serial.to_string(), finding.message);
            let told = NotServing { grant: grant.key.to_string(), serial, before, after, message };
            all.insert(grant.key.clone(), told);
        }
    }
    all.into_values().collect()
}

fn revocations(old: &World, new: &World) -> Vec<RevocationChange> {
    let of = |world: &World| -> Vec<(String, String, RevocationSpec)> {
        let all = world.objects.iter().filter(|(key, _)| key.kind() == Kind::Revocation).flat_map(|(_, all)| all);
        let read = all.filter_map(|(object, _)| match &object.spec {
            Spec::Revocation(spec) => Some((object.namespace.clone(), object.name.clone(), (**spec).clone())),
            _ => None,
        });
        // a receipt changes nothing about what is closed
        read.map(|(namespace, name, spec)| (namespace, name, RevocationSpec { receipt: None, ..spec })).collect()
    };
    let (was, is) = (of(old), of(new));
    let added = is.iter().filter(|one| !was.contains(one)).map(|one| told("Added", one));
    let removed = was.iter().filter(|one| !is.contains(one)).map(|one| told("Removed", one));
    added.chain(removed).collect()
}

fn told(change: &'static str, (namespace, name, spec): &(String, String, RevocationSpec)) -> RevocationChange {
    let target = &spec.target;
    let grant = target.grant.as_ref().map(|grant| format!("grant {}", grant.serial));
    let unit = target.unit.as_ref().map(|unit| format!("unit {}", unit.code));
    let system = target.system.as_ref().map(|system| format!("system {}/{}", system.unit_code, system.name));
    let person = target.person.as_ref().map(|person| match &person.unit_code {
        Some(code) => format!("person {} in unit {code}", person.id),
        None => format!("person {}", person.id),
    });
    let mut target = grant.or(unit).or(system).or(person).unwrap_or_default();
    if let Some(resources) = &spec.resources {
        target = format!("{target}, on {} only", resources.join(", "));
    }
    let clause = serde_json::to_value(spec.clause).ok().and_then(|v| v.as_str().map(str::to_owned));
    RevocationChange {
        change,
        namespace: namespace.clone(),
        name: name.clone(),
        target,
        clause: clause.unwrap_or_default(),
        reason: spec.reason.clone(),
        decided_by: spec.decided_by.clone(),
    }
}

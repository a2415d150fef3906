//! Who may see what at one moment: for each resource, unit and system the grants that serve, together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::api::v1alpha1::shared_resource::Class;
use crate::cli::world::World;
use crate::judge::facts::{Grant, Key, Request};
use crate::judge::index::Standing;
use crate::source::object::{ObjectKey, Spec};

/// Who uses what: grants of one subject replace each other, so they are looked at together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub resource: Key,
    pub unit: Arc<str>,
    pub system: Arc<str>,
}

/// What a subject may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Access {
    /// Names of the grants that serve.
    pub grants: Vec<String>,
    pub serials: Vec<String>,
    pub fields: BTreeSet<String>,
    pub operations: BTreeSet<String>,
    /// `None`: any user the system names.
    pub users: Option<BTreeSet<String>>,
    /// What each call must name.
    pub requires: Vec<&'static str>,
    pub quota: Option<String>,
    pub until: Timestamp,
    pub purpose: String,
    pub approved_by: Vec<String>,
}

/// A field as people know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct FieldWords {
    pub name: String,
    pub title: String,
    pub class: String,
    #[serde(skip)]
    pub sensitive: bool,
}

/// Every subject that is served.
pub(super) fn of(world: &World, now: Timestamp) -> BTreeMap<Subject, Access> {
    let mut all: BTreeMap<Subject, Access> = BTreeMap::new();
    let mut grants: Vec<_> = world.index.grants().collect();
    grants.sort_by(|a, b| a.key.cmp(&b.key));
    for grant in grants {
        if world.index.standing(&grant.key, now) != Some(Standing::Serves) {
            continue;
        }
        let Some(request) = world.index.request(&grant.request) else { continue };
        let one = access(world, grant, now);
        match all.entry(subject(grant, request)) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(one);
            }
            std::collections::btree_map::Entry::Occupied(mut slot) => slot.get_mut().join(one),
        }
    }
    all
}

pub(super) fn subject(grant: &Grant, request: &Request) -> Subject {
    Subject {
        resource: Key::new(grant.key.namespace.clone(), grant.resource.clone()),
        unit: request.unit.code.clone(),
        system: request.system.clone(),
    }
}

fn access(world: &World, grant: &Grant, now: Timestamp) -> Access {
    let texts = |names: &[Arc<str>]| names.iter().map(ToString::to_string).collect();
    let served = world.index.served(&grant.key);
    let requires = served.map(|served| served.requires).unwrap_or_default();
    let named = [(requires.user, "user"), (requires.case, "case"), (requires.consent, "consent")];
    let counted = world.index.approvals(&grant.key, now).unwrap_or_default();
    Access {
        grants: vec![grant.key.name.to_string()],
        serials: vec![grant.serial.to_string()],
        fields: texts(&grant.fields),
        operations: texts(&grant.operations),
        users: grant.users.as_deref().map(texts),
        requires: named.into_iter().filter(|(asked, _)| *asked).map(|(_, name)| name).collect(),
        quota: quota(grant),
        until: grant.not_after,
        purpose: purpose(world, &grant.request),
        approved_by: counted.valid.iter().map(|(role, principal)| format!("{principal} ({role})")).collect(),
    }
}

impl Access {
    /// Two grants for one subject allow what either allows.
    fn join(&mut self, other: Self) {
        self.grants.extend(other.grants);
        self.serials.extend(other.serials);
        self.fields.extend(other.fields);
        self.operations.extend(other.operations);
        self.users = self.users.take().zip(other.users).map(|(a, b)| a.into_iter().chain(b).collect());
        self.requires.retain(|name| other.requires.contains(name));
        if self.quota != other.quota {
            let both = [self.quota.take(), other.quota].map(|quota| quota.unwrap_or_else(|| "unlimited".into()));
            self.quota = Some(both.join(" and "));
        }
        if other.until > self.until {
            self.until = other.until;
            self.purpose = other.purpose;
        }
        for who in other.approved_by {
            if !self.approved_by.contains(&who) {
                self.approved_by.push(who);
            }
        }
    }
}

fn quota(grant: &Grant) -> Option<String> {
    let second = grant.quota.per_second.map(|n| format!("{n} a second"));
    let day = grant.quota.per_day.map(|n| format!("{n} a day"));
    let parts: Vec<String> = second.into_iter().chain(day).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn purpose(world: &World, request: &Key) -> String {
    let key = ObjectKey::new(crate::api::v1alpha1::Kind::DataShareRequest, &request.namespace, &request.name);
    let object = world.objects.get(&key).and_then(|all| all.first());
    match object.map(|(object, _)| &object.spec) {
        Some(Spec::DataShareRequest(spec)) => spec.purpose.clone(),
        _ => String::new(),
    }
}

/// A field's title and class in the catalogue.
pub(super) fn field(world: &World, resource: &Key, name: &str) -> FieldWords {
    let found = world.index.resource(resource).and_then(|resource| resource.field(name));
    FieldWords {
        name: name.to_owned(),
        title: found.map(|field| field.title.clone()).unwrap_or_default(),
        class: found.map(|field| format!("{:?}", field.class)).unwrap_or_default(),
        sensitive: found.is_some_and(|field| Class::needs_consent(field.class)),
    }
}

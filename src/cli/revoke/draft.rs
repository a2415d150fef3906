//! From arguments to the object that is written.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{RevokeArgs, RevokeError};
use crate::api::v1alpha1::common::Document;
use crate::api::v1alpha1::revocation::{
    Clause, GrantTarget, PersonTarget, Recall, RecallWhat, SystemTarget, Target, UnitTarget,
};
use crate::api::v1alpha1::{API_VERSION, Kind, RevocationSpec};
use crate::cli::world::World;
use crate::settings::DEFAULT_TIME_ZONE;
use crate::source::object::ObjectKey;
use crate::source::yaml::{self, EmitError};

pub(super) const CLAUSES: [(&str, Clause); 6] = [
    ("4.3.1", Clause::StaffMisuse),
    ("4.3.2", Clause::UnitMisuse),
    ("B6", Clause::B6),
    ("B7", Clause::B7),
    ("End", Clause::End),
    ("Leak", Clause::Leak),
];
pub(super) const RECALLS: [(&str, RecallWhat); 3] =
    [("Return", RecallWhat::Return), ("Destroy", RecallWhat::Destroy), ("Handover", RecallWhat::Handover)];

/// A name is a DNS label; some of it is left for a number.
const MAX_STEM: usize = 56;
/// Names tried before the user must choose one.
const MAX_TRIES: u32 = 1_000;

/// The Revocation before it is written.
pub(super) struct Draft {
    pub namespace: String,
    pub name: String,
    pub spec: RevocationSpec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
    spec: &'a RevocationSpec,
}

#[derive(Serialize)]
struct Metadata<'a> {
    namespace: &'a str,
    name: &'a str,
}

pub(super) fn system(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((code, name)) if !code.is_empty() && !name.is_empty() => Ok((code.to_owned(), name.to_owned())),
        _ => Err("name the system as CODE/NAME, with the code of its unit".into()),
    }
}

impl Draft {
    pub(super) fn new(args: &RevokeArgs, world: Option<&World>, now: Timestamp) -> Result<Self, RevokeError> {
        let namespace = match &args.namespace {
            Some(namespace) => namespace.clone(),
            None => only_provider(world)?,
        };
        let zone = world.map_or_else(
            || TimeZone::get(DEFAULT_TIME_ZONE).unwrap_or(TimeZone::UTC),
            |world| world.settings.time_zone.clone(),
        );
        let now = now.to_zoned(zone);
        let given = |list: &[(&str, Clause)]| list.iter().find(|(word, _)| *word == args.clause).map(|(_, c)| *c);
        let what = args.recall_what.as_ref();
        let what = RECALLS.iter().find(|(word, _)| Some(*word) == what.map(String::as_str)).map(|(_, what)| *what);
        let spec = RevocationSpec {
            target: target(args),
            resources: Some(args.resources.clone()).filter(|names| !names.is_empty()),
            clause: given(&CLAUSES).unwrap_or(Clause::End),
            reason: args.reason.clone(),
            decided_by: args.decided_by.clone(),
            decided_at: args.decided_at.clone().unwrap_or_else(|| now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()),
            evidence: args
                .evidence
                .clone()
                .zip(args.evidence_sha256.clone())
                .map(|(uri, sha256)| Document { uri, sha256 }),
            recall: args.recall_due.clone().zip(what).map(|(due, what)| Recall { due, what }),
            receipt: None,
        };
        let day = now.strftime("%Y%m%d");
        let free = || free_name(&namespace, &format!("{}-{day}", stem(args, world, &namespace)), world);
        let name = args.name.clone().unwrap_or_else(free);
        Ok(Self { namespace, name, spec })
    }

    pub(super) fn yaml(&self) -> Result<String, EmitError> {
        yaml::emit(&Written {
            api_version: API_VERSION,
            kind: Kind::Revocation.name(),
            metadata: Metadata { namespace: &self.namespace, name: &self.name },
            spec: &self.spec,
        })
    }
}

fn target(args: &RevokeArgs) -> Target {
    let person = args.person.as_deref().map(|text| {
        // a code with a slip is refused as one: taken for a part of the id, it would bar nobody
        let code = |text: &str| {
            let capitals = text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
            text.len() >= 8 && capitals || text.len() == 18 && text.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        match text.rsplit_once('@') {
            // an id may hold an @ of its own, such as a mail address
            Some((id, unit)) if code(unit) => PersonTarget { id: id.to_owned(), unit_code: Some(unit.to_owned()) },
            _ => PersonTarget { id: text.to_owned(), unit_code: None },
        }
    });
    Target {
        grant: args.grant.clone().map(|serial| GrantTarget { serial }),
        unit: args.unit.clone().map(|code| UnitTarget { code }),
        person,
        system: args.system.clone().map(|(unit_code, name)| SystemTarget { unit_code, name }),
    }
}

/// The namespace that holds resources, when there is just one.
fn only_provider(world: Option<&World>) -> Result<String, RevokeError> {
    let keys = world.into_iter().flat_map(|world| world.objects.keys());
    let mut providers: Vec<&str> = keys
        .filter(|key| matches!(key.kind(), Kind::SharedResource | Kind::AccessGrant))
        .map(ObjectKey::namespace)
        .collect();
    providers.sort_unstable();
    providers.dedup();
    match providers.as_slice() {
        [only] => Ok((*only).to_owned()),
        [] => Err(RevokeError::Namespace(String::new())),
        several => Err(RevokeError::Namespace(format!(": one of {}", several.join(", ")))),
    }
}

/// What the name says: the kind of target and whom it is about.
fn stem(args: &RevokeArgs, world: Option<&World>, namespace: &str) -> String {
    if let Some(serial) = &args.grant {
        let mut grants = world.into_iter().flat_map(|world| world.index.grants());
        let own = grants.find(|g| *g.key.namespace == *namespace && *g.serial == **serial);
        return format!("grant-{}", slug(own.map_or(serial, |grant| &grant.key.name)));
    }
    if let Some(code) = &args.unit {
        return format!("unit-{}", slug(code));
    }
    if let Some((code, name)) = &args.system {
        return format!("system-{}", slug(&format!("{code}-{name}")));
    }
    format!("person-{}", slug(args.person.as_deref().unwrap_or_default()))
}

/// Lowercase letters, digits and `-`; where anything else was left out, a short hash keeps names apart.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars().map(|letter| letter.to_ascii_lowercase()) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(30);
    let mut slug = slug.trim_matches('-').to_owned();
    if slug != text.to_ascii_lowercase() {
        let hash = Sha256::digest(text.as_bytes());
        let short = format!("{hash:x}").chars().take(6).collect::<String>();
        slug = if slug.is_empty() { short } else { format!("{slug}-{short}") };
    }
    slug
}

fn free_name(namespace: &str, stem: &str, world: Option<&World>) -> String {
    let stem = stem.get(..MAX_STEM).unwrap_or(stem).trim_end_matches('-');
    let taken = |name: &str| {
        world.is_some_and(|world| {
            world.objects.contains_key(&ObjectKey::new(Kind::Revocation, namespace, name))
                || world.root.join(format!("revocations/{name}.yaml")).exists()
        })
    };
    if !taken(stem) {
        return stem.to_owned();
    }
    let numbered = (2..MAX_TRIES).map(|number| format!("{stem}-{number}"));
    numbered.into_iter().find(|name| !taken(name)).unwrap_or_else(|| stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_labels_and_keep_names_apart() {
        assert_eq!(slug("deed-tax"), "deed-tax");
        assert_eq!(slug("11370100MB28523456"), "11370100mb28523456");
        let (a, b) = (slug("济登共享〔2026〕12号"), slug("济登共享〔2026〕13号"));
        assert!(a.starts_with("2026-12-") && a != b, "{a} {b}");
        assert_eq!(slug("号").len(), 6);
    }
}

//! The objects of one kind: tells those that came or changed in what counts, and those that went. Writing
//! status, managed fields and the like changes nothing. An object that breaks its kind's rules is absent,
//! and it is said why.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::stream::Told;
use super::tokens;
use super::written::{Metadata, Written};
use crate::api::v1alpha1::Kind;
use crate::judge::facts::Key;
use crate::judge::index::Issued;
use crate::source::change::{Place, SourceChange};
use crate::source::directory::first_eight;
use crate::source::object::{Object, ObjectKey};
use crate::source::typed;

/// What kubectl remembers of the whole object, in the object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What was told of one kind.
#[derive(Debug)]
pub struct Objects {
    kind: Kind,
    /// By `namespace/name`.
    known: HashMap<String, Known>,
    /// Number of the list, to tell which objects it had.
    round: u32,
}

#[derive(Debug)]
struct Known {
    round: u32,
    /// Of what was written, status left out.
    fingerprint: u64,
    /// Of the hashes of its tokens; 0 for none.
    tokens: u64,
    /// It breaks no rule, so it was told.
    is_there: bool,
}

impl Objects {
    pub fn new(kind: Kind) -> Self {
        Self { kind, known: HashMap::new(), round: 0 }
    }

    pub fn begin(&mut self) {
        self.round += 1;
    }

    pub fn put(&mut self, written: &Written, told: &mut Told) {
        let Metadata { namespace, name, labels, annotations, .. } = &written.metadata;
        let annotations: BTreeMap<String, String> =
            annotations.iter().flatten().filter(|(name, _)| *name != LAST_APPLIED).map(owned).collect();
        let labels = labels.clone().unwrap_or_default();
        let id = written.metadata.id();
        let fingerprint = fingerprint(&(&labels, &annotations, &written.spec));
        let before = self.known.remove(&id);
        let was_there = before.as_ref().is_some_and(|known| known.is_there);
        let read = match &before {
            Some(known) if known.fingerprint == fingerprint => None,
            _ => Some(typed::from_cluster(self.kind, &written.spec)),
        };
        let is_there = read.as_ref().map_or(was_there, Result::is_ok);
        let mut tokens = 0;
        if self.kind == Kind::AccessGrant {
            let (issued, faults) = if is_there { tokens::read(written) } else { (Vec::new(), Vec::new()) };
            tokens = if issued.is_empty() { 0 } else { fingerprint_of(&issued) };
            // whoever takes this in may know tokens that were told by another watch
            if before.as_ref().is_none_or(|known| known.tokens != tokens) {
                told.said.extend(faults.into_iter().map(|fault| format!("AccessGrant {id}: {fault}")));
                let key = Key::new(namespace.as_str(), name.as_str());
                told.changes.push(SourceChange::Credentials(key, issued));
            }
        }
        match read {
            Some(Ok(spec)) => {
                let (namespace, name) = (namespace.clone(), name.clone());
                let object = Object { namespace, name, labels, annotations, spec };
                told.changes.push(SourceChange::Put(Box::new(object), nowhere()));
            }
            Some(Err(faults)) => {
                told.said.extend(faults.into_iter().map(|fault| format!("{} {id}: {fault}", self.kind.name())));
                if was_there {
                    self.tell_gone(&id, told);
                }
            }
            None => {}
        }
        self.known.insert(id, Known { round: self.round, fingerprint, tokens, is_there });
    }

    pub fn gone(&mut self, id: &str, told: &mut Told) {
        let Some(known) = self.known.remove(id) else { return };
        if known.is_there {
            self.tell_gone(id, told);
        }
        if known.tokens != 0 {
            let (namespace, name) = halves(id);
            told.changes.push(SourceChange::Credentials(Key::new(namespace, name), Vec::new()));
        }
    }

    pub fn end(&mut self, told: &mut Told) {
        let gone: Vec<String> =
            self.known.iter().filter(|(_, known)| known.round != self.round).map(|(id, _)| id.clone()).collect();
        for id in gone {
            self.gone(&id, told);
        }
    }

    fn tell_gone(&self, id: &str, told: &mut Told) {
        let (namespace, name) = halves(id);
        told.changes.push(SourceChange::Gone(ObjectKey::new(self.kind, namespace, name), nowhere()));
    }
}

/// A cluster has one object of a name.
fn nowhere() -> Place {
    Place { file: "".into(), nth: 0 }
}

fn owned((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

fn halves(id: &str) -> (&str, &str) {
    id.split_once('/').unwrap_or(("", id))
}

fn fingerprint(written: &impl Serialize) -> u64 {
    // text, lists and maps with text for names always have a JSON form
    first_eight(Sha256::new().chain_update(serde_json::to_vec(written).unwrap_or_default()))
}

fn fingerprint_of(issued: &[Issued]) -> u64 {
    first_eight(Sha256::new().chain_update(format!("{issued:?}")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(value: Value) -> Written {
        serde_json::from_value(value).unwrap()
    }

    fn policy(version: u32, period: &str) -> Value {
        json!({
            "metadata": {"namespace": "a", "name": "p", "resourceVersion": version.to_string()},
            "spec": {"retention": {"period": period, "personal": "1096d"}},
        })
    }

    fn told(objects: &mut Objects, value: Value) -> Told {
        let mut told = Told::default();
        objects.put(&written(value), &mut told);
        told
    }

    #[test]
    fn what_does_not_count_tells_nothing() {
        let mut objects = Objects::new(Kind::AuditPolicy);
        assert_eq!(told(&mut objects, policy(1, "184d")).changes.len(), 1);
        let mut noisy = policy(2, "184d");
        noisy["status"] = json!({"streams": ["guard-0"]});
        noisy["metadata"]["managedFields"] = json!([{"manager": "m"}]);
        noisy["metadata"]["generation"] = json!(7);
        noisy["metadata"]["annotations"] = json!({LAST_APPLIED: "{}"});
        assert_eq!(told(&mut objects, noisy).changes, []);
        assert_eq!(told(&mut objects, policy(3, "200d")).changes.len(), 1);
    }

    #[test]
    fn an_object_that_breaks_a_rule_is_absent_until_it_is_mended() {
        let mut objects = Objects::new(Kind::AuditPolicy);
        told(&mut objects, policy(1, "184d"));
        let broken = told(&mut objects, policy(2, "1d"));
        assert!(matches!(broken.changes.as_slice(), [SourceChange::Gone(..)]), "{broken:?}");
        assert!(broken.said[0].contains("AuditPolicy a/p: spec.retention"), "{broken:?}");
        let again = told(&mut objects, policy(3, "1d"));
        assert!(again.changes.is_empty() && again.said.is_empty(), "{again:?}");
        assert!(matches!(told(&mut objects, policy(4, "184d")).changes.as_slice(), [SourceChange::Put(..)]));
        let wild = told(&mut objects, json!({"metadata": {"namespace": "a", "name": "q"}, "spec": [1, {"x": null}]}));
        assert!(wild.changes.is_empty() && !wild.said.is_empty(), "{wild:?}");
    }

    #[test]
    fn a_list_without_an_object_tells_that_it_went() {
        let mut objects = Objects::new(Kind::AuditPolicy);
        objects.begin();
        told(&mut objects, policy(1, "184d"));
        let mut end = Told::default();
        objects.end(&mut end);
        assert_eq!(end.changes, []);
        objects.begin();
        objects.end(&mut end);
        assert!(matches!(end.changes.as_slice(), [SourceChange::Gone(..)]), "{end:?}");
    }
}

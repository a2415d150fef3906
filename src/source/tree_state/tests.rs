//! Pure bookkeeping: what a look at some files means. No file is touched.

use super::*;
use crate::source::directory;
use crate::source::finding::FindingCode;

fn stamp(text: &str) -> Stamp {
    // any file's stamp will do: what counts is that it is one
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("x"), text).unwrap();
    Stamp::of(&std::fs::metadata(dir.path().join("x")).unwrap())
}

fn policy(name: &str, period: &str) -> String {
    format!(
        "apiVersion: datashare.dev/v1alpha1\nkind: AuditPolicy\nmetadata: {{namespace: jinan, name: {name}}}\nspec:\n  retention: {{period: {period}, personal: 1096d}}\n"
    )
}

fn revocation(name: &str) -> String {
    format!(
        "apiVersion: datashare.dev/v1alpha1\nkind: Revocation\nmetadata: {{namespace: jinan, name: {name}}}\nspec:\n  target: {{grant: {{serial: S1}}}}\n  clause: End\n  reason: over\n  decidedBy: x\n  decidedAt: \"2026-11-05T00:00:00+08:00\"\n"
    )
}

#[derive(Default)]
struct World {
    tree: TreeState,
    texts: std::collections::HashMap<String, String>,
}

impl World {
    fn set(&mut self, files: &[(&str, Option<String>)]) -> Vec<String> {
        let observe = |(path, text): &(&str, Option<String>)| {
            let content = text.as_ref().map(|text| {
                let load = directory::load_text(path, text);
                Content { stamp: stamp(text), documents: load.documents, findings: load.findings }
            });
            Observation { path: (*path).to_owned(), content }
        };
        for (path, text) in files {
            self.texts.insert((*path).to_owned(), text.clone().unwrap_or_default());
        }
        let texts = &self.texts;
        let fetch = |key: &ObjectKey, place: &Place| {
            let documents = directory::load_text("x", &texts[&*place.file]).documents;
            documents.into_iter().filter_map(|document| document.object).find(|object| object.key() == *key)
        };
        let batch = self.tree.apply(files.iter().map(observe).collect(), 1, &fetch);
        batch.changes.iter().map(told).collect()
    }
}

fn told(change: &SourceChange) -> String {
    match change {
        SourceChange::Put(object, place) => format!("+{}@{}#{}", object.name, place.file, place.nth),
        SourceChange::Gone(key, place) => format!("-{}@{}#{}", key.name(), place.file, place.nth),
        other => format!("{other:?}"),
    }
}

#[test]
fn tells_only_what_is_different() {
    let mut world = World::default();
    assert_eq!(world.set(&[("a.yaml", Some(policy("p", "184d")))]), ["+p@a.yaml#0"]);
    assert!(world.set(&[("a.yaml", Some(policy("p", "184d")))]).is_empty());
    assert!(world.set(&[("a.yaml", Some(format!("# note\n{}", policy("p", "184d"))))]).is_empty());
    assert_eq!(world.set(&[("a.yaml", Some(policy("p", "200d")))]), ["+p@a.yaml#0"]);
    let both = format!("{}---\n{}", policy("p", "200d"), policy("q", "184d"));
    assert_eq!(world.set(&[("a.yaml", Some(both.clone()))]), ["+q@a.yaml#0"]);
    assert_eq!(world.set(&[("a.yaml", Some("kind: [\n".into()))]), ["-p@a.yaml#0", "-q@a.yaml#0"]);
    assert_eq!(world.tree.findings().len(), 1);
    assert_eq!(world.set(&[("a.yaml", Some(both))]).len(), 2);
    assert!(world.tree.findings().is_empty());
    assert_eq!(world.set(&[("a.yaml", None)]), ["-p@a.yaml#0", "-q@a.yaml#0"]);
    assert_eq!((world.tree.files(), world.tree.holders.len()), (0, 0));
}

#[test]
fn duplicates_cancel_each_other_until_one_goes() {
    let mut world = World::default();
    world.set(&[("a.yaml", Some(policy("p", "184d")))]);
    assert_eq!(world.set(&[("b.yaml", Some(policy("p", "200d")))]), ["-p@a.yaml#0"]);
    let findings = world.tree.findings();
    let files: Vec<_> = findings.iter().map(|finding| (finding.file.as_str(), finding.line, finding.code)).collect();
    let duplicate = FindingCode::ObjectDuplicate;
    assert_eq!(files, [("a.yaml", 1, duplicate), ("b.yaml", 1, duplicate)]);
    assert!(findings[0].message.contains("b.yaml:1"), "{}", findings[0].message);
    assert!(world.set(&[("c.yaml", Some(policy("p", "184d")))]).is_empty());
    assert!(world.set(&[("c.yaml", None)]).is_empty());
    assert_eq!(world.set(&[("a.yaml", None)]), ["+p@b.yaml#0"], "the other one is read again");
    assert!(world.tree.findings().is_empty());
    let twice = format!("{}---\n{}", policy("q", "184d"), policy("q", "184d"));
    assert!(world.set(&[("d.yaml", Some(twice))]).is_empty());
    assert_eq!(world.set(&[("d.yaml", Some(policy("q", "184d")))]), ["+q@d.yaml#0"]);
}

#[test]
fn a_moved_object_never_is_absent() {
    let mut world = World::default();
    world.set(&[("a.yaml", Some(policy("p", "184d")))]);
    assert_eq!(world.set(&[("a.yaml", None), ("b.yaml", Some(policy("p", "184d")))]), ["+p@b.yaml#0"]);
    assert_eq!(world.set(&[("b.yaml", None), ("c.yaml", Some(policy("p", "200d")))]), ["+p@c.yaml#0"]);
}

#[test]
fn revocations_add_up_and_close_before_anything_opens() {
    let mut world = World::default();
    assert_eq!(world.set(&[("r.yaml", Some(revocation("r")))]), ["+r@r.yaml#0"]);
    assert_eq!(world.set(&[("s.yaml", Some(revocation("r")))]), ["+r@s.yaml#0"]);
    assert_eq!(world.tree.findings().len(), 2);
    assert_eq!(world.set(&[("r.yaml", None)]), ["-r@r.yaml#0"]);
    let moved = [("s.yaml", None), ("a.yaml", Some(policy("p", "184d"))), ("t.yaml", Some(revocation("r")))];
    assert_eq!(world.set(&moved), ["+r@t.yaml#0", "-r@s.yaml#0", "+p@a.yaml#0"]);
    assert!(world.set(&[("t.yaml", Some(revocation("r")))]).is_empty());
    let twice = format!("{}---\n{}", revocation("r"), revocation("r"));
    assert_eq!(world.set(&[("t.yaml", Some(twice))]), ["+r@t.yaml#1"]);
}

#[test]
fn storms_are_told_by_their_size() {
    let mut tree = TreeState::default();
    let many = (0..500).map(|number| {
        let path = format!("d/{number}.yaml");
        let load = directory::load_text(&path, &policy(&format!("p{number}"), "184d"));
        Observation {
            path,
            content: Some(Content { stamp: stamp("x"), documents: load.documents, findings: load.findings }),
        }
    });
    let batch = tree.apply(many.collect(), 7, &|_, _| None);
    assert_eq!((batch.changes.len(), batch.said.len()), (500, MAX_SAID + 1));
    assert_eq!(batch.said.last().unwrap(), "and 480 more");
    assert_eq!((tree.below("d").len(), tree.below("").len(), tree.below("d/1").len()), (500, 500, 0));
    assert_eq!((tree.not_met(7).len(), tree.not_met(8).len()), (0, 500));
}

#[test]
fn bookkeeping_stays_small() {
    assert!(size_of::<FileRecord>() <= 64, "{}", size_of::<FileRecord>());
    assert!(size_of::<(ObjectKey, Holders)>() <= 48, "{}", size_of::<(ObjectKey, Holders)>());
}

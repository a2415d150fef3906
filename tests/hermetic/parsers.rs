//! Every parser has a property test and a fuzz target. A file that reads text or bytes of others and is
//! not in this list fails here by its name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that reads, where its property stands, and its target below `tests/fuzz/targets`.
const PARSERS: [(&str, &str, &str); 57] = [
    ("src/api/v1alpha1/schedule.rs", "src/api/v1alpha1/schedule.rs", "syntax"),
    ("src/api/v1alpha1/validate/syntax.rs", "src/api/v1alpha1/validate/syntax.rs", "syntax"),
    ("src/approval/canonical.rs", "src/approval/canonical/tests.rs", "canonical"),
    ("src/approval/signers.rs", "src/approval/signers/tests.rs", "signers"),
    ("src/approval/signers/line.rs", "src/approval/signers/tests.rs", "signers"),
    ("src/approval/sshsig.rs", "src/approval/sshsig/tests.rs", "signature"),
    ("src/approval/sshsig/algorithms.rs", "src/approval/sshsig/tests.rs", "signature"),
    ("src/approval/sshsig/wire.rs", "src/approval/sshsig/tests.rs", "signature"),
    ("src/audit/archive/address.rs", "src/audit/archive/address.rs", "keeping"),
    ("src/guard/lease/witness.rs", "src/guard/lease/witness.rs", "evidence"),
    ("src/audit/checkpoint.rs", "src/audit/checkpoint.rs", "evidence"),
    ("src/audit/event.rs", "tests/hermetic/record/entries.rs", "record"),
    ("src/audit/inspection/sample.rs", "src/audit/inspection/sample.rs", "syntax"),
    ("src/audit/inventory.rs", "src/audit/inventory.rs", "keeping"),
    ("src/audit/journal.rs", "tests/hermetic/record/journal.rs", "frames"),
    ("src/audit/keys.rs", "src/audit/keys.rs", "evidence"),
    ("src/audit/lines.rs", "src/audit/lines.rs", "record"),
    ("src/audit/note.rs", "src/audit/note/tests.rs", "evidence"),
    ("src/audit/notice.rs", "src/audit/notice.rs", "evidence"),
    ("src/audit/note/key.rs", "src/audit/note/tests.rs", "evidence"),
    ("src/audit/proof.rs", "src/audit/proof.rs", "evidence"),
    ("src/audit/pruned.rs", "src/audit/pruned.rs", "evidence"),
    ("src/audit/recorded.rs", "tests/hermetic/record/entries.rs", "record"),
    ("src/audit/removed.rs", "src/audit/removed.rs", "keeping"),
    ("src/audit/scan.rs", "src/audit/scan.rs", "evidence"),
    ("src/audit/segment.rs", "src/audit/segment.rs", "record"),
    ("src/audit/upkeep/belief.rs", "src/audit/upkeep/belief.rs", "keeping"),
    ("src/audit/upkeep/holds.rs", "src/audit/upkeep/holds.rs", "keeping"),
    ("src/audit/usage.rs", "tests/hermetic/record/query.rs", "record"),
    ("src/audit/verify/seen.rs", "src/audit/verify/seen.rs", "evidence"),
    ("src/cli/approve/insert.rs", "src/cli/approve/insert.rs", "insert"),
    ("src/cli/audit/when.rs", "src/cli/audit/when.rs", "syntax"),
    ("src/cli/audit/cluster/caller.rs", "src/cli/audit/cluster/caller.rs", "inquiry"),
    ("src/cli/get/jsonpath.rs", "src/cli/get/jsonpath.rs", "jsonpath"),
    ("src/delivery/journal.rs", "src/delivery/journal/tests.rs", "journal"),
    ("src/delivery/secrets.rs", "src/delivery/secrets.rs", "secrets"),
    ("src/fields/path.rs", "src/fields/path/tests.rs", "field_path"),
    ("src/fields/projector.rs", "src/fields/projector/tests/oracle.rs", "projection"),
    ("src/fields/reader.rs", "src/fields/projector/tests/oracle.rs", "projection"),
    ("src/guard/headers.rs", "src/guard/headers/tests.rs", "headers"),
    ("src/guard/inquiry/identity.rs", "src/guard/inquiry/identity.rs", "inquiry"),
    ("src/guard/inquiry/wire.rs", "src/guard/inquiry/wire.rs", "inquiry"),
    ("src/guard/operation.rs", "src/guard/operation.rs", "request"),
    ("src/guard/source_address.rs", "src/guard/source_address.rs", "headers"),
    ("src/guard/target.rs", "src/guard/target.rs", "request"),
    ("src/guard/upstream/base.rs", "src/guard/upstream/base.rs", "syntax"),
    ("src/judge/status/inspected.rs", "src/judge/status/inspected.rs", "keeping"),
    ("src/judge/status/kept.rs", "src/judge/status/kept.rs", "keeping"),
    ("src/judge/status/used.rs", "src/judge/status/used.rs", "keeping"),
    ("src/settings.rs", "src/settings.rs", "settings"),
    ("src/source/cluster/written.rs", "src/source/cluster/written.rs", "watch"),
    ("src/source/settings_file.rs", "src/source/settings_file.rs", "settings"),
    ("src/source/typed.rs", "tests/hermetic/objects/hostile.rs", "object"),
    ("src/source/yaml.rs", "src/source/yaml/tests.rs", "yaml"),
    ("src/source/yaml/locate.rs", "src/source/yaml/tests.rs", "yaml"),
    ("src/source/yaml/read.rs", "src/source/yaml/tests.rs", "yaml"),
    ("src/source/yaml/split.rs", "src/source/yaml/tests.rs", "yaml"),
];

/// What a file says that reads what others wrote.
const READS: [&str; 9] = [
    "FromStr for ",
    "fn parse(",
    "serde_json::from_",
    "serde_path_to_error::deserialize",
    "deserialize_with",
    "impl<'de> Deserialize<'de> for ",
    "Parser::new_from_str",
    "STANDARD.decode",
    "::from_der(",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn every_file_that_reads_is_in_the_list() {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let mut missing = Vec::new();
    for file in files {
        let name = file.strip_prefix(root()).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let shipped = text.split("#[cfg(test)]").next().unwrap();
        let reads = READS.iter().find(|word| shipped.contains(**word));
        let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
        if let Some(word) = reads
            && !is_test
            && !PARSERS.iter().any(|(parser, ..)| *parser == name)
        {
            missing.push(format!("{name} says `{word}`: give it a property test and a fuzz target"));
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_parser_has_a_property_test_and_a_fuzz_target() {
    let manifest = fs::read_to_string(root().join("tests/fuzz/Cargo.toml")).unwrap();
    for (parser, property, target) in PARSERS {
        assert!(root().join(parser).is_file(), "{parser} is gone: take it out of the list");
        let property = fs::read_to_string(root().join(property)).expect(property);
        let tried = ["proptest! {", "TestRunner"].iter().any(|word| property.contains(word));
        assert!(tried, "the property of {parser} is gone");
        let path = format!("targets/{target}.rs");
        let text = fs::read_to_string(root().join("tests/fuzz").join(&path)).expect(&path);
        assert!(text.contains("fuzz_target!(") && text.contains("assert"), "{path} asserts nothing");
        assert!(manifest.contains(&format!("name = \"{target}\"\npath = \"{path}\"")), "{path} is not in Cargo.toml");
    }
}

#[test]
fn every_fuzz_target_is_some_parsers() {
    let mut files = Vec::new();
    rust_files(&root().join("tests/fuzz/targets"), &mut files);
    let targets: BTreeSet<_> = files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(targets, PARSERS.iter().map(|(.., target)| *target).collect());
    // a run begins with seeds; those of objects are objects
    for target in targets.iter().filter(|target| !["yaml", "object", "insert"].contains(*target)) {
        assert!(root().join("tests/fuzz/seeds").join(target).is_dir(), "{target} has no seeds");
    }
}

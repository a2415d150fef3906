//! Every way of tampering is found, and found where it was done.

use std::collections::BTreeMap;

use datashare::audit::verify::Finding;

use super::mutate::{Base, Mutation};
use super::{Dice, env, verified};

/// Whether a finding names the place.
pub fn names(finding: &Finding, mutation: &Mutation) -> bool {
    let file = finding.file.split_once('/').map_or("", |(_, file)| file);
    let in_entries = match (&mutation.entries, finding.entries) {
        (Some(touched), Some((from, to))) => from < touched.end && touched.start < to,
        _ => false,
    };
    let in_file = mutation.files.iter().any(|known| known == file)
        && match (&mutation.lines, finding.line) {
            (Some(lines), Some(line)) => lines.contains(&line),
            _ => true,
        };
    in_file || in_entries
}

#[test]
fn every_change_is_found_and_named() {
    let base = Base::new();
    assert_eq!(verified(&base.stream, std::slice::from_ref(&base.witness)).findings, []);
    let wanted = env("DATASHARE_MUTATIONS", 1500);
    let mut dice = Dice(7);
    let (mut done, mut kinds) = (0, BTreeMap::<&str, usize>::new());
    while done < wanted {
        let Some(mutation) = base.mutate(&mut dice) else { continue };
        done += 1;
        let witnesses = if mutation.needs_witness { std::slice::from_ref(&base.witness) } else { &[] };
        let verdict = verified(&mutation.stream, witnesses);
        let Some(first) = verdict.findings.first() else { panic!("not found: {}", mutation.what) };
        assert!(names(first, &mutation), "{}: said to be {first} {:?}", mutation.what, first.entries);
        *kinds.entry(first.kind.as_str()).or_default() += 1;
    }
    println!("{done} mutations: {kinds:?}");
    let all = ["changed", "removed", "inserted", "swapped", "truncated", "rolled back", "forged"];
    assert!(all.iter().all(|kind| kinds.contains_key(kind)), "{kinds:?}");
}

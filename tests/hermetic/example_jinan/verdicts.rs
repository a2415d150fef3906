//! What the judge says of each grant of the example.

use std::collections::BTreeMap;

use datashare::cli::world::World;
use datashare::judge::index::Standing;
use datashare::judge::ledger::Ledger;

use super::root;

#[test]
fn every_grant_stands_as_the_readme_says() {
    let now = "2026-11-24T09:00:00+08:00".parse().unwrap();
    let world = World::load(&root(), Ledger::default(), now).unwrap();
    assert!(world.findings.is_empty(), "{:#?}", world.findings);
    assert!(world.unreadable.is_empty(), "{:#?}", world.unreadable);
    let standings: BTreeMap<&str, String> = world
        .index
        .grants()
        .map(|grant| {
            let standing = match world.index.standing(&grant.key, now) {
                Some(Standing::Serves) => "serves".to_owned(),
                Some(Standing::Refused(finding)) => finding.reason.as_str().to_owned(),
                None => "unknown".to_owned(),
            };
            (&*grant.key.name, standing)
        })
        .collect();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for (name, standing) in &standings {
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{name}`"))).unwrap_or_default();
        assert!(row.contains(standing.as_str()), "{name} {standing}, but the README says: {row:?}");
    }
    let serving = standings.values().filter(|standing| *standing == "serves").count();
    assert_eq!((serving, standings.len()), (7, 11), "{standings:#?}");
}

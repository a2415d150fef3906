//! Legal holds keep what they cover, and only their policy ends them. What the inventory says releases nothing.

use std::fs;

use datashare::audit::upkeep::Hold;
use datashare::audit::{Event, Recorded};

use super::*;

fn hold(since: Option<&str>, until: Option<&str>) -> Hold {
    let day = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    Hold { reason: "法院调取".into(), decided_by: "监督组".into(), since: day(since), until: day(until) }
}

fn noted(world: &World) -> Vec<(String, BTreeMap<String, String>)> {
    let entries = world.lines().into_values().map(|line| Recorded::parse(line.as_bytes()).unwrap()).collect::<Vec<_>>();
    let about = entries.into_iter().filter(|entry| entry.event == Event::Audit);
    about.map(|entry| (entry.code.unwrap(), entry.parameters)).collect()
}

#[test]
fn a_held_segment_stays_until_its_policy_lets_go_of_it() {
    let mut world = World::new();
    for day in ["2026-01-01", "2026-01-03"] {
        assert_eq!(world.today().to_string(), day);
        world.write("a", 190);
        world.advance(48);
        world.round();
    }
    world.keeping.lock().period = 3000;
    let held = "jinan/default/case-17".to_owned();
    world.keeping.lock().holds.insert(held.clone(), hold(None, Some("2026-01-02")));
    world.round();
    world.advance(200 * 24);
    let report = world.round();
    assert_eq!((report.pruned, report.held), (1, 1), "{report:?}");
    assert!(names(&world.archived()).contains(&sealed(0)) && names(&world.stream()).contains(&sealed(0)));
    assert_eq!(noted(&world)[0].0, "hold-placed");
    assert_eq!(noted(&world)[0].1["decidedBy"], "监督组");

    // the policy is gone, also over a restart: that ends nothing
    world.keeping.lock().holds.clear();
    world.keeping.lock().policies.clear();
    world.start(roomy(), Arc::new(Unhindered));
    assert_eq!(world.round().held, 1);
    // back with its hold: nothing new
    world.keeping.lock().policies.insert("jinan/default".into());
    world.keeping.lock().holds.insert(held.clone(), hold(None, Some("2026-01-02")));
    assert_eq!(world.round().held, 1);
    assert_eq!(noted(&world).iter().filter(|(code, _)| code == "hold-placed").count(), 1);
    // let go
    world.keeping.lock().holds.clear();
    let report = world.round();
    assert_eq!((report.pruned, report.held), (1, 0), "{report:?}");
    assert!(!names(&world.archived()).contains(&sealed(0)));
    let codes: Vec<_> = noted(&world).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["hold-placed", "pruned", "hold-lifted", "pruned"]);
}

#[test]
fn an_inventory_that_says_the_time_is_over_removes_nothing_that_is_to_be_kept() {
    let mut world = World::new();
    world.write("a", 1096);
    world.advance(1);
    world.round();
    let path = world.stream().join("sealed.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let forged = text.replace("2029-01-01", "2026-01-01");
    assert_ne!(forged, text);
    fs::write(&path, forged).unwrap();
    world.start(roomy(), Arc::new(Unhindered));
    for _ in 0..2 {
        let report = world.round();
        assert_eq!((report.pruned, report.troubles.len()), (0, 0), "{report:?}");
    }
    assert!(names(&world.archived()).contains(&sealed(0)));
    assert!(!world.stream().join("pruned.jsonl").exists());
}

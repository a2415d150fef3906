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

/// Does something before one step.
struct Meanwhile<F>(Step, F);

impl<F: Fn() -> io::Result<()> + Send + Sync> Steps for Meanwhile<F> {
    fn before(&self, step: Step) -> io::Result<()> {
        if step == self.0 { (self.1)() } else { Ok(()) }
    }
}

#[test]
fn a_hold_that_is_placed_while_segments_are_copied_or_removed_holds() {
    for step in [Step::Put, Step::RemoveLocal] {
        let mut world = World::new();
        for user in ["a", "b"] {
            world.write(user, 190);
            world.advance(2);
            world.round();
        }
        let keeping = world.keeping.clone();
        let place = move || {
            keeping.lock().holds.insert("jinan/default/case-7".to_owned(), hold(None, None));
            Ok(())
        };
        world.start(roomy(), Arc::new(Meanwhile(step, place)));
        world.write("c", 190);
        world.advance(200 * 24);
        let report = world.round();
        let gone = u64::from(step == Step::RemoveLocal);
        assert_eq!(report.pruned, gone, "{step:?}: {report:?}");
        assert!(report.held >= 1, "{step:?}: {report:?}");
        let expected = if gone == 0 { ["a", "b"].as_slice() } else { &["b"] };
        let there = world.lines().into_values().filter_map(|line| Recorded::parse(line.as_bytes()).unwrap().user);
        let there: Vec<String> = there.filter(|user| user != "c").collect();
        assert_eq!(there, expected, "{step:?}");
    }
}

#[test]
fn a_removal_that_fails_is_noted_once_and_hinders_nothing_else() {
    let mut world = World::new();
    for days in [190, 190, 1096] {
        world.write("a", days);
        world.advance(48);
        world.round();
    }
    let refuse = || Err(io::Error::other("refused"));
    world.start(roomy(), Arc::new(Meanwhile(Step::RemoveArchived, refuse)));
    world.advance(410 * 24);
    for _ in 0..5 {
        let report = world.round();
        assert!(report.troubles.contains_key("retention"), "{report:?}");
        world.advance(1);
    }
    let said: Vec<String> = noted(&world).into_iter().map(|(code, _)| code).collect();
    // of the first two, and of the start after the third
    assert_eq!(said, ["pruned", "pruned", "offloaded"], "{:?}", noted(&world));
    // the third one is old, and in the archive
    assert!(!names(&world.stream()).contains(&sealed(3)), "{:?}", names(&world.stream()));
    world.start(roomy(), Arc::new(Unhindered));
    assert_eq!(world.round().pruned, 3);
    world.verified();
}

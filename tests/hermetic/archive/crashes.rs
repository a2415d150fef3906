//! A crash before every step of sealing, copying and removing: nothing is lost, nothing goes early, and the next start
//! ends what was begun.

use std::collections::BTreeSet;
use std::fs;

use datashare::audit::Recorded;
use datashare::audit::pruned::Pruned;
use datashare::audit::tree::Range;

use super::*;

/// Three segments, of which the first two are over at the end, and the third only leaves this disk.
fn live(world: &mut World, part: usize) {
    match part {
        0 => {
            world.write("a", 190);
        }
        1 | 3 => world.advance(2),
        2 => {
            world.round();
            world.write("b", 200);
        }
        4 => {
            world.round();
            world.write("c", 900);
        }
        5 => world.advance(201 * 24),
        6 => {
            world.round();
        }
        _ => {
            world.advance(402 * 24);
            world.round();
        }
    }
}

const PARTS: usize = 8;

/// What must be there: every entry whose segment is not over. Entries about the record itself are left out: a crash adds some.
fn users(world: &World) -> BTreeSet<String> {
    let lines = world.lines();
    let entries = lines.values().map(|line| Recorded::parse(line.as_bytes()).unwrap());
    entries.filter_map(|entry| entry.user).collect()
}

fn must_be_there(world: &World, all: &BTreeMap<u64, String>) {
    let today = world.today();
    let there = world.lines();
    for (index, line) in all {
        let entry = Recorded::parse(line.as_bytes()).unwrap();
        if entry.retain.is_some_and(|retain| retain > today) {
            assert_eq!(there.get(index), Some(line), "entry {index} is lost");
        }
    }
}

/// The root of everything that was ever written, from what is left and the hashes of what is not.
fn root_of_what_is_left(world: &World) -> [u8; 32] {
    let text = fs::read_to_string(world.stream().join("pruned.jsonl")).unwrap_or_default();
    let mut pruned: Vec<Pruned> = text.lines().map(|line| Pruned::parse(line.as_bytes()).unwrap()).collect();
    pruned.sort_by_key(|line| line.range.from());
    let mut tree = Range::empty_at(0);
    let local: BTreeMap<u64, String> = segments(&world.stream())
        .into_values()
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| (Recorded::parse(line.as_bytes()).unwrap().index, line))
        .collect();
    loop {
        if let Some(line) = local.get(&tree.to()) {
            tree.push(line.as_bytes());
        } else if let Some(gone) = pruned.iter().find(|gone| gone.range.from() == tree.to()) {
            tree.extend(&gone.range).unwrap();
        } else {
            break;
        }
    }
    tree.root().unwrap()
}

#[test]
fn a_crash_at_any_step_loses_nothing_and_is_made_good() {
    let whole = Arc::new(Crash::default());
    let mut calm = World::on(roomy(), whole.clone());
    (0..PARTS).for_each(|part| live(&mut calm, part));
    let steps = whole.seen.lock().clone();
    let kinds: BTreeSet<Step> = steps.iter().copied().collect();
    assert!(kinds.contains(&Step::RemoveArchived) && kinds.contains(&Step::SealRemovePlain), "{kinds:?}");
    let expected = users(&calm);
    assert_eq!(expected, ["c".to_owned()].into());

    for (at, step) in steps.iter().enumerate() {
        let mut world = World::on(roomy(), Arc::new(Crash::at(at)));
        let mut all = BTreeMap::new();
        for part in 0..PARTS {
            live(&mut world, part);
            all.extend(world.lines());
            must_be_there(&world, &all);
        }
        // what was being written may be torn
        for item in fs::read_dir(world.stream().join("entries")).unwrap().map(Result::unwrap) {
            if item.path().extension().is_some_and(|end| end == "new") {
                let bytes = fs::read(item.path()).unwrap();
                fs::write(item.path(), &bytes[..bytes.len() / 2]).unwrap();
            }
        }
        world.start(roomy(), Arc::new(Unhindered));
        must_be_there(&world, &all);
        world.round();
        let report = world.round();
        all.extend(world.lines());
        assert_eq!(report.troubles.len(), 0, "crash before step {at} ({step:?}): {report:?}");
        assert_eq!(users(&world), expected, "crash before step {at} ({step:?})");
        let entries = world.stream().join("entries");
        let left = fs::read_dir(entries).unwrap().filter(|item| {
            let name = item.as_ref().unwrap().file_name().into_string().unwrap();
            std::path::Path::new(&name).extension().is_some_and(|end| end == "new")
        });
        assert_eq!(left.count(), 0, "crash before step {at} ({step:?}) leaves a draft");
        let mut tree = Range::empty_at(0);
        all.values().for_each(|line| tree.push(line.as_bytes()));
        assert_eq!(Some(root_of_what_is_left(&world)), tree.root(), "crash before step {at} ({step:?})");
        world.verified();
    }
}

//! Ten years, a round a day: nothing is removed before its time, and everything within a day after.

use datashare::audit::Recorded;
use jiff::civil::Date;

use super::*;

/// A segment as the test knows it.
struct Written {
    first: u64,
    retain: Date,
}

#[test]
fn in_ten_years_nothing_goes_early_and_nothing_stays_longer_than_a_day() {
    let mut world = World::new();
    world.keeping.lock().period = 1096;
    let mut written: Vec<Written> = Vec::new();
    let (mut removed, mut sealed_before) = (0, 0);
    for day in 0..3652_i64 {
        if day % 7 == 0 {
            // what the policy asks for changes; what was written keeps the day that it was given
            let (period, personal) = if day < 700 { (400, 1500) } else { (184, 1096) };
            world.write("plain", period);
            if day % 28 == 0 {
                world.write("personal", personal);
            }
        }
        world.advance(24);
        let (yesterday, tomorrow) = (world.today().yesterday().unwrap(), world.today().tomorrow().unwrap());
        let near = |segment: &Written| segment.retain >= yesterday && segment.retain <= tomorrow;
        // most days nothing is due; to leave those out saves the test its time
        if day % 7 > 1 && !written.iter().any(near) {
            continue;
        }
        let report = world.round();
        if report.sealed > sealed_before {
            sealed_before = report.sealed;
            learn(&mut written, &world.stream());
        }
        let today = world.today();
        for segment in &written {
            // between its sealing and its day it is looked at now and then, and on the days around that each day
            if segment.retain > tomorrow && day % 73 != 0 {
                continue;
            }
            let name = sealed(segment.first);
            let kept = world.archived().join("entries").join(&name).exists();
            if segment.retain >= today {
                assert!(kept, "{name} went on {today}, and was to be kept until {}", segment.retain);
            } else {
                let here = world.stream().join("entries").join(&name).exists();
                assert!(!kept && !here, "{name} is there on {today}, over since {}", segment.retain);
            }
        }
        let before = written.len();
        written.retain(|segment| segment.retain >= today);
        removed += before - written.len();
    }
    assert!(removed > 400, "{removed}");
    let report = world.round();
    assert_eq!(report.troubles.len(), 0, "{report:?}");
    assert_eq!(usize::try_from(report.pruned).unwrap(), removed);
    let [(entries, gone), (archived, gone_there)] = world.verified();
    assert!(entries >= archived && archived > 520 && gone >= gone_there && gone_there > 400, "{entries} {gone}");
}

/// Takes in segments that were sealed since.
fn learn(written: &mut Vec<Written>, stream: &Path) {
    let known = written.last().map_or(0, |last| last.first + 1);
    let names =
        fs::read_dir(stream.join("entries")).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    let mut firsts: Vec<u64> = names.filter_map(|name| name.strip_suffix(".jsonl.zst")?.parse().ok()).collect();
    firsts.sort_unstable();
    for first in firsts {
        if first >= known {
            let bytes = fs::read(stream.join("entries").join(sealed(first))).unwrap();
            let text = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap();
            // entries that name no day are kept for as long as the law asks
            let days = text.lines().map(|line| {
                let entry = Recorded::parse(line.as_bytes()).unwrap();
                let floor = || entry.time.to_zoned(TimeZone::UTC).date().checked_add(185.days()).unwrap();
                entry.retain.unwrap_or_else(floor)
            });
            written.push(Written { first, retain: days.max().unwrap() });
        }
    }
}

#[test]
fn a_clock_that_was_set_ahead_removes_nothing_before_it_has_gone_on_for_a_day() {
    let mut world = World::new();
    world.write("a", 190);
    world.advance(2);
    assert_eq!(world.round().sealed, 1);
    let kept = |world: &World| names(&world.archived()).contains(&sealed(0));
    world.clock.jump(SignedDuration::from_hours(9 * 365 * 24));
    for _ in 0..23 {
        let report = world.round();
        assert_eq!(report.pruned, 0);
        let says = report.troubles.values().map(|trouble| trouble.message.as_str()).collect::<Vec<_>>();
        assert!(says.iter().any(|says| says.contains("h off from what it should be")), "{says:?}");
        world.advance(1);
        // neither by starting again
        world.start(roomy(), Arc::new(Unhindered));
    }
    // set right: believed at once, and nothing is due
    world.clock.jump(-SignedDuration::from_hours(9 * 365 * 24));
    let report = world.round();
    assert_eq!((report.pruned, report.troubles.len()), (0, 0), "{report:?}");
    assert!(kept(&world));
    // so it is, for a day: perhaps the machine was off
    world.clock.jump(SignedDuration::from_hours(200 * 24));
    for hour in 0..24 {
        assert_eq!(world.round().pruned, 0, "{hour}");
        world.advance(1);
    }
    let report = world.round();
    assert_eq!((report.pruned, report.troubles.len()), (1, 0), "{report:?}");
    assert!(!kept(&world));
    world.verified();
}

#[test]
fn what_was_written_under_a_clock_that_was_set_back_is_kept_as_long_as_what_came_before_it() {
    let mut world = World::new();
    world.write("before", 190);
    world.advance(2);
    world.round();
    world.clock.jump(-SignedDuration::from_hours(3 * 365 * 24));
    let second = world.write("under", 190);
    world.advance(2);
    world.round();
    world.clock.jump(SignedDuration::from_hours(3 * 365 * 24));
    world.advance(2);
    assert!(names(&world.archived()).contains(&sealed(second)), "{:?}", names(&world.archived()));
    for day in 0..186 {
        let report = world.round();
        assert_eq!((report.pruned, report.troubles.len()), (0, 0), "day {day}: {report:?}");
        world.advance(24);
    }
    world.advance(6 * 24);
    world.round();
    assert!(!names(&world.archived()).contains(&sealed(second)));
    world.verified();
}

#[test]
fn a_clock_that_jumps_leaves_a_record_that_is_whole_sealed_archived_and_found() {
    let mut world = World::new();
    let hour = SignedDuration::from_hours(1);
    let jumps = [26_280, -17_520, 1, -1, 0, 87_600, -87_600, -30_000, 30_000, 24, -24];
    let mut written = Vec::new();
    for (number, jump) in jumps.into_iter().enumerate() {
        world.clock.jump(hour * jump);
        written.push(world.write(&number.to_string(), 184));
        if number % 4 == 3 {
            // an archive that is away is asked again under any clock
            fs::rename(world.archive(), world.folder.path().join("away")).unwrap();
            fs::write(world.archive(), b"").unwrap();
            world.advance(2);
            assert!(!world.round().troubles.is_empty());
            fs::remove_file(world.archive()).unwrap();
            fs::rename(world.folder.path().join("away"), world.archive()).unwrap();
            world.clock.jump(hour * -9_000);
            world.start(roomy(), Arc::new(Unhindered));
        }
        world.advance(2);
        let report = world.round();
        // what is due under it is left, and said to be
        assert_eq!(report.pruned, 0, "{jump}: {report:?}");
        assert!(report.troubles.keys().all(|what| what == "retention"), "{jump}: {report:?}");
    }
    let [(entries, gone), (archived, _)] = world.verified();
    assert_eq!((entries - archived <= 1, gone), (true, 0));
    let indexes: Vec<u64> = world.lines().into_keys().collect();
    assert_eq!(indexes, (0..entries).collect::<Vec<_>>());
    let all = world.asked(&Filter::default());
    for (number, index) in written.iter().enumerate() {
        let user = format!("\"user\":\"{number}\"");
        assert!(all.iter().any(|line| line.contains(&format!("\"index\":{index},")) && line.contains(&user)));
    }
}

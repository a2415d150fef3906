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
            if segment.retain > today {
                assert!(kept, "{name} went on {today}, and was to be kept until {}", segment.retain);
            } else {
                let here = world.stream().join("entries").join(&name).exists();
                assert!(!kept && !here, "{name} is there on {today}, over since {}", segment.retain);
            }
        }
        let before = written.len();
        written.retain(|segment| segment.retain > today);
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

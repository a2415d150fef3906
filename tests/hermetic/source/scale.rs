//! Figures at 200,000 files; run by hand with `--ignored --nocapture`.

use std::fs;
use std::time::{Duration, Instant};

use datashare::clock::Clock;
use datashare::source::change::SourceChange;
use datashare::source::live::Live;

use super::{GRANT, REVOCATION};

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[ignore = "measures; writes 200,000 files"]
fn load_and_react() {
    let dir = tempfile::tempdir().unwrap();
    let signature = "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg\n      ".repeat(8);
    for number in 0..200_000 {
        if number % 1000 == 0 {
            fs::create_dir(dir.path().join(format!("d{}", number / 1000))).unwrap();
        }
        let text = GRANT
            .replace("name: deed-tax\nspec", &format!("name: g-{number}\nspec"))
            .replace("U1NIU0lHAAAAAQ", signature.trim_end());
        fs::write(dir.path().join(format!("d{}/{number}.yaml", number / 1000)), text).unwrap();
    }
    let (before, start) = (resident(), Instant::now());
    let (mut count, mut longest) = (0, Duration::ZERO);
    let mut live = Live::open(dir.path(), Clock::system(), &mut |batch| count += batch.changes.len()).unwrap();
    println!(
        "{count} changes in {:?}, {} bytes of memory per file",
        start.elapsed(),
        (resident() - before) * 1024 / 200_000
    );
    let mut took = Vec::new();
    for round in 0..500 {
        let path = dir.path().join(format!("d{}/r{round}.yaml", round % 200));
        let text = REVOCATION.replace("name: leak", &format!("name: r-{round}"));
        let writer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(7));
            fs::write(path, text).unwrap();
            Instant::now()
        });
        let noticed = loop {
            let began = Instant::now();
            let batch = live.next(Duration::from_millis(100));
            let noticed = Instant::now();
            if batch.changes.iter().any(|change| matches!(change, SourceChange::Put(..))) {
                break noticed;
            }
            longest = longest.max(began.elapsed());
        };
        took.push(noticed.saturating_duration_since(writer.join().unwrap()));
    }
    took.sort();
    println!(
        "written to told: p50 {:?}, p99 {:?}, longest {:?}; longest empty call {longest:?}",
        took[250], took[495], took[499]
    );
}

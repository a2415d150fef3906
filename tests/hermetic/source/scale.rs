//! Figures at 200,000 files; run by hand with `--ignored --nocapture`.

use std::fs;
use std::time::{Duration, Instant};

use datashare::api::v1alpha1::Kind;
use datashare::api::v1alpha1::validate::Validate;
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
    let mut live =
        Live::open(dir.path(), Clock::system(), &mut |batch| count += batch.changes.len())
            .unwrap();
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

#[test]
#[ignore = "measures"]
fn where_the_time_goes() {
    let text =
        GRANT.replace("U1NIU0lHAAAAAQ", "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg\n      ".repeat(8).trim_end());
    let timed = |what: &str, work: &dyn Fn()| {
        let start = Instant::now();
        (0..5000).for_each(|_| work());
        println!("{what}: {:?}", start.elapsed() / 5000);
    };
    let value = || datashare::source::yaml::parse(&text).remove(0).unwrap().value;
    let whole = value();
    let spec: datashare::api::v1alpha1::AccessGrantSpec = serde_json::from_value(whole["spec"].clone()).unwrap();
    timed("parse", &|| assert!(value().is_object()));
    timed("load", &|| assert!(datashare::source::directory::load_text("a", &text).findings.is_empty()));
    timed("print", &|| assert!(!whole.to_string().is_empty()));
    timed("type", &|| {
        assert!(<datashare::api::v1alpha1::AccessGrantSpec as serde::Deserialize>::deserialize(&whole["spec"]).is_ok())
    });
    timed("bounds", &|| {
        assert!(datashare::api::v1alpha1::bounds::violations(Kind::AccessGrant, &whole["spec"]).is_empty())
    });
    timed("rules", &|| assert!(spec.violations().is_empty()));
}

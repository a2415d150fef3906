//! What is noted about a record that is kept: an archive's address leaves no folder, what a segment says is what its
//! lines say, removed stretches are written the same again, a file of holds is one or is refused, and whatever is said
//! of the clock, it is believed after a day.
#![no_main]

use std::time::Duration;

use datashare::audit::Recorded;
use datashare::audit::archive::Address;
use datashare::audit::inventory::{Inventory, Said};
use datashare::audit::removed;
use datashare::audit::upkeep::{Belief, Holds};
use datashare::judge::status::{InspectedBy, Kept, UsedBy};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut lines = 0;
    if let Ok(said) = Said::read(0, bytes, &mut |line| {
        lines += 1;
        let _ = Recorded::parse(line);
    }) {
        assert_eq!(said.end, lines);
        assert!(said.oldest <= said.newest);
    }
    let found = removed::parse(bytes);
    let mut again = Vec::new();
    for line in &found {
        line.write(&mut again);
        again.push(b'\n');
    }
    assert_eq!(removed::parse(&again), found);
    if let Some(used) = UsedBy::parse(bytes) {
        assert_eq!(UsedBy::parse(used.text().as_bytes()), Some(used));
    }
    if let Some(kept) = Kept::parse(bytes) {
        assert_eq!(Kept::parse(kept.text().as_bytes()), Some(kept));
    }
    if let Some(told) = InspectedBy::parse(bytes) {
        let again = InspectedBy::parse(told.text().as_bytes()).unwrap();
        assert_eq!(again.policies, told.policies);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sealed.jsonl"), bytes).unwrap();
    let known = Inventory::open(folder.path()).unwrap();
    assert!(known.iter().all(|facts| facts.first < facts.end));
    std::fs::write(folder.path().join("holds.json"), bytes).unwrap();
    assert!(Holds::open(folder.path()).is_err() || serde_json::from_slice::<serde_json::Value>(bytes).is_ok());
    std::fs::write(folder.path().join("clock.json"), bytes).unwrap();
    let now: Timestamp = "2026-11-27T00:00:00Z".parse().unwrap();
    let mut belief = Belief::open(folder.path(), now, Duration::ZERO).unwrap();
    let _ = belief.doubts(now, Duration::ZERO);
    let _ = belief.doubts(now + SignedDuration::from_hours(1), Duration::from_hours(1));
    assert_eq!(belief.doubts(now + SignedDuration::from_hours(26), Duration::from_hours(26)), None);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match text.parse::<Address>() {
        Ok(Address::Folder(folder)) => assert!(folder.is_absolute() && !folder.iter().any(|part| part == "..")),
        Ok(Address::S3 { bucket, prefix }) => assert!(!bucket.contains('/') && !prefix.starts_with('/')),
        Err(_) => {}
    }
});

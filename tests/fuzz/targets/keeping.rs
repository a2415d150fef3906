//! What is noted about a record that is kept: an archive's address leaves no folder, what a segment says is what its
//! lines say, removed stretches are written the same again, and half a file of holds is no file.
#![no_main]

use datashare::audit::Recorded;
use datashare::audit::archive::Address;
use datashare::audit::inventory::{Inventory, Said};
use datashare::audit::removed;
use datashare::judge::status::{InspectedBy, Kept, UsedBy};
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
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match text.parse::<Address>() {
        Ok(Address::Folder(folder)) => assert!(folder.is_absolute() && !folder.iter().any(|part| part == "..")),
        Ok(Address::S3 { bucket, prefix }) => assert!(!bucket.contains('/') && !prefix.starts_with('/')),
        Err(_) => {}
    }
});

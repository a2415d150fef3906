//! Everything that a verifier reads: what is taken is written the same again, and nothing that was not
//! signed verifies.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use datashare::audit::checkpoint::{Checkpoint, Signed};
use datashare::audit::keys;
use datashare::audit::note::{Note, SigningKey, Standing, VerifyingKey};
use datashare::audit::notice::Notice;
use datashare::audit::proof::EntryProof;
use datashare::audit::pruned::Pruned;
use datashare::audit::scan::{indexes, scan};
use datashare::audit::tree::Range;
use datashare::audit::verify::SeenStream;
use datashare::guard::lease::Remembered;
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("jinan/guard-1").unwrap());

fuzz_target!(|bytes: &[u8]| {
    if let Ok(pruned) = Pruned::parse(bytes) {
        let mut again = Vec::new();
        pruned.write(&mut again);
        assert_eq!(Pruned::parse(&again).unwrap(), pruned);
        assert!(!pruned.range.is_empty() && pruned.range.nodes().len() < 128);
    }
    if let Ok(signed) = Signed::parse_line(bytes) {
        assert_eq!(signed.line(), bytes);
    }
    if let Ok(public) = keys::parse(bytes) {
        assert_eq!(keys::text(&public).as_bytes(), bytes);
    }
    if let Some(notice) = Notice::parse(bytes) {
        assert!(notice.from < notice.to);
    }
    let found = scan(bytes, "guard-1", 0, &[1, 2]).unwrap();
    assert_eq!(found.slices.last().map_or(0, Range::to), found.next);
    let all = indexes(bytes, "guard-1").unwrap();
    assert!(all.iter().take(found.next as usize).enumerate().all(|(at, index)| *index == Some(at as u64)));

    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
        assert_ne!(note.standing(KEY.public()), Standing::Signed);
        if let Ok(checkpoint) = Checkpoint::parse(note.text()) {
            assert_eq!(checkpoint.text(), note.text());
        }
    }
    let text_twice = text.to_owned();
    let told = Remembered::read(Some(&text_twice), Some(&text_twice));
    assert_eq!(told.clone().then(None), told);
    assert!(told.lost(Some(text)).is_none());
    if let Ok(key) = text.parse::<VerifyingKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(key) = SigningKey::parse(text) {
        assert_eq!(key.line().expose(), text);
    }
    if let Ok(proof) = EntryProof::parse(text) {
        assert_eq!(proof.text(), text);
        assert!(proof.verify(&[KEY.public().clone()]).is_err());
    }
    if let Ok(seen) = SeenStream::parse(text, Path::new("x.seen")) {
        assert_eq!(format!("{}\nat {}\n{}", seen.key, seen.place, seen.signed.note), text);
    }
});

//! The auditors' door: what is taken for a question is written as it was read, an end is no question, and a certificate
//! names somebody who can be named, or nobody.
#![no_main]

use datashare::cli::audit::cluster::caller::decoded;
use datashare::guard::inquiry::identity::subject;
use datashare::guard::inquiry::wire::{Door, End, Piece, Question, refusal};
use datashare_fuzz::let_caught_panics_pass;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: let_caught_panics_pass(), |bytes: &[u8]| {
    if let Ok(question) = Question::read(bytes) {
        let text = serde_json::to_vec(&question).unwrap();
        assert_eq!(Question::read(&text), Ok(question));
        assert!(End::read(&text).is_none());
    }
    if let Some(Ok(end)) = End::read(bytes) {
        assert_eq!(End::read(end.line().trim_ascii_end()).unwrap().unwrap(), end);
    }
    if let Ok(piece) = Piece::read(bytes) {
        assert_eq!(Piece::read(&piece.line()).unwrap(), piece);
        assert!(End::read(&piece.line()).is_none());
    }
    if let Some(known) = subject(&bytes.to_vec().into()) {
        assert!(!known.user.is_empty() && known.groups.iter().any(|group| group == "system:authenticated"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(door) = Door::read(text) {
        assert_eq!(Door::read(&serde_json::to_string(&door).unwrap()), Some(door));
    }
    let _ = (refusal(bytes), decoded(text));
});

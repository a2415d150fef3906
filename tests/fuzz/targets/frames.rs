//! The record's journal, as a crash or a bad disk leaves it: what is behind the last whole frame changes nothing.
#![no_main]

use datashare::audit::journal::Kept;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let kept = Kept::decode(text);
    // a fuzzer guesses checksums: a frame that was cut short may be made whole by one of these, and never by both
    let more = [&b"dsjrnl2\nnot a frame"[..], b"Dsjrnl2\nnot a frame"].map(|more| [text, more].concat());
    assert!(more.iter().any(|more| Kept::decode(more) == kept));
    for end in [text.len() / 2, text.len().saturating_sub(1)] {
        let less = Kept::decode(&text[..end]);
        assert!(less.is_none() || kept.is_some(), "what counts in a part counts in the whole");
    }
});

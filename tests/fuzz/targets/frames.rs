//! The record's journal, as a crash or a bad disk leaves it: what is behind the last whole frame changes nothing.
#![no_main]

use datashare::audit::journal::Kept;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let decode = |half: &[u8]| Kept::decode([half, &[]]);
    let kept = decode(text);
    // a fuzzer guesses checksums: a frame that was cut short may be made whole by one of these, and never by both
    let more = [&b"dsjrnl3\nnot a frame"[..], b"Dsjrnl3\nnot a frame"].map(|more| [text, more].concat());
    assert!(more.iter().any(|more| decode(more) == kept));
    for end in [text.len() / 2, text.len().saturating_sub(1)] {
        let less = decode(&text[..end]);
        assert!(less.is_none() || kept.is_some(), "what counts in a part counts in the whole");
    }
    let (one, other) = text.split_at(text.len() / 2);
    let both = Kept::decode([one, other]);
    let each = [decode(one), decode(other)];
    assert!(each.contains(&both) && (both.is_some() || each == [None, None]), "one of the halves counts");
});

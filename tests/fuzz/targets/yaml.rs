//! YAML texts: another reader sees the same value, a bad document hides no other, what was read can be
//! written, and every place that is named exists.
#![no_main]

use datashare::source::yaml::{Document, MAX_DEPTH, YamlError, emit, locate, parse};
use datashare_fuzz::let_caught_panics_pass;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

type Read = Result<Document, YamlError>;

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(all) => 1 + all.iter().map(depth).max().unwrap_or(0),
        Value::Object(all) => 1 + all.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn check(text: &str, documents: &[Read]) {
    let lines = u32::try_from(text.matches('\n').count()).unwrap() + 1;
    for document in documents {
        match document {
            Ok(Document { value, spot }) => {
                assert!(depth(value) <= MAX_DEPTH);
                assert!((1..=lines).contains(&spot.line));
                let written = emit(value).unwrap();
                let back = parse(&written).pop().map_or(Value::Null, |one| one.unwrap().value);
                assert_eq!(&back, value, "{written}");
                for member in value.as_object().into_iter().flat_map(|members| members.keys()) {
                    let (line, column) = locate(text, *spot, member);
                    assert!((spot.line..=lines).contains(&line) && column > 0, "{member}: {line}");
                }
                let _ = locate(text, *spot, "spec.fields[1].path");
            }
            Err(error) => {
                assert!((1..=lines).contains(&error.line) && error.column > 0, "{error}");
                assert!(!error.message.is_empty() && !error.fix.is_empty(), "{error}");
            }
        }
    }
}

fn values(read: &[Read]) -> Vec<Option<&Value>> {
    read.iter().map(|one| one.as_ref().ok().map(|document| &document.value)).collect()
}

fuzz_target!(init: let_caught_panics_pass(), |text: &str| {
    let documents = parse(text);
    check(text, &documents);

    // the reader that others use, where it reads the text as one document; blanks at the very end, which
    // nobody sees, are content to it where they are indented further than a block text
    if !text.ends_with([' ', '\t'])
        && let [Ok(Document { value, .. })] = documents.as_slice()
        && let Ok(theirs) = serde_yaml::from_str::<Value>(text)
        && theirs.get("kind").and_then(Value::as_str) != Some("List")
    {
        assert_eq!(*value, theirs);
    }

    // the same text once more behind itself reads the same once more
    if !text.starts_with('\u{feff}') {
        let first = format!("{text}\n");
        let (first_read, both_read) = (parse(&first), parse(&format!("{first}---\n{text}")));
        let expected = [values(&first_read), values(&documents)].concat();
        assert_eq!(values(&both_read), expected);
    }
});

//! What an API server says: a line of a watch, a page, tombstones. What is read is what another reader of JSON
//! sees there, and no object of a page stops another.
#![no_main]

use datashare::source::cluster::written::{Event, Page, refusal, taken_in, tombstones};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let value: Option<Value> = serde_json::from_str(text).ok();
    if let Ok(event) = Event::read(text.as_bytes()) {
        let object = &value.as_ref().unwrap()["object"];
        if object.is_object() {
            assert_eq!(&event.object.spec, &object["spec"]);
            assert_eq!(&event.object.status, &object["status"]);
        }
    }
    if let (Ok(page), Some(Value::Object(value))) = (Page::read(text.as_bytes()), &value) {
        let items = value.get("items").and_then(Value::as_array);
        assert_eq!(page.items.map_or(0, |items| items.len()), items.map_or(0, Vec::len));
    }
    let message = refusal(text.as_bytes());
    assert!(message.is_none() || value.is_some());
    assert!(taken_in(text).is_empty() || value.is_some());
    for (number, line, read) in tombstones(text) {
        assert_eq!(text.lines().nth(number as usize - 1), Some(line));
        assert!(read.is_err() || serde_json::from_str::<Value>(line).is_ok());
    }
});

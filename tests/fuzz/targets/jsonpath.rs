//! Paths of printer columns: what is found stands in the object, and a path of plain members finds what
//! a JSON pointer finds. First line the path, the rest the object.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;

#[path = "../../../src/cli/get/jsonpath.rs"]
mod jsonpath;

fn nodes<'v>(value: &'v Value, out: &mut Vec<&'v Value>) {
    out.push(value);
    match value {
        Value::Array(all) => all.iter().for_each(|one| nodes(one, out)),
        Value::Object(all) => all.values().for_each(|one| nodes(one, out)),
        _ => {}
    }
}

fuzz_target!(|text: &str| {
    let Some((path, object)) = text.split_once('\n') else { return };
    let Ok(object) = serde_json::from_str::<Value>(object) else { return };
    let found = jsonpath::find(path, &object);
    let mut all = Vec::new();
    nodes(&object, &mut all);
    assert!(found.iter().all(|one| all.iter().any(|other| std::ptr::eq(*one, *other))));
    if path.starts_with('.') && !path.contains(['[', '/', '~']) {
        let mut here = Some(&object);
        for member in path[1..].split('.') {
            here = here.and_then(|value| value.get(member));
        }
        assert_eq!(found, here.into_iter().collect::<Vec<_>>());
    }
});

//! The rights that the chart gives, for the suites of operator and guard: they run with these and no others.

use std::sync::OnceLock;

use serde_json::Value;

use super::helm::render;

/// The rules of one of the chart's roles.
pub fn rules(kind: &str, name: &str) -> Value {
    static RENDERED: OnceLock<Vec<Value>> = OnceLock::new();
    let all = RENDERED.get_or_init(|| render("datashare", "{}"));
    super::of(all, kind, name).unwrap_or_else(|| panic!("the chart has no {kind} {name}"))["rules"].clone()
}

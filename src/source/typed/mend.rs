//! serde's wording to plain sentences with a mend. serde names no member for a missing one and
//! quotes Rust types; users get the member's path, what stands there, and what to write.

use serde_json::Value;

use super::Fault;
use crate::source::finding::FindingCode;

/// The fault behind serde's `message` at `path` (below `spec`).
pub(super) fn explain(path: &str, message: &str, spec: &Value) -> Fault {
    let path = member(path);
    let names = quoted(message);
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let name = rest.split('`').next().unwrap_or_default();
        let known: Vec<_> = names.iter().skip(1).copied().collect();
        // where serde already stands at the unknown member its name is the last step
        let full = if ends_with_step(&path, name) { path } else { format!("{path}.{name}") };
        return unknown_member(&full, name, &known);
    }
    if message.starts_with("missing field `") {
        let name = names.first().copied().unwrap_or_default();
        return Fault::new(
            FindingCode::MemberMissing,
            format!("{path}.{name}"),
            format!("`{name}` is missing"),
            format!("add `{name}:` below {path}"),
        );
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let word = rest.split('`').next().unwrap_or_default();
        let known: Vec<_> = names.iter().skip(1).copied().collect();
        let fix = nearest(word, &known).map_or_else(
            || format!("write one of {}", known.join(", ")),
            |near| format!("did you mean `{near}`? It may be {}", known.join(", ")),
        );
        return Fault::new(
            FindingCode::ValueUnknown,
            path,
            format!("`{word}` is not one of the words that may stand here"),
            fix,
        );
    }
    let there = at(spec, &path);
    if let Some(expected) = message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once("expected ")) {
        let (_, expected) = expected;
        let is = there.map_or("something else", describe);
        let fix = match (there, expected) {
            (Some(value @ (Value::Number(_) | Value::Bool(_))), "a string") => format!("put it in quotes: \"{value}\""),
            (Some(Value::Null), _) => "write a value, or remove the member".to_owned(),
            (Some(Value::String(text)), "i64" | "u64" | "u32" | "i32" | "u16") if text.parse::<i64>().is_ok() => {
                format!("write {text} without quotes")
            }
            (Some(Value::String(text)), "a boolean") if matches!(text.as_str(), "true" | "false") => {
                format!("write {text} without quotes")
            }
            (Some(_), "a sequence") => "write a list: one `- ` line per entry, or [a, b]".to_owned(),
            (Some(Value::Array(_)), wanted) => format!("write {} without `- ` or brackets", plain(wanted)),
            (_, wanted) => format!("write {}", plain(wanted)),
        };
        return Fault::new(FindingCode::MemberType, path, format!("must be {}, not {is}", plain(expected)), fix);
    }
    Fault::new(
        FindingCode::ValueInvalid,
        path,
        format!("cannot be read: {message}"),
        "correct it as the reference of this kind says",
    )
}

/// An unknown member, with the known one that was probably meant.
pub(super) fn unknown_member(path: &str, name: &str, known: &[&str]) -> Fault {
    let fix = nearest(name, known).map_or_else(
        || {
            if known.is_empty() {
                "remove it".to_owned()
            } else {
                format!("remove it; known here are {}", known.join(", "))
            }
        },
        |near| format!("did you mean `{near}`?"),
    );
    Fault::new(FindingCode::MemberUnknown, path, format!("there is no member `{name}`"), fix)
}

/// The known name that is close enough to be meant.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), *name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(word.len()) / 4)
        .min()
        .map(|(_, name)| name)
}

/// A value's type in a reader's words.
pub(super) fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object with members",
    }
}

/// serde's word for what it expected in a reader's words.
pub(in crate::source) fn plain(expected: &str) -> &'static str {
    match expected {
        "a string" | "string or map" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object with members",
        "i64" | "u64" | "u32" | "i32" | "u16" => "a whole number",
        _ if expected.starts_with("struct ") => "an object with members",
        _ => "one of the words that may stand here",
    }
}

/// `spec`-rooted path; serde writes `.` for the root and `?` for a step it does not know.
fn member(path: &str) -> String {
    match path.trim_end_matches(".?") {
        "." | "?" | "" => "spec".to_owned(),
        path => format!("spec.{path}"),
    }
}

fn ends_with_step(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.ends_with('.'))
}

/// Everything between backticks.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// The value at a `spec`-rooted path.
fn at<'v>(spec: &'v Value, path: &str) -> Option<&'v Value> {
    let rest = path.strip_prefix("spec")?;
    let mut here = spec;
    for step in rest.split(['.', '[']).filter(|step| !step.is_empty()) {
        here = match step.strip_suffix(']') {
            Some(index) => here.get(index.parse::<usize>().ok()?)?,
            None => here.get(step)?,
        };
    }
    Some(here)
}

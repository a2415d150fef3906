//! Objects to YAML as a person would write it: block style, members in the order given, several
//! lines as a literal block, Chinese as it is, quotes only where another reading is possible. Which
//! those are is asked of our own reader, so that writer and reader cannot disagree.

use std::fmt::Write;

use serde::Serialize;
use serde_yaml::Value as Ordered;

use super::{parse, scalar, split};

/// The value cannot be written so that it reads back the same.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    #[error("cannot be written as YAML: {0}")]
    Write(#[from] serde_yaml::Error),
    #[error("cannot be written as YAML: {0}")]
    Json(#[from] serde_json::Error),
    #[error("written as YAML it would not read back the same; write it as JSON")]
    Differs,
}

/// Any serialisable object as one YAML document that [`parse`] reads back as the same JSON.
///
/// # Errors
/// When it would not read back the same: a number that is not finite, nesting beyond the limit.
pub fn emit<T: Serialize + ?Sized>(object: &T) -> Result<String, EmitError> {
    let mut text = String::new();
    match serde_yaml::to_value(object)? {
        Ordered::Mapping(map) if !map.is_empty() => members(&map, 0, &mut text)?,
        Ordered::Sequence(all) if !all.is_empty() => items(&all, 0, &mut text)?,
        Ordered::String(root) => text = double_quoted(&root) + "\n",
        other => text = inline(&other)? + "\n",
    }
    let meant = serde_json::to_value(object)?;
    match parse(&text).as_slice() {
        [Ok(document)] if document.value == meant => Ok(text),
        [] if meant.is_null() => Ok(text),
        _ => Err(EmitError::Differs),
    }
}

/// The members of a mapping, each on its own line; the first one's indentation is already written
/// when the mapping is an item of a list.
fn members(map: &serde_yaml::Mapping, indent: usize, out: &mut String) -> Result<(), EmitError> {
    for (index, (name, value)) in map.iter().enumerate() {
        if index > 0 || !out.ends_with("- ") {
            pad(indent, out);
        }
        let Ordered::String(name) = name else { return Err(EmitError::Differs) };
        out.push_str(&one_line(name));
        out.push(':');
        match value {
            Ordered::Mapping(inner) if !inner.is_empty() => {
                out.push('\n');
                members(inner, indent + 2, out)?;
            }
            Ordered::Sequence(inner) if !inner.is_empty() => {
                out.push('\n');
                items(inner, indent, out)?;
            }
            other => leaf(other, indent + 2, out)?,
        }
    }
    Ok(())
}

fn items(all: &[Ordered], indent: usize, out: &mut String) -> Result<(), EmitError> {
    for (index, value) in all.iter().enumerate() {
        if index > 0 || !out.ends_with("- ") {
            pad(indent, out);
        }
        out.push('-');
        match value {
            Ordered::Mapping(inner) if !inner.is_empty() => {
                out.push(' ');
                members(inner, indent + 2, out)?;
            }
            Ordered::Sequence(inner) if !inner.is_empty() => {
                out.push(' ');
                items(inner, indent + 2, out)?;
            }
            other => leaf(other, indent + 2, out)?,
        }
    }
    Ok(())
}

/// A value that has no lines of its own, or a text of several lines as a literal block.
fn leaf(value: &Ordered, indent: usize, out: &mut String) -> Result<(), EmitError> {
    out.push(' ');
    match value {
        Ordered::String(text) if is_literal(text) => {
            out.push_str(if text.ends_with('\n') { "|" } else { "|-" });
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                out.push('\n');
                if !line.is_empty() {
                    pad(indent, out);
                    out.push_str(line);
                }
            }
        }
        other => out.push_str(&inline(other)?),
    }
    out.push('\n');
    Ok(())
}

fn inline(value: &Ordered) -> Result<String, EmitError> {
    Ok(match value {
        Ordered::Null => "null".to_owned(),
        Ordered::Bool(value) => value.to_string(),
        Ordered::Number(number) => number.to_string(),
        Ordered::String(text) => one_line(text),
        Ordered::Sequence(_) => "[]".to_owned(),
        Ordered::Mapping(_) => "{}".to_owned(),
        Ordered::Tagged(_) => return Err(EmitError::Differs),
    })
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Plain where that means the same text, quoted where not.
fn one_line(text: &str) -> String {
    if text.contains('\n') || text.contains('\t') || split::check_characters(text, 1).is_err() {
        return double_quoted(text);
    }
    // older readers of YAML take `2026-11-05` for a time and `8:30` for a number
    let is_clock = text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "-:.+TZ".contains(c))
        && text.contains(['-', ':']);
    let starts_plain = text.starts_with(|c: char| c.is_alphanumeric() || "/$._+(〔《（“".contains(c));
    let is_plain = starts_plain
        && !is_clock
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text != "<<"
        && scalar::resolve(text) == Ok(None);
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Whether a literal block shows the text best and as it is.
fn is_literal(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && !text.ends_with("\n\n")
        && text != "\n"
        && !text.contains('\r')
        && split::check_characters(text, 1).is_ok()
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if split::check_characters(c.encode_utf8(&mut [0; 4]), 1).is_err() => {
                // writing to a text cannot fail
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

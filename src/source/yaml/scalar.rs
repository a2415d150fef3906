//! What a plain (unquoted) scalar means. Only readings on which YAML 1.1, YAML 1.2 and `kubectl`
//! agree are taken; the rest must be quoted, so that a digest means the same everywhere.

use serde_json::{Number, Value};

/// Why a plain scalar is refused, with the mend.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unclear {
    pub message: String,
    pub fix: String,
}

/// The value of a plain scalar, or `None` when it is simply text.
pub(super) fn resolve(text: &str) -> Result<Option<Value>, Unclear> {
    let Some(first) = text.bytes().next() else { return Ok(Some(Value::Null)) };
    if first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.') {
        return number(text);
    }
    if matches!(first, b'?' | b':') {
        return Err(quote(text, "is text to some readers of YAML and a name or a value of its own to others"));
    }
    if text.len() > 5 {
        return Ok(None);
    }
    match text {
        "~" | "null" | "Null" | "NULL" => Ok(Some(Value::Null)),
        "true" | "True" | "TRUE" => Ok(Some(Value::Bool(true))),
        "false" | "False" | "FALSE" => Ok(Some(Value::Bool(false))),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Err(word(text, true)),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Err(word(text, false)),
        _ => Ok(None),
    }
}

fn word(text: &str, meaning: bool) -> Unclear {
    Unclear {
        message: format!("`{text}` is text to some readers of YAML and {meaning} to others"),
        fix: format!("write \"{text}\" for the text, {meaning} for the truth value"),
    }
}

fn number(text: &str) -> Result<Option<Value>, Unclear> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits(unsigned) {
        if unsigned.len() > 1 && unsigned.starts_with('0') {
            return Err(quote(text, "is octal to some readers of YAML and decimal to others"));
        }
        let plain = text.strip_prefix('+').unwrap_or(text);
        let exact = plain.parse::<u64>().map(Number::from).or_else(|_| plain.parse::<i64>().map(Number::from));
        return exact.map_or_else(
            |_| Err(quote(text, "is too large a number to be kept exactly")),
            |number| Ok(Some(Value::Number(number))),
        );
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Err(quote(text, "is not a finite number"));
    }
    if unsigned.contains('_') && number(&text.replace('_', "")) != Ok(None) {
        return Err(quote(text, "is a number to some readers of YAML and text to others"));
    }
    let radix = |prefix: &str, base| {
        unsigned
            .strip_prefix(prefix)
            .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(base)))
    };
    if radix("0x", 16) || radix("0X", 16) || radix("0o", 8) || radix("0b", 2) || radix("0B", 2) {
        return Err(quote(text, "is a number to some readers of YAML and text to others"));
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_float = (all_digits(whole) || whole.is_empty())
        && (all_digits(fraction) || fraction.is_empty())
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| all_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)));
    if !is_float {
        return Ok(None);
    }
    match text.parse::<f64>().ok().and_then(Number::from_f64) {
        Some(number) => Ok(Some(Value::Number(number))),
        None => Err(quote(text, "is not a finite number")),
    }
}

fn quote(text: &str, what: &str) -> Unclear {
    Unclear { message: format!("`{text}` {what}"), fix: format!("if it is text, write \"{text}\"") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn takes_what_every_reader_agrees_on() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("true", json!(true)),
            ("False", json!(false)),
            ("0", json!(0)),
            ("-17", json!(-17)),
            ("+5", json!(5)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            (".5", json!(0.5)),
        ] {
            assert_eq!(resolve(text), Ok(Some(value)), "{text}");
        }
    }

    #[test]
    fn leaves_text_alone() {
        for text in [
            "-",
            "+",
            ".",
            "-x",
            "1.2.3",
            "2026-11-02",
            "10.20.0.0/16",
            "8:30",
            "5s",
            "90d",
            "1e",
            "e1",
            "婚姻",
            "_1",
            "No way",
        ] {
            assert_eq!(resolve(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn refuses_what_readers_disagree_on() {
        for text in [
            "yes",
            "No",
            "ON",
            "y",
            "0123",
            "-01",
            "1_000",
            "0x1F",
            "0o17",
            "0b1",
            "18446744073709551616",
            ".inf",
            "-.INF",
            ".nan",
            "1e999",
            "1_0.5",
        ] {
            assert!(resolve(text).is_err(), "{text}");
        }
    }
}

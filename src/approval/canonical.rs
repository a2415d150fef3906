//! One JSON value, one sequence of bytes, one digest: RFC 8785 after leaving out null members, and
//! SHA-256 over it. A number that a double cannot hold exactly is an error, because two different
//! texts would otherwise share a digest.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};

/// Deeper values have no place in the five kinds, and recursion must end.
const MAX_DEPTH: usize = 128;
/// The largest integer that every JSON reader keeps exactly (RFC 7493).
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
const MAX_SAFE_DOUBLE: f64 = 9_007_199_254_740_991.0;

/// Why a value has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    #[error("the number {0} does not fit a double exactly; write it as a string")]
    InexactNumber(String),
    #[error("the value is nested deeper than {MAX_DEPTH} levels; flatten it")]
    TooDeep,
    #[error("the value cannot be written as JSON: {0}")]
    Unwritable(String),
}

/// The RFC 8785 bytes of `value`, object members that are null left out at every level.
pub fn canonical_json(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::with_capacity(1024);
    write_value(&mut out, value, MAX_DEPTH)?;
    Ok(out)
}

/// SHA-256 of the canonical bytes of `value`.
pub fn digest(value: &Value) -> Result<Digest, CanonicalError> {
    canonical_json(value).map(|bytes| Digest::of(&bytes))
}

fn write_value(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), CanonicalError> {
    let depth = depth.checked_sub(1).ok_or(CanonicalError::TooDeep)?;
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, number)?,
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_value(out, item, depth)?;
            }
            out.push(b']');
        }
        Value::Object(members) => write_object(out, members, depth)?,
    }
    Ok(())
}

fn write_object(out: &mut Vec<u8>, members: &Map<String, Value>, depth: usize) -> Result<(), CanonicalError> {
    let mut sorted: Vec<_> = members.iter().filter(|(_, value)| !value.is_null()).collect();
    // UTF-16 order, which differs from UTF-8's where surrogates meet U+E000 and above
    sorted.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (at, (name, value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write_value(out, value, depth)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_number(out: &mut Vec<u8>, number: &Number) -> Result<(), CanonicalError> {
    let inexact = || CanonicalError::InexactNumber(number.to_string());
    if let Some(integer) = number.as_i64().map(i64::unsigned_abs).or_else(|| number.as_u64()) {
        if integer > MAX_SAFE_INTEGER {
            return Err(inexact());
        }
        out.extend_from_slice(number.to_string().as_bytes());
        return Ok(());
    }
    let double = number.as_f64().filter(|double| double.is_finite()).ok_or_else(inexact)?;
    // below 1e21 a whole double is written as an integer, and would be refused when it is read again
    if MAX_SAFE_DOUBLE < double.abs() && double.abs() < 1e21 {
        return Err(inexact());
    }
    out.extend_from_slice(ryu_js::Buffer::new().format_finite(double).as_bytes());
    Ok(())
}

/// RFC 8785's escapes: the two-character ones, `\u00xx` for other controls, nothing else.
fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let hex = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            control @ 0..0x20 => {
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(control >> 4), hex(control & 15)]);
            }
            plain => out.push(plain),
        }
    }
    out.push(b'"');
}

/// A SHA-256, written `sha256:<64 lower-case hex digits>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // every recorded call names one: pair by pair through `write!` is twenty times slower
        let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) };
        let mut hex = [0; 64];
        for (place, nibble) in hex.iter_mut().zip(self.0.iter().flat_map(|byte| [byte >> 4, byte & 0xf])) {
            *place = digit(nibble);
        }
        f.write_str("sha256:")?;
        f.write_str(std::str::from_utf8(&hex).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest is written sha256: and 64 lower-case hexadecimal digits; `datashare digest` prints it")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let hex = text.strip_prefix("sha256:").ok_or(DigestError)?.as_bytes();
        let (pairs, []) = hex.as_chunks::<2>() else { return Err(DigestError) };
        let bytes: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(DigestError)
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;

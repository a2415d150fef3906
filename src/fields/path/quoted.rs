//! Quoted member names of a path, `['…']` and `["…"]`, with the escapes of RFC 9535.

use std::fmt::{self, Write};
use std::str::Chars;

/// Reads behind the opening quote up to the closing `]`; gives the name and what follows.
pub(super) fn read(text: &str, quote: char) -> Option<(String, &str)> {
    let mut chars = text.chars();
    let mut name = String::new();
    loop {
        match chars.next()? {
            c if c == quote => return Some((name, chars.as_str().strip_prefix(']')?)),
            '\\' => name.push(escape(&mut chars, quote)?),
            c if c < ' ' => return None,
            c => name.push(c),
        }
    }
}

fn escape(chars: &mut Chars<'_>, quote: char) -> Option<char> {
    Some(match chars.next()? {
        c if c == quote => c,
        c @ ('\\' | '/') => c,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let first = hex4(chars)?;
            if !(0xd800..0xdc00).contains(&first) {
                return char::from_u32(first);
            }
            let (Some('\\'), Some('u')) = (chars.next(), chars.next()) else { return None };
            let second = hex4(chars)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
            char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second)?
        }
        _ => return None,
    })
}

fn hex4(chars: &mut Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |value, _| Some(value * 16 + chars.next()?.to_digit(16)?))
}

/// The normal form of RFC 9535, section 2.7.
pub(super) fn write(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    f.write_str("['")?;
    for c in name.chars() {
        match c {
            '\'' | '\\' => write!(f, "\\{c}")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_str("']")
}

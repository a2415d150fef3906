//! Cuts a text at its document marks and refuses characters that hide what a text says. Both work
//! on bytes, before any parser sees them.

use super::{YamlError, YamlFault};

/// The text of one document, its `---` line included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'t> {
    pub text: &'t str,
    /// Line of the file on which `text` starts, from 1.
    pub first_line: u32,
    pub number: u32,
}

/// The parts of a text between its marks. `---` opens one, `...` closes one.
pub(super) fn parts(text: &str) -> Parts<'_> {
    Parts { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, number: 0 }
}

pub(super) struct Parts<'t> {
    rest: &'t str,
    line: u32,
    number: u32,
}

impl<'t> Iterator for Parts<'t> {
    type Item = Part<'t>;

    fn next(&mut self) -> Option<Part<'t>> {
        if self.rest.is_empty() {
            return None;
        }
        let (first_line, number) = (self.line, self.number);
        let mut length = 0;
        let mut skipped = 0;
        for line in self.rest.split_inclusive('\n') {
            if length > 0 && is_mark(line, "---") {
                break;
            }
            self.line = self.line.saturating_add(1);
            if is_mark(line, "...") {
                skipped = line.len();
                break;
            }
            length += line.len();
        }
        self.number = number.saturating_add(1);
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest.get(skipped..)?;
        Some(Part { text, first_line, number })
    }
}

/// A mark stands at column one and alone, or a blank follows it.
fn is_mark(line: &str, mark: &str) -> bool {
    line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

/// Refuses control characters, stray carriage returns, Unicode line separators and characters that
/// reorder text on a screen: a reviewer does not see them, and readers of YAML disagree on them.
pub(super) fn check_characters(text: &str, first_line: u32) -> Result<(), YamlError> {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let hidden = |(index, byte): &(usize, &u8)| match **byte {
        b'\t' | b'\n' => false,
        b'\r' => at(index + 1) != b'\n',
        0..0x20 | 0x7f => true,
        0xc2 => at(index + 1) < 0xa0,
        0xe2 => matches!((at(index + 1), at(index + 2)), (0x80, 0xa8..=0xae) | (0x81, 0xa6..=0xa9)),
        0xef => matches!((at(index + 1), at(index + 2)), (0xbb, 0xbf) | (0xbf, 0xbe..=0xbf)),
        _ => false,
    };
    let Some((index, _)) = bytes.iter().enumerate().find(hidden) else { return Ok(()) };
    let before = text.get(..index).unwrap_or_default();
    let lines = u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let code = text.get(index..).and_then(|rest| rest.chars().next()).map_or(0, u32::from);
    Err(YamlError::new(
        YamlFault::Refused,
        (first_line.saturating_add(lines), u32::try_from(column).unwrap_or(u32::MAX)),
        format!("the invisible character U+{code:04X} is not allowed"),
        "remove it (in a quoted text it may be written as an escape)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(&str, u32)> {
        parts(text).map(|part| (part.text, part.first_line)).collect()
    }

    #[test]
    fn cuts_only_at_marks() {
        assert_eq!(cut("a: 1\n---\nb: 2\n"), [("a: 1\n", 1), ("---\nb: 2\n", 2)]);
        assert_eq!(cut("---\na: |\n  ---\n---- x\n--- b\n"), [("---\na: |\n  ---\n---- x\n", 1), ("--- b\n", 5)]);
        assert_eq!(cut("a\n...\nb"), [("a\n", 1), ("b", 3)]);
        assert_eq!(cut("---\r\na: 1\r\n---\r\n"), [("---\r\na: 1\r\n", 1), ("---\r\n", 3)]);
        assert_eq!(cut(""), []);
    }

    #[test]
    fn names_the_place_of_what_cannot_be_seen() {
        for hidden in ["\0", "\u{7f}", "\u{85}", "\u{2028}", "\u{202e}", "\u{2067}", "\u{feff}", "\u{ffff}", "\r"] {
            let error = check_characters(&format!("a: 1\n婚姻: {hidden}x"), 3).unwrap_err();
            assert_eq!((error.line, error.column), (4, 5), "{hidden:?}");
        }
        check_characters("a: 婚姻登记，“是” é — \u{a0}\t\r\n", 1).unwrap();
    }
}

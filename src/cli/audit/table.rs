//! Entries for an auditor's eyes. Columns are as wide as what they hold, page by page; nothing in an
//! entry can move the cursor or colour the terminal.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::mem;

use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use super::Show;
use crate::audit::Recorded;
use crate::audit::query::Found;

const COLUMNS: [&str; 12] = [
    "TIME",
    "EVENT",
    "UNIT",
    "USER",
    "CASE",
    "CONSENT",
    "RESOURCE/OPERATION",
    "FIELDS",
    "ITEMS",
    "OUTCOME",
    "GRANT",
    "RECEIPT",
];

/// Rows whose widths are found together.
const PAGE: usize = 500;

type Row = [String; COLUMNS.len()];

pub struct Table<'a> {
    out: &'a mut dyn Write,
    zone: TimeZone,
    page: Vec<Row>,
    widths: [usize; COLUMNS.len()],
    begun: bool,
}

impl<'a> Table<'a> {
    pub fn new(out: &'a mut dyn Write, zone: TimeZone) -> Self {
        Self { out, zone, page: Vec::new(), widths: [0; COLUMNS.len()], begun: false }
    }

    fn turn_page(&mut self) -> io::Result<()> {
        let mut rows = mem::take(&mut self.page);
        if !self.begun && !rows.is_empty() {
            rows.insert(0, COLUMNS.map(str::to_owned));
            self.begun = true;
        }
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let mut line = String::new();
        for row in rows {
            line.clear();
            for (cell, width) in row.iter().zip(self.widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
            }
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn row(&self, entry: &Recorded) -> Row {
        let text = |value: &Option<String>| value.as_deref().map_or_else(|| "-".to_owned(), plain);
        let mut place = entry.resource.as_ref().map_or(String::new(), |at| format!("{}/{}", at.namespace, at.name));
        if let Some(operation) = &entry.operation {
            let _ = write!(place, " {operation}");
        }
        let result = [entry.outcome.map(|outcome| outcome.as_str().to_owned()), entry.code.clone()];
        let result = result.into_iter().flatten().collect::<Vec<_>>().join(" ");
        [
            entry.time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string(),
            entry.event.as_str().to_owned(),
            text(&entry.unit.as_ref().map(|unit| unit.name.clone())),
            text(&entry.user),
            text(&entry.case),
            text(&entry.consent),
            text(&some(place)),
            text(&some(entry.fields.join(","))),
            entry.items.map_or_else(|| "-".to_owned(), |items| items.to_string()),
            text(&some(result)),
            text(&entry.grant.as_ref().map(|grant| grant.serial.clone())),
            plain(&entry.receipt()),
        ]
    }
}

impl Show for Table<'_> {
    fn add(&mut self, found: &Found) -> io::Result<()> {
        let row = self.row(&found.entry()?);
        self.page.push(row);
        if self.page.len() >= PAGE { self.turn_page() } else { Ok(()) }
    }

    fn end(&mut self) -> io::Result<()> {
        self.turn_page()?;
        self.out.flush()
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The text with everything that steers a terminal, or turns the direction of writing, made visible.
pub(in crate::cli) fn plain(text: &str) -> String {
    let steers = |letter: char| {
        // Unicode's Bidi_Control, and its line ends
        letter.is_control()
            || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if steers(letter) { plain.extend(letter.escape_unicode()) } else { plain.push(letter) }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(plain("张\u{1b}[31m\n\u{202e}三"), "张\\u{1b}[31m\\u{a}\\u{202e}三");
        // all of Bidi_Control (PropList.txt)
        for letter in ['\u{61c}', '\u{200e}', '\u{200f}']
            .into_iter()
            .chain('\u{202a}'..='\u{202e}')
            .chain('\u{2066}'..='\u{2069}')
        {
            assert_eq!(plain(&letter.to_string()), letter.escape_unicode().to_string());
        }
    }
}

//! Rows under headings, as wide as what they hold; Chinese takes two cells. Nothing in a cell can
//! move the cursor or colour the terminal.

use unicode_width::UnicodeWidthStr;

use super::audit::plain;

/// The rows as text, each on a line of its own, headings first. Short rows are fine.
#[must_use]
pub fn draw(headings: &[String], rows: &[Vec<String>]) -> String {
    let clean = |row: &[String]| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>();
    let all: Vec<Vec<String>> = std::iter::once(clean(headings)).chain(rows.iter().map(|row| clean(row))).collect();
    let mut widths = vec![0; headings.len()];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut out = String::new();
    for row in &all {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 3));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_up_by_cells() {
        let text = draw(&["A".into(), "B".into()], &[vec!["济南".into(), "x\n".into()], vec!["ab".into()]]);
        assert_eq!(text, "A      B\n济南   x\\u{a}\nab\n");
    }
}

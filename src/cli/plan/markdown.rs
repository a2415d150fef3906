//! The plan as a pull request's comment. What stands in it comes from people who may want it to look
//! otherwise: every text is escaped.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::access::FieldWords;
use super::diff::{Change, Diff, Effect};
use super::table::rows;
use super::words;
use crate::cli::audit::plain;

pub(super) fn draw(old: &str, new: &str, diff: &Diff, zone: &TimeZone) -> String {
    let mut out = format!("### Who gains or loses what: {} → {}\n\n", escaped(old), escaped(new));
    if diff.is_empty() {
        out.push_str("Nobody gains or loses anything.\n");
        return out;
    }
    if !diff.changes.is_empty() {
        out.push_str("| | Who | Resource | Gains | Loses | Until |\n|---|---|---|---|---|---|\n");
        for change in &diff.changes {
            summary(change, zone, &mut out);
        }
        out.push('\n');
        for change in &diff.changes {
            details(change, zone, &mut out);
        }
    }
    if !diff.revocations.is_empty() {
        out.push_str(
            "#### Revocations\n\n| | Revocation | Target | Clause | Reason | Decided by |\n|---|---|---|---|---|---|\n",
        );
        for one in &diff.revocations {
            let name = format!("{}/{}", one.namespace, one.name);
            let cells = [one.change, &name, &one.target, &one.clause, &one.reason, &one.decided_by].map(escaped);
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        out.push('\n');
    }
    if !diff.not_serving.is_empty() {
        out.push_str(
            "#### Grants that do not serve\n\n| Grant | Serial | Before | Now | Why |\n|---|---|---|---|---|\n",
        );
        for one in &diff.not_serving {
            let cells = [&one.grant, &one.serial, &one.before, &one.after, &one.message].map(|cell| escaped(cell));
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
    }
    out
}

fn summary(change: &Change, zone: &TimeZone, out: &mut String) {
    let sign = match change.effect {
        Effect::Gains => "➕",
        Effect::Loses => "➖",
        Effect::Changes => "✏️",
    };
    let who = format!("{}<br>{}", escaped(&change.unit), escaped(&change.subject.system));
    let what = format!("{}<br>{}", escaped(&change.title), escaped(&change.subject.resource.to_string()));
    let until = change.after.as_ref().map_or_else(|| "—".to_owned(), |access| words::moment(access.until, zone));
    let _ = writeln!(out, "| {sign} | {who} | {what} | {} | {} | {until} |", list(&change.gained), list(&change.lost));
}

fn list(fields: &[FieldWords]) -> String {
    if fields.is_empty() {
        return "—".into();
    }
    let one = |field: &FieldWords| {
        let mark = if field.sensitive { format!(" **{}**", escaped(&field.class)) } else { String::new() };
        format!("{} {}{mark}", escaped(&field.name), escaped(&field.title))
    };
    fields.iter().map(one).collect::<Vec<_>>().join("<br>")
}

fn details(change: &Change, zone: &TimeZone, out: &mut String) {
    let head = format!("{} · {} · {}", change.unit, change.subject.system, change.title);
    let _ = writeln!(out, "<details><summary>{}</summary>\n\n| | |\n|---|---|", escaped(&head));
    if let Some((reason, message)) = &change.ending {
        let _ = writeln!(out, "| because | {}: {} |", escaped(reason), escaped(message));
    }
    for one in &change.differences {
        let _ = writeln!(out, "| {} | {} → {} |", one.what, escaped(&one.from), escaped(&one.to));
    }
    if change.differences.is_empty()
        && let Some(access) = change.after.as_ref().or(change.before.as_ref())
    {
        for (name, text) in rows(access, zone).into_iter().filter(|(_, text)| !text.is_empty()) {
            let _ = writeln!(out, "| {name} | {} |", escaped(&text));
        }
    }
    out.push_str("\n</details>\n\n");
}

/// Text that stays text: no markup, no mention, no second line, no new cell.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in plain(text).chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("@\u{200b}"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '!' | '#' | '~' => {
                out.push('\\');
                out.push(letter);
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_become_markup() {
        assert_eq!(escaped("a|b\n<img> @all [x](y)"), "a\\|b\\\\u{a}&lt;img&gt; @\u{200b}all \\[x\\](y)");
    }
}

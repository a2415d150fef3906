//! The plan for a terminal: one paragraph for each subject.

use std::fmt::Write as _;

use console::style;
use jiff::tz::TimeZone;

use super::access::{Access, FieldWords};
use super::diff::{Change, Diff, Effect};
use super::words;
use crate::cli::audit::plain;

pub(super) fn draw(diff: &Diff, zone: &TimeZone) -> String {
    if diff.is_empty() {
        return "Nobody gains or loses anything.\n".into();
    }
    let mut out = String::new();
    for change in &diff.changes {
        paragraph(change, zone, &mut out);
    }
    if !diff.revocations.is_empty() {
        out.push_str("Revocations\n");
        for one in &diff.revocations {
            let sign = if one.change == "Added" { style("+").green() } else { style("-").red() };
            let what = format!("{}/{}: {}", one.namespace, one.name, one.target);
            let why = format!("clause {}, {} ({})", one.clause, one.reason, one.decided_by);
            let _ = writeln!(out, "  {sign} {} — {}", plain(&what), plain(&why));
        }
        if diff.revocations.iter().any(|one| one.change == "Removed") {
            out.push_str("  Removing a Revocation revives nothing that was signed before.\n");
        }
        out.push('\n');
    }
    if !diff.not_serving.is_empty() {
        out.push_str("Grants that do not serve\n");
        for one in &diff.not_serving {
            let line = format!("{} {}: {} -> {}: {}", one.grant, one.serial, one.before, one.after, one.message);
            let _ = writeln!(out, "  {}", plain(&line));
        }
        out.push('\n');
    }
    let count = |effect| diff.changes.iter().filter(|change| change.effect == effect).count();
    let (gain, lose, change) = (count(Effect::Gains), count(Effect::Loses), count(Effect::Changes));
    let _ = writeln!(out, "{gain} gain access, {lose} lose it, {change} change.");
    out
}

fn paragraph(change: &Change, zone: &TimeZone, out: &mut String) {
    let subject = &change.subject;
    let who = plain(&format!("{} · {} ({})", change.unit, subject.system, subject.unit));
    let what = plain(&format!("{} {}", subject.resource, change.title));
    let (sign, verb) = match change.effect {
        Effect::Gains => (style("+").green().bold(), format!("gains {} of", words::fields(change.gained.len()))),
        Effect::Loses => (style("-").red().bold(), format!("loses {} of", words::fields(change.lost.len()))),
        Effect::Changes => (style("~").yellow().bold(), "has other access to".to_owned()),
    };
    let _ = writeln!(out, "{sign} {} {verb} {what}", style(who).bold());
    let mut line = |name: &str, text: &str| {
        if !text.is_empty() {
            let _ = writeln!(out, "    {name:<12}{}", plain(text));
        }
    };
    let list = |fields: &[FieldWords]| fields.iter().map(words::field).collect::<Vec<_>>().join(", ");
    line("gains", &list(&change.gained));
    line("loses", &list(&change.lost));
    for difference in &change.differences {
        line(difference.what, &format!("{} -> {}", difference.from, difference.to));
    }
    if change.differences.is_empty()
        && let Some(access) = change.after.as_ref().or(change.before.as_ref())
    {
        for (name, text) in rows(access, zone) {
            line(name, &text);
        }
    }
    if let Some((reason, message)) = &change.ending {
        line("because", &format!("{reason}: {message}"));
    }
    out.push('\n');
}

/// The terms of an access, in the order in which a reviewer asks.
pub(super) fn rows(access: &Access, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let operations: Vec<&str> = access.operations.iter().map(String::as_str).collect();
    let users = access.users.as_ref().map(|users| users.iter().cloned().collect::<Vec<_>>().join(", "));
    vec![
        ("purpose", access.purpose.clone()),
        ("operations", operations.join(", ")),
        ("users", users.unwrap_or_else(|| "any the system names".into())),
        ("requires", access.requires.join(", ")),
        ("quota", access.quota.clone().unwrap_or_else(|| "unlimited".into())),
        ("until", words::moment(access.until, zone)),
        ("approved by", access.approved_by.join(", ")),
        ("serial", access.serials.join(", ")),
    ]
}

//! Findings for people, and for a pull request's page.

use std::fmt::Write as _;

use console::style;

use super::finding::Told;
use crate::cli::audit::plain;
use crate::source::finding::Severity;

/// Two lines each: what and where, then the mend.
pub(super) fn text(told: &[Told]) -> String {
    let mut out = String::new();
    for one in told {
        let severity = match one.severity {
            Severity::Error => style("error").red().bold(),
            Severity::Warning => style("warning").yellow().bold(),
            Severity::Note => style("note").cyan(),
        };
        let place = style(format!("{}:{}", plain(&one.file), one.line)).bold();
        let _ = write!(out, "{place}: {severity}: {}{}", about(one), plain(&one.message));
        let _ = writeln!(out, " [{}]\n    {} {}", one.code, style("->").dim(), plain(&one.fix));
    }
    out
}

fn about(one: &Told) -> String {
    let mut about = String::new();
    if let (Some(kind), Some(namespace), Some(name)) = (&one.kind, &one.namespace, &one.name) {
        let _ = write!(about, "{} {}/{}: ", plain(kind), plain(namespace), plain(name));
    }
    if let Some(member) = &one.member {
        let _ = write!(about, "{}: ", plain(member));
    }
    about
}

/// How many of each.
pub(super) fn summary(told: &[Told]) -> String {
    let count = |severity| told.iter().filter(|one| one.severity == severity).count();
    let many = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let parts = [
        many(count(Severity::Error), "error"),
        many(count(Severity::Warning), "warning"),
        many(count(Severity::Note), "note"),
    ];
    parts.join(", ")
}

/// Workflow commands of GitHub Actions.
pub(super) fn github(told: &[Told]) -> String {
    let mut out = String::new();
    for one in told {
        let command = match one.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let (file, title) = (property(&one.file), property(&format!("datashare: {}", one.code)));
        let message = data(&format!("{}{}\n{}", about(one), one.message, one.fix));
        let _ = writeln!(out, "::{command} file={file},line={},title={title}::{message}", one.line);
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_workflow_command() {
        assert_eq!(property("a:b,c%\n::error::x"), "a%3Ab%2Cc%25%0A%3A%3Aerror%3A%3Ax");
        assert_eq!(data("a:b,c%\r\n"), "a:b,c%25%0D%0A");
    }
}

//! The decision in plain words: who gets which fields of what, why, until when, and what is different
//! from the grant that it replaces. What others wrote is shown without anything that moves a cursor or
//! turns the direction of reading, so that the approver reads what is there.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::case::Case;
use super::check::Foreseen;
use crate::api::v1alpha1::AccessGrantSpec;
use crate::api::v1alpha1::access_grant::{Decision, Quota};
use crate::api::v1alpha1::common::Requires;
use crate::approval::sshsig::KeyId;

/// Everything the approver should know, as lines.
pub(super) fn summary(case: &Case<'_>, role: &str, principal: &str, key: &KeyId, foreseen: &Foreseen) -> String {
    let mut page = Page::default();
    let spec = &case.spec;
    let denied = spec.decision == Decision::Denied;
    page.line(&format!("{}  (AccessGrant {}/{})", spec.serial, case.namespace, case.name));
    page.line("");
    who(&mut page, case, denied);
    if denied {
        page.entry("is denied", &spec.reason.clone().unwrap_or_default());
    } else {
        what(&mut page, case);
        until_when(&mut page, case);
    }
    if let Some(older) = case.superseded {
        changes(&mut page, case, older);
    } else if let Some(serial) = &spec.supersedes {
        page.entry("replaces", &format!("{serial}, which is not in this directory"));
    }
    page.line("");
    page.entry("you sign as", &format!("{role}, {principal}"));
    page.entry("with the key", &key.to_string());
    page.entry("for the site", &case.site.name);
    for flaw in &foreseen.flaws {
        page.entry("attention", flaw);
    }
    if !denied {
        let missing = foreseen.missing.iter();
        let open: Vec<_> = missing.map(|(role, n, from)| format!("{n} as {role} (from {})", from.join(", "))).collect();
        let open = if open.is_empty() { "nobody".into() } else { open.join("; ") };
        page.entry("then missing", &open);
    }
    page.0
}

fn who(page: &mut Page, case: &Case<'_>, denied: bool) {
    let applicant = &case.request.applicant;
    page.entry("unit", &format!("{} ({})", applicant.unit.name, applicant.unit.code));
    page.entry("system", &format!("{}, from {}", applicant.system.name, applicant.system.sources.join(", ")));
    if let Some(developer) = &applicant.developer {
        let foreign = if developer.foreign == Some(true) { ", foreign" } else { "" };
        page.entry("built by", &format!("{}{foreign}", developer.name));
    }
    page.entry("purpose", &case.request.purpose);
    if let Some(basis) = &case.request.legal_basis {
        page.entry("basis named", basis);
    }
    let resource = format!("{} ({}/{})", case.resource.title, case.namespace, case.spec.resource_ref.name);
    page.entry(if denied { "asked for" } else { "gets" }, &resource);
    if denied {
        let all: Vec<_> = case.request.fields.iter().map(|name| titled(case, name)).collect();
        page.entry("fields", &all.join(", "));
    }
}

fn what(page: &mut Page, case: &Case<'_>) {
    let spec = &case.spec;
    let granted = spec.fields.as_deref().unwrap_or_default();
    let catalogue = &case.resource.fields;
    let rows: Vec<_> = granted
        .iter()
        .map(|name| match catalogue.iter().find(|field| field.name == *name) {
            Some(field) => (field.title.as_str(), name.as_str(), format!("{:?}", field.class)),
            None => ("?", name.as_str(), "not in the catalogue".into()),
        })
        .collect();
    page.entry("fields", &format!("{} of {} asked for", rows.len(), case.request.fields.len()));
    let width = |pick: fn(&(&str, &str, String)) -> usize| rows.iter().map(pick).max().unwrap_or_default();
    let (title_width, name_width) = (width(|row| row.0.width()), width(|row| row.1.width()));
    for (title, name, class) in &rows {
        page.item(&format!("{}  {}  {class}", padded(title, title_width), padded(name, name_width)));
    }
    let left: Vec<_> =
        case.request.fields.iter().filter(|name| !granted.contains(name)).map(|name| titled(case, name)).collect();
    if !left.is_empty() {
        page.entry("not granted", &left.join(", "));
    }
    if let Some(operations) = &spec.operations {
        page.entry("by calling", &operations.join(", "));
    }
    page.entry("users", &spec.users.as_ref().map_or("any that the system names".into(), |users| listed(users)));
    page.entry("each call names", &requirements(spec.requires.as_ref(), case.resource.requires.as_ref()));
    if let Some(basis) = &spec.legal_basis {
        page.entry("legal basis", basis);
    }
}

fn until_when(page: &mut Page, case: &Case<'_>) {
    let spec = &case.spec;
    let time = |text: &Option<String>| text.clone().unwrap_or_default();
    page.entry("from", &time(&spec.not_before));
    page.entry("until", &format!("{} (asked for: {})", time(&spec.not_after), case.request.not_after));
    if spec.quota.is_some() {
        page.entry("calls", &ceilings(spec.quota.as_ref()));
    }
}

fn ceilings(quota: Option<&Quota>) -> String {
    let parts = [(quota.and_then(|q| q.per_second), "a second"), (quota.and_then(|q| q.per_day), "a day")];
    let parts: Vec<_> = parts.iter().filter_map(|(n, per)| n.map(|n| format!("{n} {per}"))).collect();
    if parts.is_empty() { "without a ceiling".into() } else { format!("at most {}", parts.join(", ")) }
}

/// What is different from the grant that this one replaces.
fn changes(page: &mut Page, case: &Case<'_>, older: &AccessGrantSpec) {
    page.entry("replaces", &format!("{}; against it:", older.serial));
    let mut same = true;
    let mut change = |text: String| {
        same = false;
        page.item(&text);
    };
    let spec = &case.spec;
    for (sign, here, there) in [("+", spec, older), ("-", older, spec)] {
        for (label, pick) in LISTS {
            let other = pick(there).unwrap_or_default();
            for name in pick(here).unwrap_or_default().iter().filter(|name| !other.contains(name)) {
                let name = if *label == "field" { titled(case, name) } else { name.clone() };
                change(format!("{sign} {label} {name}"));
            }
        }
    }
    for (label, before, now) in [
        ("users", older.users.is_none().then_some("any"), spec.users.is_none().then_some("any")),
        ("until", older.not_after.as_deref(), spec.not_after.as_deref()),
        ("legal basis", older.legal_basis.as_deref(), spec.legal_basis.as_deref()),
    ] {
        if before != now {
            change(format!("{label}: {} → {}", before.unwrap_or("listed or none"), now.unwrap_or("listed or none")));
        }
    }
    let required = |spec: &AccessGrantSpec| requirements(spec.requires.as_ref(), None);
    if required(older) != required(spec) {
        change(format!("each call names: {} → {}", required(older), required(spec)));
    }
    if older.quota != spec.quota {
        change(format!("calls: {} → {}", ceilings(older.quota.as_ref()), ceilings(spec.quota.as_ref())));
    }
    if same {
        page.item("nothing but the number and the beginning");
    }
}

type Pick = fn(&AccessGrantSpec) -> Option<&[String]>;
const LISTS: &[(&str, Pick)] = &[
    ("field", |spec| spec.fields.as_deref()),
    ("operation", |spec| spec.operations.as_deref()),
    ("user", |spec| spec.users.as_deref()),
];

fn requirements(own: Option<&Requires>, resource: Option<&Requires>) -> String {
    let asks =
        |pick: fn(&Requires) -> Option<bool>| [own, resource].into_iter().flatten().any(|r| pick(r) == Some(true));
    let named = [("user", asks(|r| r.user)), ("case", asks(|r| r.case)), ("consent", asks(|r| r.consent))];
    let named: Vec<_> = named.into_iter().filter_map(|(name, asked)| asked.then_some(name)).collect();
    if named.is_empty() { "nothing".into() } else { named.join(", ") }
}

fn titled(case: &Case<'_>, name: &str) -> String {
    let field = case.resource.fields.iter().find(|field| field.name == name);
    field.map_or_else(|| name.to_owned(), |field| format!("{} ({name})", field.title))
}

/// A list of people; long ones by number, since the file holds them.
fn listed(users: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<_> = users.iter().take(SHOWN).map(String::as_str).collect();
    match users.len().checked_sub(SHOWN) {
        None | Some(0) if users.is_empty() => "nobody".into(),
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Lines of a label and a text.
#[derive(Default)]
struct Page(String);

impl Page {
    const LABEL: usize = 16;

    fn line(&mut self, text: &str) {
        self.0.push_str(&plain(text));
        self.0.push('\n');
    }

    fn entry(&mut self, label: &str, text: &str) {
        let line = format!("  {label:<width$}{}", plain(text), width = Self::LABEL);
        // writing to a string cannot fail
        let _ = writeln!(self.0, "{}", line.trim_end());
    }

    fn item(&mut self, text: &str) {
        self.entry("", text);
    }
}

/// Without controls and without the marks that turn or hide text.
fn plain(text: &str) -> String {
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().map(|c| if hides(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_play_with_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\nd 济南"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d 济南");
    }

    #[test]
    fn long_lists_are_counted() {
        let users: Vec<_> = (0..14).map(|n| format!("p{n}")).collect();
        assert_eq!(listed(&[]), "nobody");
        assert!(listed(&users).ends_with("p11 and 2 more"));
        assert_eq!(listed(&users[..2]), "p0, p1");
    }
}

//! `datashare.yaml` at the root of a directory: read as strictly as objects are.

use super::directory::{SETTINGS, Seen, Stamp};
use super::finding::{Finding, FindingCode};
use super::typed::{nearest, plain};
use super::yaml;
use crate::settings::{MEMBERS, Settings};

/// The settings that a look at the file found, or findings that name line, member and mend.
pub(super) fn from_seen(seen: Seen) -> (Option<Stamp>, Result<Settings, Vec<Finding>>) {
    match seen {
        Seen::Text(stamp, text) => (Some(stamp), parse(&text)),
        Seen::Unreadable(stamp, finding) => (Some(stamp), Err(vec![*finding])),
        Seen::Absent => {
            let fix = "write it at the root of the directory, with at least `site: name-of-this-installation`";
            (None, Err(vec![fault(1, "the settings file is missing", fix)]))
        }
    }
}

/// The settings that a text says.
pub(super) fn parse(text: &str) -> Result<Settings, Vec<Finding>> {
    let mut documents = yaml::parse(text);
    let document = match (documents.len(), documents.pop()) {
        (1, Some(Ok(document))) => document,
        (1, Some(Err(error))) => return Err(vec![fault(error.line, &error.message, &error.fix)]),
        _ => {
            return Err(vec![fault(1, "the settings are not one document", "write `site: name-of-this-installation`")]);
        }
    };
    serde_path_to_error::deserialize(&document.value).map_err(|error| {
        let member = error.path().to_string().trim_matches(['.', '?']).to_owned();
        let (line, _) = yaml::locate(text, document.spot, &member);
        let (message, fix) = explain(&error.into_inner().to_string());
        let mut finding = fault(line, &message, &fix);
        finding.member = Some(member).filter(|member| !member.is_empty());
        vec![finding]
    })
}

/// serde's wording, or our own with its mend behind `; `, as sentence and mend.
fn explain(message: &str) -> (String, String) {
    let named = message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("unknown field") {
        let fix = nearest(named, &MEMBERS).map_or_else(
            || format!("remove it; the members are {}", MEMBERS.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return (format!("there is no member `{named}`"), fix);
    }
    if message.starts_with("missing field") {
        return (format!("`{named}` is missing"), format!("add `{named}: name-of-this-installation`"));
    }
    if let Some((_, wanted)) = message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once("expected ")) {
        return (format!("must be {}", plain(wanted)), format!("write {}", plain(wanted)));
    }
    let (message, fix) = message.split_once("; ").unwrap_or((message, "correct it"));
    (message.to_owned(), fix.to_owned())
}

fn fault(line: u32, message: &str, fix: &str) -> Finding {
    Finding::of_file(FindingCode::SettingsInvalid, SETTINGS, line, message, fix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_line_and_member() {
        assert_eq!(parse("# ours\nsite: jinan\n").unwrap().site, "jinan");
        let wrong = |text| parse(text).unwrap_err().remove(0);
        let finding = wrong("site: a\nmaxStaleness: 2d\n");
        assert_eq!((finding.line, finding.member.as_deref()), (2, Some("maxStaleness")));
        let finding = wrong("site: a\n\nmaxStalenes: 2m\n");
        assert_eq!((finding.line, finding.member.as_deref()), (3, Some("maxStalenes")));
        assert_eq!(
            (finding.message.as_str(), finding.fix.as_str()),
            ("there is no member `maxStalenes`", "did you mean `maxStaleness`?")
        );
        for (text, message, fix) in [
            ("sites: [a]\n", "there is no member `sites`", "did you mean `site`?"),
            ("site: a\ncolour: red\n", "there is no member `colour`", "remove it; the members are site"),
            ("timeZone: UTC\n", "`site` is missing", "add `site: "),
            ("site: 5\n", "must be text", "write text"),
            ("site: a\ntrustedGateways: 10.0.0.0/8\n", "must be a list", "write a list"),
            ("site: a\ntimeZone: Asia/Shangai\n", "there is no time zone `Asia/Shangai`", "write a name such as"),
            ("site: a\nmaxStaleness: 2d\n", "maxStaleness must be between 1s and 1h", "write it as in 30s"),
        ] {
            let finding = wrong(text);
            assert_eq!(finding.message, message);
            assert!(finding.fix.starts_with(fix), "{text}: {}", finding.fix);
        }
        assert_eq!(wrong("timeZone: UTC\n").line, 1);
        assert_eq!(wrong("").line, 1);
        assert_eq!(wrong("site: a\nsite: b\n").line, 2);
    }

    proptest! {
        #[test]
        fn whatever_is_written_every_fault_has_a_line_and_a_mend(
            text in "((site|timeZone|maxStaleness|trustedGateways|x): ?[a-z0-9/\\[\\]{}'\",&*-]{0,8}\n|---\n|\\PC{0,10}\n){0,6}",
        ) {
            let lines = u32::try_from(text.matches('\n').count()).unwrap() + 1;
            for finding in parse(&text).err().into_iter().flatten() {
                prop_assert!((1..=lines).contains(&finding.line), "{:?}", finding);
                prop_assert!(!finding.message.is_empty() && !finding.fix.is_empty());
            }
        }
    }
}

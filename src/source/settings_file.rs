//! `datashare.yaml` at the root of a directory: read as strictly as objects are.

use super::directory::{SETTINGS, Seen, Stamp};
use super::finding::{Finding, FindingCode};
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

fn parse(text: &str) -> Result<Settings, Vec<Finding>> {
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
        let message = error.into_inner().to_string();
        let fix = format!("the members are {}", MEMBERS.join(", "));
        let mut finding = fault(line, &message, &fix);
        finding.member = Some(member).filter(|member| !member.is_empty());
        vec![finding]
    })
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

//! `allowed_signers`: a void line is as if it were not there, a good one counts whatever stands around
//! it, and nobody is listed by a wildcard.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datashare::approval::signers::{IssueKind, Signers};
use datashare::approval::sshsig::KeyId;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIEAWvOcN3mBqcaL19CD51x0/F6oQyl2YvBWp/Mhs7u4w";

fuzz_target!(|text: &str| {
    let (signers, issues) = Signers::parse(text);
    assert!(issues.len() <= 100);
    let count = text.lines().count();
    assert!(issues.iter().all(|issue| (1..=count).contains(&issue.line) && !issue.mend.is_empty()));

    let void: Vec<_> = issues.iter().filter(|issue| issue.kind == IssueKind::Void).map(|issue| issue.line).collect();
    if issues.len() < 100 {
        let kept: Vec<_> = (1..).zip(text.lines()).filter(|(at, _)| !void.contains(at)).map(|(_, line)| line).collect();
        assert_eq!(Signers::parse(&kept.join("\n")).0, signers, "void lines count for nothing");
    }

    let key = KeyId::of_blob(&STANDARD.decode(BLOB).unwrap());
    for principal in signers.principals_of(&key) {
        assert!(text.contains(principal) && !principal.is_empty() && !principal.contains(['*', '?', '!', ',']));
    }
    let (more, _) = Signers::parse(&format!("{text}\nadded@x ssh-ed25519 {BLOB}\n"));
    assert_eq!(more.check("added@x", &key, Timestamp::UNIX_EPOCH), Ok(()));
    assert!(signers.principals_of(&key).iter().all(|principal| more.knows(principal)));
});

//! An approval put into a grant's text: every line that stood there still stands there in its order, and
//! when the result is read the grant has one approval more and nothing else changed, or the command,
//! which reads it back, refuses it.
#![no_main]

use datashare::api::v1alpha1::access_grant::Approval;
use datashare::source::object::{Object, Spec};
use datashare::{api, source};
use datashare_fuzz::{let_caught_panics_pass, objects};
use libfuzzer_sys::fuzz_target;

#[path = "../../../src/cli/approve/insert.rs"]
mod insert;

fn read(text: &str) -> Vec<Object> {
    objects(text).into_iter().filter_map(|loaded| loaded.object).collect()
}

fuzz_target!(init: let_caught_panics_pass(), |text: &str| {
    let approval = Approval {
        role: "DataAuthority".into(),
        principal: "share@bigdata.jinan".into(),
        approved_at: "2026-11-05T00:00:00+08:00".into(),
        signature: "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n".into(),
    };
    let Some(after) = insert::approval(text, "jinan-registration", "deed-tax", &approval).unwrap() else { return };
    let mut lines = after.lines();
    for line in text.lines() {
        assert!(lines.any(|other| other == line), "{line:?} is gone from\n{after}");
    }
    let (old, new) = (read(text), read(&after));
    if old.len() != new.len() {
        return;
    }
    let changed: Vec<_> = old.iter().zip(&new).filter(|(old, new)| old != new).collect();
    for (old, new) in &changed {
        let (Spec::AccessGrant(before), Spec::AccessGrant(grant)) = (&old.spec, &new.spec) else { continue };
        if grant.approvals.as_ref().and_then(|all| all.last()) == Some(&approval) {
            let mut taken = grant.clone();
            let list = taken.approvals.as_mut().unwrap();
            list.pop();
            let mut rest = std::mem::take(list);
            let mut earlier = before.approvals.clone().unwrap_or_default();
            // a block that the end of the file cut short ends its line now; the signature in it is the same
            for approval in rest.iter_mut().chain(&mut earlier) {
                approval.signature.truncate(approval.signature.trim_end().len());
            }
            assert_eq!(rest, earlier);
        }
    }
});

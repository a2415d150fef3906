//! The sentence at each of the places where one name stands twice.

use crate::api::v1alpha1::Kind;
use crate::source::finding::{Finding, FindingCode};
use crate::source::object::ObjectKey;

/// What to say at each place of objects that share kind, namespace and name.
pub(super) fn duplicates(key: &ObjectKey, spots: &[(&str, u32)]) -> Vec<Finding> {
    let finding = |(index, (file, line)): (usize, &(&str, u32))| {
        let (other, other_line) = spots.get(usize::from(index == 0))?;
        let message = format!("{key} stands at {other}:{other_line} too");
        let fix = if key.kind() == Kind::Revocation {
            "both stay in force; keep one, or give them different names"
        } else {
            "neither counts until one is removed or renamed"
        };
        let mut finding = Finding::of_file(FindingCode::ObjectDuplicate, file, *line, message, fix);
        finding.kind = Some(key.kind().name().to_owned());
        finding.namespace = Some(key.namespace().to_owned());
        finding.name = Some(key.name().to_owned());
        finding.member = Some("metadata.name".to_owned());
        Some(finding)
    };
    spots.iter().enumerate().filter_map(finding).collect()
}

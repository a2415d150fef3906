//! One more approval in a grant's YAML text, without moving anything else: comments, order and
//! quoting stay. Whether the place was right is checked by whoever reads the result.

use serde_json::Value;

use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::access_grant::Approval;
use crate::source::yaml::{self, Document, EmitError};

/// The text with `approval` at the end of the grant's list; `None` when there is no place for it.
pub(super) fn approval(
    text: &str,
    namespace: &str,
    name: &str,
    approval: &Approval,
) -> Result<Option<String>, EmitError> {
    let is_grant = |document: &Document| {
        let member = |path| document.value.pointer(path).and_then(Value::as_str);
        member("/kind") == Some(Kind::AccessGrant.name())
            && member("/metadata/namespace") == Some(namespace)
            && member("/metadata/name") == Some(name)
    };
    let Some(document) = yaml::parse(text).into_iter().flatten().find(is_grant) else { return Ok(None) };
    let item = yaml::emit(&[approval])?;
    let has_list = document.value.pointer("/spec/approvals").and_then(Value::as_array).is_some_and(|a| !a.is_empty());
    let (member, start) = if has_list { ("spec.approvals[0]", "- ") } else { ("spec.serial", "serial:") };
    let (line, _) = yaml::locate(text, document.spot, member);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let first = (line as usize).saturating_sub(1);
    let Some(written) = lines.get(first).filter(|written| written.trim_start().starts_with(start)) else {
        return Ok(None);
    };
    let indent = leading(written);
    let last = block_end(&lines, first, indent, has_list);
    let mut out: String = lines.iter().take(last + 1).copied().collect();
    if !out.ends_with('\n') {
        out.push('\n');
    }
    let pad: &str = &" ".repeat(indent);
    if !has_list {
        out.extend([pad, "approvals:\n"]);
    }
    for line in item.lines() {
        out.extend([pad, line, "\n"]);
    }
    out.extend(lines.iter().skip(last + 1).copied());
    Ok(Some(out))
}

fn leading(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The last line of the block that begins in line `first` at `indent`. Blank lines and comments belong
/// to it only when more of it follows.
fn block_end(lines: &[&str], first: usize, indent: usize, is_list: bool) -> usize {
    let mut last = first;
    for (at, line) in lines.iter().enumerate().skip(first + 1) {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let inside = leading(line) > indent || leading(line) == indent && (!is_list || content.starts_with('-'));
        if !inside {
            break;
        }
        last = at;
    }
    last
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example() -> Approval {
        Approval {
            role: "Provider".into(),
            principal: "a@x".into(),
            approved_at: "2026-11-05T00:00:00+08:00".into(),
            signature: "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n".into(),
        }
    }

    fn grant(name: &str, tail: &str) -> String {
        format!(
            "# why\nkind: AccessGrant\nmetadata: {{namespace: ns, name: {name}}}\nspec:\n  serial: '1' # number\n  fields:\n  - a\n{tail}"
        )
    }

    fn put(text: &str) -> Option<String> {
        approval(text, "ns", "g", &example()).unwrap()
    }

    fn approvals(text: &str, name: &str) -> usize {
        let documents = yaml::parse(text).into_iter().map(Result::unwrap);
        let found = documents.rev().find(|d| d.value["metadata"]["name"] == name).unwrap();
        found.value["spec"]["approvals"].as_array().map_or(0, Vec::len)
    }

    #[test]
    fn the_first_and_the_next_one_go_in_and_nothing_else_moves() {
        let before = grant("g", "# the end\n");
        let once = put(&before).unwrap();
        assert_eq!(approvals(&once, "g"), 1);
        let twice = put(&once).unwrap();
        assert_eq!(approvals(&twice, "g"), 2);
        let mut kept = twice.lines();
        assert!(before.lines().all(|line| kept.any(|other| other == line)), "{twice}");
    }

    #[test]
    fn the_right_document_of_several_is_signed() {
        let text = format!("{}---\n{}---\n{}", grant("other", ""), grant("g", ""), grant("third", ""));
        let signed = put(&put(&text).unwrap()).unwrap();
        assert_eq!((approvals(&signed, "other"), approvals(&signed, "g"), approvals(&signed, "third")), (0, 2, 0));
    }

    #[test]
    fn a_text_without_a_last_newline_and_an_indented_list_take_one_too() {
        let bare = grant("g", "");
        assert_eq!(approvals(&put(bare.trim_end()).unwrap(), "g"), 1);
        let list = "  approvals:\n    - role: R\n      principal: p\n\n    # a remark\n    - role: S\n  reason: x\n";
        let signed = put(&grant("g", list)).unwrap();
        assert_eq!(approvals(&signed, "g"), 3);
        assert!(signed.ends_with("  reason: x\n"));
    }

    #[test]
    fn flow_style_has_no_place() {
        assert_eq!(put("kind: AccessGrant\nmetadata: {namespace: ns, name: g}\nspec: {serial: '1'}\n"), None);
        assert_eq!(put(&grant("g", "  approvals: [{role: R}]\n")), None);
        assert_eq!(put(&grant("another", "")), None);
    }

    proptest! {
        #[test]
        fn in_any_layout_one_more_goes_in_and_every_line_stays(
            indent in 0usize..5, count in 0usize..4, remark in "# ?[a-z: -]{0,8}", blank in any::<bool>(), tail in any::<bool>(),
        ) {
            let pad = " ".repeat(indent + 2);
            let gap = if blank { "\n" } else { "" };
            let entry = format!("{pad}- role: R\n{pad}  principal: p\n{gap}{pad}{remark}\n");
            let list = if count == 0 { String::new() } else { format!("  approvals:\n{}", entry.repeat(count)) };
            let before = grant("g", &format!("{list}{}", if tail { "  reason: x\n" } else { "" }));
            let after = put(&before).unwrap();
            prop_assert_eq!(approvals(&after, "g"), count + 1);
            let mut kept = after.lines();
            prop_assert!(before.lines().all(|line| kept.any(|other| other == line)), "{}", after);
        }
    }
}

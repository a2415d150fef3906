//! The part of kubectl's `JSONPath` that printer columns use: `.member`, `[*]`, and
//! `[?(@.member=="text")]`.

use serde_json::Value;

/// Every value that the path leads to, in order.
#[must_use]
pub(super) fn find<'v>(path: &str, root: &'v Value) -> Vec<&'v Value> {
    let mut found = vec![root];
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[*]") {
            found = found.into_iter().flat_map(elements).collect();
            rest = after;
        } else if let Some((test, after)) = rest.strip_prefix("[?(@.").and_then(|inner| inner.split_once(")]")) {
            let Some((member, wanted)) = test.split_once("==") else { return Vec::new() };
            let wanted = wanted.trim_matches(['"', '\'']);
            let fits = |value: &&Value| value.get(member).and_then(Value::as_str) == Some(wanted);
            found = found.into_iter().flat_map(elements).filter(fits).collect();
            rest = after;
        } else {
            let Some(bare) = rest.strip_prefix('.') else { return Vec::new() };
            let end = bare.find(['.', '[']).unwrap_or(bare.len());
            let Some((member, after)) = bare.split_at_checked(end) else { return Vec::new() };
            found = found.into_iter().filter_map(|value| value.get(member)).collect();
            rest = after;
        }
    }
    found
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn follows_members_lists_and_tests() {
        let value =
            json!({"spec": {"a": [{"p": 1}, {"p": 2}]}, "c": [{"type": "X", "s": 1}, {"type": "Ready", "s": 2}]});
        assert_eq!(find(".spec.a[*].p", &value), [&json!(1), &json!(2)]);
        assert_eq!(find(".c[?(@.type==\"Ready\")].s", &value), [&json!(2)]);
        assert_eq!(find(".spec.a", &value), [&json!([{"p": 1}, {"p": 2}])]);
        assert!(find(".nothing.here", &value).is_empty() && find("spec", &value).is_empty());
    }

    proptest! {
        #[test]
        fn plain_members_lead_where_a_json_pointer_leads(
            way in prop::collection::vec("[a-c]{1,2}", 1..5), deep in 0usize..5, other in "(\\PC|[.*?@=\"\\[\\]()]){0,24}",
        ) {
            let value = way.iter().rev().take(deep).fold(json!(7), |value, name| json!({name: value}));
            let path: String = way.iter().map(|name| format!(".{name}")).collect();
            let pointer: String = way.iter().map(|name| format!("/{name}")).collect();
            let expected: Vec<_> = value.pointer(&pointer).into_iter().collect();
            prop_assert_eq!(find(&path, &value), expected);
            // whatever else is written leads nowhere outside the value
            prop_assert!(find(&other, &value).len() <= 1);
        }
    }
}

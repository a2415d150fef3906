//! Paths that are read, and those that are refused.

use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<FieldPath, PathError> {
    text.parse()
}

fn member(name: &str) -> Step {
    Step::Member(name.into())
}

#[test]
fn names_and_elements_are_read() {
    assert_eq!(parse("$.data[*].idNumber").unwrap().steps(), [member("data"), Step::Elements, member("idNumber")]);
    assert_eq!(parse("$[*]._x1").unwrap().steps(), [Step::Elements, member("_x1")]);
    assert_eq!(parse("$.姓名").unwrap().steps(), [member("姓名")]);
    assert_eq!(parse("$['a b'][\"it's\"]['']").unwrap().steps(), [member("a b"), member("it's"), member("")]);
    assert_eq!(parse("$.rows[*][*].v").unwrap().steps().len(), 4);
}

#[test]
fn escapes_in_quoted_names() {
    assert_eq!(
        parse(r"$['\b\f\n\r\t\/\\\'\u4e2d\ud83d\ude00']").unwrap().steps(),
        [member("\u{8}\u{c}\n\r\t/\\'中😀")]
    );
    assert_eq!(parse(r#"$["\""]"#).unwrap().steps(), [member("\"")]);
    for bad in [
        r"$['\x']",
        r"$['\u12']",
        r"$['\ud800']",
        r"$['\udc00']",
        r"$['\ud800\u0041']",
        r"$['\ud800xx']",
        r#"$['\"']"#,
        "$['a\n']",
        "$['a'",
        "$['a",
        "$['a' ]",
        r"$['\",
    ] {
        assert_eq!(parse(bad), Err(PathError::BadQuotedName { at: 1 }), "{bad}");
    }
}

#[test]
fn every_other_text_is_refused_with_its_reason() {
    for bad in ["", "data", " $.a", ".a", "@.a"] {
        assert_eq!(parse(bad), Err(PathError::NoRoot), "{bad}");
    }
    for bad in ["$", "$.a[*]", "$[*]"] {
        assert_eq!(parse(bad), Err(PathError::EndsWithoutMember), "{bad}");
    }
    for bad in ["$.a.", "$.a.1", "$.a.-b", "$.a. b"] {
        assert_eq!(parse(bad), Err(PathError::BadName { at: 3 }), "{bad}");
    }
    for bad in
        ["$.a..b", "$.a.*", "$.a[0].b", "$.a[0:1].b", "$.a[?@.b].c", "$.a['b','c']x", "$.a b", "$.a[ *].b", "$.a.[*].b"]
    {
        let found = parse(bad).unwrap_err();
        assert!(
            matches!(found, PathError::Unsupported { at: 3 } | PathError::BadQuotedName { at: 3 }),
            "{bad}: {found}"
        );
    }
}

#[test]
fn steps_and_bytes_are_bounded() {
    let deep = |steps: usize| format!("${}", ".a".repeat(steps));
    assert_eq!(parse(&deep(MAX_STEPS)).unwrap().steps().len(), MAX_STEPS);
    assert_eq!(parse(&deep(MAX_STEPS + 1)), Err(PathError::TooManySteps));
    let long = |bytes: usize| format!("$.{}", "a".repeat(bytes - 2));
    assert!(parse(&long(MAX_BYTES)).is_ok());
    assert_eq!(parse(&long(MAX_BYTES + 1)), Err(PathError::TooLong));
    let grows = format!("$[\"{}\"]", "'".repeat(MAX_BYTES - 6));
    assert_eq!(parse(&grows), Err(PathError::TooLong));
}

#[test]
fn display_is_canonical() {
    for (written, canonical) in [
        ("$.a['b'][*][\"c\"]", "$.a.b[*].c"),
        ("$[\"a b\"]", "$['a b']"),
        ("$[\"it's\"]", r"$['it\'s']"),
        (r"$['\u0001\u000a\/']", r"$['\u0001\n/']"),
        ("$['1']", "$['1']"),
    ] {
        assert_eq!(parse(written).unwrap().to_string(), canonical);
    }
}

proptest! {
    #[test]
    fn display_parses_to_itself(names in prop::collection::vec(prop::option::of(any::<String>()), 0..8), last: String) {
        let steps = names.into_iter().map(|n| n.map_or(Step::Elements, |n| member(&n)));
        let path = FieldPath(steps.chain([member(&last)]).collect());
        prop_assume!(path.to_string().len() <= MAX_BYTES);
        prop_assert_eq!(parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn any_text_is_answered(text: String, tail in "[$.\\[\\]'\"*a1\\\\u]{0,20}") {
        let _ = parse(&text);
        if let Ok(path) = parse(&format!("${tail}")) {
            prop_assert_eq!(parse(&path.to_string()), Ok(path));
        }
    }
}

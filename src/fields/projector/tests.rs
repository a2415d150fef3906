//! What a projection keeps, drops and refuses.

mod faults;
mod oracle;

use super::*;
use LeafType::{Boolean, Integer, Number, String as Text};

fn projection(fields: &[(&str, LeafType)]) -> Projection {
    Projection::new(fields.iter().map(|(path, leaf)| (path.parse().unwrap(), *leaf))).unwrap()
}

fn project(fields: &[(&str, LeafType)], body: impl AsRef<[u8]>) -> Result<(String, u64), AnswerError> {
    let mut out = b"before".to_vec();
    let projected = projection(fields).project(body.as_ref(), &mut out);
    let written = String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned();
    assert!(projected.is_ok() || written.is_empty(), "an error leaves nothing behind");
    projected.map(|projected| (written, projected.items))
}

fn kept(fields: &[(&str, LeafType)], body: &str) -> String {
    project(fields, body).unwrap_or_else(|error| panic!("{error}: {body}")).0
}

const PERSON: &[(&str, LeafType)] =
    &[("$.data[*].name", Text), ("$.data[*].age", Integer), ("$.data[*].home.area", Number)];

#[test]
fn exactly_the_granted_leaves_are_written() {
    let body = r#" { "code" : 0, "data" : [ {"id": "x", "name":"张伟", "home": {"area":88.50,"street":["s"]}, "age" : 41 },
        {"age":7,"other":{"name":"no"},"name":"李"} ], "name": "no" } "#;
    assert_eq!(
        kept(PERSON, body),
        r#"{"data":[{"name":"张伟","home":{"area":88.50},"age":41},{"age":7,"name":"李"}]}"#
    );
}

#[test]
fn numbers_and_strings_stay_as_written() {
    let fields = &[("$.i", Integer), ("$.n", Number), ("$.s", Text), ("$.b", Boolean)];
    let body = r#"{"i":123456789012345678901234567890,"n":-0.10E+400,"s":"\u4e2d\/\ud83d\ude00é","b":false}"#;
    assert_eq!(kept(fields, body), body);
    assert_eq!(kept(&[("$.i", Integer)], r#"{"i":-0}"#), r#"{"i":-0}"#);
    assert_eq!(kept(&[("$.n", Number)], r#"{"n":7}"#), r#"{"n":7}"#);
}

#[test]
fn null_stays_and_missing_stays_missing() {
    for (body, expected) in [
        ("null", "null"),
        (" null ", "null"),
        ("{}", "{}"),
        (r#"{"x":1}"#, "{}"),
        (r#"{"data":null}"#, r#"{"data":null}"#),
        (r#"{"data":[]}"#, r#"{"data":[]}"#),
        (
            r#"{"data":[null,{},{"name":null,"age":null,"home":null}]}"#,
            r#"{"data":[null,{},{"name":null,"age":null,"home":null}]}"#,
        ),
        (r#"{"data":[{"home":{}},{"home":{"area":null}}]}"#, r#"{"data":[{"home":{}},{"home":{"area":null}}]}"#),
    ] {
        assert_eq!(kept(PERSON, body), expected);
    }
}

#[test]
fn names_mean_their_unescaped_text_and_are_written_plainly() {
    let fields = &[("$.name", Text), ("$['a\"b\\u0001/']", Integer)];
    assert_eq!(
        kept(fields, r#"{"\u006e\u0061me":"x","a\u0022b\u0001\/":1,"Name":2,"name ":3}"#),
        r#"{"name":"x","a\"b\u0001/":1}"#
    );
}

#[test]
fn a_name_is_granted_only_in_its_place() {
    let fields = &[("$.a.v", Integer), ("$.b.w", Integer)];
    let body = r#"{"a":{"v":1,"w":2},"b":{"v":3,"w":4},"c":{"v":5,"w":6},"v":7}"#;
    assert_eq!(kept(fields, body), r#"{"a":{"v":1},"b":{"w":4}}"#);
    let body = r#"{"c":{"v":5,"w":6},"b":{"v":3,"w":4},"a":{"v":1,"w":2}}"#;
    assert_eq!(kept(fields, body), r#"{"b":{"w":4},"a":{"v":1}}"#);
}

#[test]
fn items_are_the_elements_of_the_outermost_granted_arrays() {
    let items = |fields: &[(&str, LeafType)], body: &str| project(fields, body).unwrap().1;
    assert_eq!(items(PERSON, r#"{"data":[{},null,{}],"more":[1,2]}"#), 3);
    assert_eq!(items(&[("$[*].x", Integer)], "[{},{}]"), 2);
    assert_eq!(items(&[("$[*].x", Integer)], "null"), 0);
    assert_eq!(items(&[("$.a[*].b[*].x", Integer)], r#"{"a":[{"b":[{},{},{}]},{"b":[{}]}]}"#), 2);
    assert_eq!(items(&[("$.a[*][*].x", Integer)], r#"{"a":[[{},{}],[{}],[]]}"#), 3);
    assert_eq!(items(&[("$.a[*].x", Integer), ("$.b[*].x", Integer), ("$.c", Text)], r#"{"a":[{}],"b":[{},{}]}"#), 3);
    assert_eq!(items(&[("$.a[*].x", Integer), ("$.c", Text)], r#"{"c":"x"}"#), 0);
    assert_eq!(items(&[("$.c", Text)], r#"{"c":"x","a":[1,2]}"#), 1);
    assert_eq!(items(&[("$.c", Text)], "null"), 0);
}

#[test]
fn sixty_four_containers_pass_and_no_more() {
    for (open, close) in [("[", "]"), (r#"{"x":"#, "}")] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(kept(&[("$.a", Text)], &format!(r#"{{"d":{}}}"#, nested(63))), "{}");
        let at = 5 + 63 * open.len();
        assert_eq!(project(&[("$.a", Text)], format!(r#"{{"d":{}}}"#, nested(64))), Err(AnswerError::TooDeep { at }));
        assert_eq!(
            project(&[("$.a", Text)], format!(r#"{{"d":{}"#, nested(100_000))),
            Err(AnswerError::TooDeep { at })
        );
    }
}

#[test]
fn an_object_may_have_very_many_names() {
    let members: Vec<String> = (0..100_000).map(|n| format!(r#""name{n}":{n}"#)).collect();
    let body = format!(r#"{{{},"z":1}}"#, members.join(","));
    assert_eq!(kept(&[("$.name77777", Integer)], &body), r#"{"name77777":77777}"#);
    let twice = body.replace(r#""z""#, r#""nam\u006577777""#);
    let at = body.find(r#""z""#).unwrap();
    // the later one is found by sorting: its place is that of the text that was written last
    assert_eq!(project(&[("$.z", Integer)], &twice), Err(AnswerError::DuplicateName { at }));
}

#[test]
fn scratch_carries_nothing_from_one_answer_to_the_next() {
    let (one, other) = (projection(&[("$.data[*].name", Text)]), projection(&[("$.data[*].secret", Text)]));
    let mut scratch = Scratch::default();
    for _ in 0..3 {
        let mut out = Vec::new();
        let body = br#"{"data":[{"name":"a","secret":"b"},{"name":"c","secret":"d"}]}"#;
        one.project_with(&mut scratch, body, &mut out).unwrap();
        assert_eq!(out, br#"{"data":[{"name":"a"},{"name":"c"}]}"#);
        out.clear();
        other.project_with(&mut scratch, body, &mut out).unwrap();
        assert_eq!(out, br#"{"data":[{"secret":"b"},{"secret":"d"}]}"#);
        one.project_with(&mut scratch, br#"{"data":[{"name":"a","#, &mut out).unwrap_err();
    }
}

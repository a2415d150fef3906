//! The reader's promises on small texts; suites over files are in `tests/`.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn one(text: &str) -> Result<Value, YamlError> {
    let mut all = parse(text);
    assert_eq!(all.len(), 1, "{text:?}: {all:?}");
    all.remove(0).map(|document| document.value)
}

fn refused(text: &str) -> (YamlFault, u32, u32, String) {
    let error = one(text).expect_err(text);
    assert!(!error.fix.is_empty());
    (error.fault, error.line, error.column, error.message)
}

#[test]
fn reads_what_people_write() {
    let text = "# note\napiVersion: v1\nspec:\n  list:\n  - {a: 1, b: [x, 'y']}\n  - c: |\n      一\n      二\n  date: 2026-11-02\n";
    let value = json!({"apiVersion": "v1", "spec": {"list": [{"a": 1, "b": ["x", "y"]}, {"c": "一\n二\n"}], "date": "2026-11-02"}});
    assert_eq!(one(text).unwrap(), value);
    assert_eq!(one(&text.replace('\n', "\r\n")).unwrap(), value);
    assert_eq!(parse(text).remove(0).unwrap().spot.line, 2);
    assert!(parse("").is_empty() && parse("# only\n---\n# notes\n---\n").is_empty());
}

#[test]
fn a_bad_document_does_not_hide_its_neighbours() {
    let all = parse("a: 1\n---\nb: [\n---\nc: |\n  ---\n  x\n...\n---\nd: 'open\n---\ne: 5\n");
    let lines: Vec<_> = all.iter().map(|one| one.as_ref().map(|d| d.spot.line).map_err(|e| e.line)).collect();
    assert_eq!(lines.iter().filter(|line| line.is_ok()).count(), 3, "{all:?}");
    assert_eq!(all.first().unwrap().as_ref().unwrap().value, json!({"a": 1}));
    assert_eq!(all.last().unwrap().as_ref().unwrap().value, json!({"e": 5}));
    assert_eq!(all.last().unwrap().as_ref().unwrap().spot.line, 12);
}

#[test]
fn a_list_is_its_items() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- kind: A\n  m: 1\n- kind: B\n";
    let all: Vec<_> = parse(text).into_iter().map(Result::unwrap).collect();
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].spot.line, all[1].spot.line), (4, 6));
    assert_eq!(locate(text, all[0].spot, "m"), (5, 3));
    assert_eq!(locate(text, all[1].spot, "missing"), (6, 3));
}

#[test]
fn refuses_with_place() {
    use YamlFault::*;
    assert_eq!(refused("a: 1\nb:\n  c: 1\n  c: 2\n"), (DuplicateMember, 4, 3, "the member `c` appears twice".into()));
    assert_eq!(refused("a: &x 1\n").0, Refused);
    assert_eq!(refused("a: 1\nb: *x\n").1, 2);
    assert_eq!(refused("a: !!str 1\n").0, Refused);
    assert_eq!(refused("a: !x {b: 1}\n").0, Refused);
    assert_eq!(refused("%YAML 1.1\n").0, Refused);
    assert_eq!(refused("1: a\n").0, Refused);
    for text in ["a: {?}\n", "a: {?b: 1}\n", "a: [?b]\n", "a: ?b\n", "a: {:b}\n", "a: :b\n"] {
        assert!(matches!(refused(text).0, Refused | Ambiguous | Syntax), "{text}");
    }
    assert_eq!(refused("? [a]\n: b\n").0, Refused);
    assert_eq!(refused("<<: {a: 1}\n").0, Refused);
    assert_eq!(refused("a: no\n").0, Ambiguous);
    assert_eq!(refused("a: .nan\n").0, Ambiguous);
    assert_eq!(refused("x:\n\ta: 1\n").0, Syntax);
    assert_eq!(refused("a: b: c\n").1, 1);
    assert_eq!(refused("a: \"open\n").0, Syntax);
    assert_eq!(refused(&"[".repeat(200)).0, TooLarge);
    assert_eq!(refused(&"- ".repeat(5000)).0, TooLarge);
    assert_eq!(refused(&" ".repeat(MAX_BYTES + 1)).0, TooLarge);
    assert_eq!(refused("a: 1\n\0b: 2\n").1, 2);
}

#[test]
fn a_text_that_ends_too_early_is_refused_within_it() {
    for text in ["a: 1\nb: {c: 1, m", "a: [", "a: 1\nb: \"open"] {
        let (_, line, ..) = refused(text);
        assert!(line as usize <= text.lines().count(), "{text:?}: {line}");
    }
}

#[test]
fn writes_pleasantly() {
    #[derive(serde::Serialize)]
    struct Object {
        z: &'static str,
        a: &'static str,
        list: Vec<&'static str>,
        pem: &'static str,
    }
    let object = Object {
        z: "婚姻登记",
        a: "0123",
        list: vec!["no", "2026-11-02", "1e3"],
        pem: "-----BEGIN X-----\nabc\n-----END X-----",
    };
    let text = emit(&object).unwrap();
    assert_eq!(
        text,
        "z: 婚姻登记\na: '0123'\nlist:\n- 'no'\n- '2026-11-02'\n- '1e3'\npem: |-\n  -----BEGIN X-----\n  abc\n  -----END X-----\n"
    );
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z0-9:#\\-_. \n'\"{}\\[\\]&*!|>%@`?,~]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z.~<]{1,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The lines on which each member's name stands, found without a parser: block style, one per line.
fn brute(value: &Value, text: &str) -> Vec<(String, u32)> {
    fn walk(
        value: &Value,
        path: &str,
        lines: &mut std::iter::Peekable<std::vec::IntoIter<(u32, String)>>,
        out: &mut Vec<(String, u32)>,
    ) {
        if let Value::Object(map) = value {
            for (name, inner) in map {
                let member = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let (line, _) = lines
                    .find(|(_, text)| text.trim_start_matches([' ', '-']).starts_with(&format!("{name}:")))
                    .unwrap();
                out.push((member.clone(), line));
                walk(inner, &member, lines, out);
            }
        } else if let Value::Array(items) = value {
            for (index, inner) in items.iter().enumerate() {
                walk(inner, &format!("{path}[{index}]"), lines, out);
            }
        }
    }
    let mut out = Vec::new();
    let lines: Vec<_> = (1..).zip(text.lines().map(str::to_owned)).collect();
    walk(value, "", &mut lines.into_iter().peekable(), &mut out);
    out
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![any::<i32>().prop_map(Value::from), "[A-Z]{1,6}(\n[A-Z]{1,6}){0,2}".prop_map(Value::from)];
    let inner = leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..5).prop_map(Value::from),
            prop::collection::btree_map("[a-m]{1,4}", inner, 1..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("[a-m]{1,4}", inner, 1..5).prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(text in "\\PC{0,200}") {
        for one in parse(&text).into_iter().flatten() {
            let _ = locate(&text, one.spot, "spec.fields[0].name");
        }
    }

    #[test]
    fn never_panics_on_yaml_like_text(text in "[a-b\\-:?\\[\\]{},&*!|>'\"%# \n\t.~\\\\0]{0,120}") {
        for one in parse(&text).into_iter().flatten() {
            let _ = locate(&text, one.spot, "a.b[0]");
        }
    }

    #[test]
    fn what_is_written_reads_back(value in json_value()) {
        let text = emit(&value).unwrap();
        prop_assert_eq!(parse(&text).pop().map_or(Value::Null, |one| one.unwrap().value), value);
    }

    #[test]
    fn lines_agree_with_a_search(value in tree()) {
        let text = emit(&value).unwrap();
        let spot = parse(&text).remove(0).unwrap().spot;
        for (member, line) in brute(&value, &text) {
            prop_assert_eq!(locate(&text, spot, &member).0, line, "{} in\n{}", member, text);
        }
    }
}

#[test]
#[ignore = "measures; run with --ignored --nocapture"]
fn speed() {
    let grant = "apiVersion: datashare.dev/v1alpha1\nkind: AccessGrant\nmetadata:\n  namespace: jinan\n  name: g-1\nspec:\n  serial: 济登共享〔2026〕12号\n  requestRef: {namespace: tax-bureau, name: deed-tax, digest: \"sha256:0123456789012345678901234567890123456789012345678901234567890123\"}\n  fields: [ownerName, certificateNumber]\n  quota: {perSecond: 20, perDay: 20000}\n  approvals:\n  - role: Provider\n    principal: director@registration.jinan\n    signature: |\n";
    let mut text = grant.to_owned();
    for _ in 0..16 {
        text.push_str("      U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgU1NIU0lHAAAAAQAAADMAAAA\n");
    }
    let start = std::time::Instant::now();
    let rounds = 20_000;
    for _ in 0..rounds {
        assert!(parse(&text)[0].is_ok());
    }
    let took = start.elapsed();
    println!(
        "{} bytes, {:?} each, {:.0} MB/s",
        text.len(),
        took / rounds,
        f64::from(rounds) * f64::from(u32::try_from(text.len()).unwrap()) / took.as_secs_f64() / 1e6
    );
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        serde_yaml::from_str::<Value>(&text).unwrap();
    }
    println!("serde_yaml {:?} each", start.elapsed() / rounds);
}

/// As `kubectl` reads it, by way of another reader of the same family.
#[test]
fn a_block_text_that_the_end_of_the_file_cuts_short_has_no_line_break_there() {
    assert_eq!(one("s: |\n  x").unwrap(), json!({"s": "x"}));
    assert_eq!(one("s: |\n  x\n").unwrap(), json!({"s": "x\n"}));
    let texts = [
        "s: {}\n  x",
        "s: {}\n  字\n  y",
        "s: {}\n  x\n\n  ",
        "s: {}\n  x\n",
        "s: {}\n  x\n# c",
        "s: {}",
        "s: {}\n  ",
        "s: {}\n  x\n\n\n    y",
        "s: {}\n  x\n ",
        "a:\n- {}\n  x",
        "s: {}\n  x\r\n  y",
        "s: {}\n  x\nt: z",
    ];
    for style in ["|", ">", "|+", ">+", "|-", ">-"] {
        for text in texts {
            let text = text.replace("{}", style);
            assert_eq!(one(&text).unwrap(), serde_yaml::from_str::<Value>(&text).unwrap(), "{text:?}");
        }
    }
}

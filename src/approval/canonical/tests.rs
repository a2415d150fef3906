//! Canonical JSON against the yardstick.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CanonicalError, Digest, canonical_json, digest};

fn text(value: &Value) -> String {
    String::from_utf8(canonical_json(value).unwrap()).unwrap()
}

#[test]
fn the_example_of_rfc_8785_comes_out_as_printed_there() {
    let value: Value = serde_json::from_str(
        r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
    )
    .unwrap();
    assert_eq!(
        text(&value),
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
         \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
    );
}

#[test]
fn members_are_ordered_by_utf_16_units() {
    // U+1F600 is D83D DE00 in UTF-16 and so sorts before U+FB33, which code points would not say
    let value = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
    assert_eq!(
        text(&value),
        "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
    );
}

#[test]
fn null_members_are_left_out_and_empty_ones_stay() {
    let value = json!({"a": null, "b": {"c": null}, "d": [], "e": "", "f": [null, {"g": null}]});
    assert_eq!(text(&value), r#"{"b":{},"d":[],"e":"","f":[null,{}]}"#);
    assert_eq!(digest(&json!({"a": null})).unwrap(), digest(&json!({})).unwrap());
}

#[test]
fn an_integer_that_readers_would_round_is_refused() {
    assert_eq!(text(&json!(9_007_199_254_740_991_i64)), "9007199254740991");
    assert_eq!(text(&json!(-9_007_199_254_740_991_i64)), "-9007199254740991");
    let written_with_a_point = json!(9_222_199_992_922_212.19);
    for number in [json!(9_007_199_254_740_992_i64), json!(i64::MIN), json!(u64::MAX), written_with_a_point] {
        assert!(matches!(canonical_json(&json!({"n": number})), Err(CanonicalError::InexactNumber(_))));
    }
    assert_eq!(text(&json!(-0.0)), "0");
    assert_eq!(text(&json!(20.0)), "20");
}

#[test]
fn endless_nesting_is_an_error_and_not_a_crash() {
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(canonical_json(&deep), Err(CanonicalError::TooDeep));
}

#[test]
fn a_digest_reads_back_what_it_wrote_and_nothing_else() {
    let written = digest(&json!({})).unwrap().to_string();
    assert_eq!(written, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    assert_eq!(written.parse::<Digest>().unwrap().to_string(), written);
    assert_eq!(serde_json::from_value::<Digest>(json!(written)).unwrap().to_string(), written);
    for wrong in
        ["", "sha256:", &written.replace("sha256:", ""), &written.to_uppercase(), &format!("{written}0"), "sha512:00"]
    {
        assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        // between 2^53 and 1e21 a double is written as an integer that readers would round
        any::<f64>()
            .prop_filter("a number", |f| f.is_finite() && (f.abs() < 9e15 || f.abs() >= 1e21))
            .prop_map(Value::from),
        "\\PC{0,8}|[\\x00-\\x7f]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map("\\PC{0,4}|[\\x00-\\x7f]{0,4}", inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_the_published_canonicalizer(value in any_value()) {
        prop_assert_eq!(canonical_json(&value).unwrap(), serde_json_canonicalizer::to_vec(&value).unwrap());
    }

    #[test]
    fn reading_canonical_bytes_and_writing_them_again_changes_nothing(value in any_value()) {
        let once = canonical_json(&value).unwrap();
        let again: Value = serde_json::from_slice(&once).unwrap();
        prop_assert_eq!(canonical_json(&again).unwrap(), once);
    }

    #[test]
    fn no_text_makes_the_digest_reader_panic(text in "\\PC*") {
        let _ = text.parse::<Digest>();
    }
}

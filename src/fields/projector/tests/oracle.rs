//! Agreement with a reading of the rules that shares nothing with ours but the words: `serde_json`'s parser, a tree of
//! values, and the projection written down as one would explain it.

use std::fmt;

use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::*;

/// A document as `serde_json` understands it, every member kept. Numbers keep only whether they are whole.
#[derive(Debug, Clone, PartialEq)]
enum Json {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Boolean(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "only compared with what was read the same way")]
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "only compared with what was read the same way")]
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members: Vec<(String, Json)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Json>()? {
            if members.iter().any(|(other, _)| *other == name) {
                return Err(A::Error::custom("twice"));
            }
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}

impl Json {
    fn depth(&self) -> usize {
        match self {
            Self::Array(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// What stays for `PLAN`, or `None` where the answer is refused. Types of numbers are told apart elsewhere.
    fn project(&self, plan: &Plan) -> Option<Self> {
        match (self, plan) {
            (Self::Null, _)
            | (Self::Text(_), Plan::Text)
            | (Self::Number(_), Plan::Number)
            | (Self::Boolean(_), Plan::Boolean) => Some(self.clone()),
            (Self::Array(elements), Plan::Array(element)) => {
                elements.iter().map(|value| value.project(element)).collect::<Option<_>>().map(Self::Array)
            }
            (Self::Object(members), Plan::Object(plans)) => {
                let mut kept = Vec::new();
                for (name, value) in members {
                    if let Some((_, plan)) = plans.iter().find(|(granted, _)| granted == name) {
                        kept.push((name.clone(), value.project(plan)?));
                    }
                }
                Some(Self::Object(kept))
            }
            _ => None,
        }
    }
}

enum Plan {
    Text,
    Number,
    Boolean,
    Array(&'static Plan),
    Object(&'static [(&'static str, Plan)]),
}

static PLAN: Plan = Plan::Object(&[
    ("a", Plan::Text),
    ("b", Plan::Array(&Plan::Object(&[("a", Plan::Number), ("é", Plan::Boolean), ("b", Plan::Text)]))),
    ("c", Plan::Object(&[("a", Plan::Object(&[("b", Plan::Text)]))])),
]);
const FIELDS: &[(&str, LeafType)] =
    &[("$.a", Text), ("$.b[*].a", Number), ("$.b[*].é", Boolean), ("$.b[*].b", Text), ("$.c.a.b", Text)];

/// Texts that are JSON, of few names so that granted ones and doubled ones are usual.
fn value() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "é", r"\u0061", r"\u00e9", "", "other", r"\ud83d\ude00"]);
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "12",
            "1.50",
            "-2e3",
            "\"\"",
            r#""\n\"\\""#,
            "\"中文\""
        ])
        .prop_map(str::to_owned),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        any::<f64>().prop_filter("JSON has no others", |n| n.is_finite()).prop_map(|n| n.to_string()),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        let member = (name.clone(), inner.clone()).prop_map(|(name, value)| format!("\"{name}\": {value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(|elements| format!("[{}]", elements.join(" ,"))),
            prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}\n}}", members.join(","))),
        ]
    })
}

/// Documents that mostly fit the plan.
fn document() -> impl Strategy<Value = String> {
    let row = (value(), prop::sample::select(vec!["1", "0.5", "null", "\"no\""]), prop::bool::weighted(0.9)).prop_map(
        |(other, number, known)| {
            let truth = if known { "true" } else { "7" };
            format!(r#"{{"x":{other},"a":{number},"\u00E9":{truth}}}"#)
        },
    );
    let rows = prop::collection::vec(row, 0..6);
    let fitting = (rows, value(), any::<Option<String>>()).prop_map(|(rows, other, text)| {
        let text = serde_json::to_string(&text).unwrap();
        format!(r#"{{"b":[{}],"o":{other},"a":{text},"c":{{"a":{{"q":[],"b":{text}}}}}}}"#, rows.join(","))
    });
    prop_oneof![3 => fitting, 1 => value()]
}

fn agree(body: &[u8]) -> Result<(), TestCaseError> {
    let ours = project(FIELDS, body);
    let document = std::str::from_utf8(body).ok().map(serde_json::from_str::<Json>);
    // the oracle's numbers are floats, ours are texts
    if matches!(&document, Some(Err(error)) if error.to_string().contains("number out of range")) {
        return Ok(());
    }
    let theirs = document
        .and_then(Result::ok)
        .filter(|document| document.depth() <= MAX_DEPTH && !body.starts_with(b"\xef\xbb\xbf"))
        .and_then(|document| document.project(&PLAN));
    match (ours, theirs) {
        (Ok((text, _)), Some(theirs)) => {
            prop_assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), theirs);
            prop_assert!(!text.contains(['\n', '\r']), "compact");
        }
        (Err(_), None) => {}
        (ours, theirs) => prop_assert!(false, "{ours:?}, not {theirs:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn the_oracle_agrees(body in document()) {
        agree(body.as_bytes())?;
    }

    #[test]
    fn the_oracle_agrees_on_damaged_documents(
        body in document(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"\"\\{}[],: 0-.eutn\n\x01\xe4a".to_vec())), 1..4),
    ) {
        let mut body = body.into_bytes();
        for (place, byte) in damage {
            let place = place.index(body.len());
            body[place] = byte;
        }
        agree(&body)?;
    }

    #[test]
    fn every_truncation_is_refused(body in document(), cut in any::<prop::sample::Index>()) {
        prop_assume!(body.starts_with(['{', '[', '"', 'n', 't', 'f']));
        let cut = cut.index(body.len());
        prop_assert!(project(FIELDS, &body.as_bytes()[..cut]).is_err());
    }

    #[test]
    fn any_bytes_are_answered(body: Vec<u8>, tail in "[\\[\\]{}\",:\\\\u0-9a-f. \n]{0,200}") {
        let _ = project(FIELDS, &body);
        agree(tail.as_bytes())?;
    }
}

//! Granted paths and an upstream's answer: what leaves is exactly what `serde_json` and a projection
//! written down plainly let out, or nothing. The first line names the paths (`s$.a i$.b`), the rest is
//! the answer.
#![no_main]

use std::fmt;

use datashare::fields::{AnswerError, FieldPath, LeafType, MAX_DEPTH, Projection, Step};
use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

const BEFORE: &[u8] = b"kept as it was";

#[derive(Debug, Clone, PartialEq)]
enum Json {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

struct Reading;

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

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

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

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

type Granted<'p> = Vec<(&'p [Step], LeafType)>;

impl Json {
    fn depth(&self) -> usize {
        match self {
            Self::Array(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// What may leave; numbers of both types are taken, because only their text tells them apart.
    fn project(&self, granted: &Granted<'_>) -> Option<Self> {
        match (self, granted.first()?) {
            (Self::Null, _)
            | (Self::Text(_), ([], LeafType::String))
            | (Self::Number(_), ([], LeafType::Integer | LeafType::Number))
            | (Self::Boolean(_), ([], LeafType::Boolean)) => Some(self.clone()),
            (Self::Array(elements), ([Step::Elements, ..], _)) => {
                let below: Granted<'_> = granted.iter().map(|(steps, leaf)| (&steps[1..], *leaf)).collect();
                elements.iter().map(|element| element.project(&below)).collect::<Option<_>>().map(Self::Array)
            }
            (Self::Object(members), ([Step::Member(_), ..], _)) => {
                let mut kept = Vec::new();
                for (name, value) in members {
                    let here = |steps: &[Step]| matches!(steps.first(), Some(Step::Member(step)) if **step == **name);
                    let below: Granted<'_> =
                        granted.iter().filter(|(steps, _)| here(steps)).map(|(s, leaf)| (&s[1..], *leaf)).collect();
                    if !below.is_empty() {
                        kept.push((name.clone(), value.project(&below)?));
                    }
                }
                Some(Self::Object(kept))
            }
            _ => None,
        }
    }
}

fn field(text: &str) -> Option<(FieldPath, LeafType)> {
    let (leaf, path) = text.split_at_checked(1)?;
    let leaf = match leaf {
        "s" => LeafType::String,
        "i" => LeafType::Integer,
        "n" => LeafType::Number,
        "b" => LeafType::Boolean,
        _ => return None,
    };
    Some((path.parse().ok()?, leaf))
}

fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (paths, body) = (&input[..end], &input[end + 1..]);
    let Ok(paths) = std::str::from_utf8(paths) else { return };
    let fields: Vec<_> = paths.split(' ').filter_map(field).collect();
    let Ok(projection) = Projection::new(fields.clone()) else { return };

    let mut out = BEFORE.to_vec();
    let ours = projection.project(body, &mut out);
    let written = out.strip_prefix(BEFORE).unwrap();

    let document = std::str::from_utf8(body).ok().map(serde_json::from_str::<Json>);
    // the oracle's numbers are doubles, ours are texts
    if matches!(&document, Some(Err(error)) if error.to_string().contains("number out of range")) {
        return;
    }
    let granted: Granted<'_> = fields.iter().map(|(path, leaf)| (path.steps(), *leaf)).collect();
    let theirs = document
        .and_then(Result::ok)
        .filter(|document| document.depth() <= MAX_DEPTH && !body.starts_with(b"\xef\xbb\xbf"))
        .and_then(|document| document.project(&granted));
    match (ours, theirs) {
        (Ok(_), Some(theirs)) => {
            let text = std::str::from_utf8(written).unwrap();
            assert_eq!(serde_json::from_str::<Json>(text).unwrap(), theirs);
        }
        (Err(AnswerError::WrongType { expected: LeafType::Integer, .. }), _) | (Err(_), None) => {
            assert_eq!(written, b"");
        }
        (ours, theirs) => panic!("{ours:?}, not {theirs:?}"),
    }
    if let Err(error) = ours {
        assert!(error.at() <= body.len());
    }
});

//! Accepted objects, spoilt at random: whatever comes of it, an API server and we decide alike.

use std::cell::Cell;
use std::collections::BTreeSet;

use datashare::api::v1alpha1::{Kind, bounds, messages};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::corpus::{cel, rust, samples};

const WORDS: [&str; 46] = [
    "",
    " ",
    "　",
    "\u{0}",
    "\n",
    "\u{85}",
    "\u{a0}",
    "\u{200b}",
    "a\nb",
    "a ",
    "*",
    "../x",
    "/x",
    "x\\y",
    "$",
    "$.a",
    "$.data[*].idNumber.x",
    "$['a']",
    "$.a[*]",
    "http://127.0.0.1",
    "http://127.0.0.01/x",
    "http://localhost:80",
    "https://a:0/x",
    "https://[::1]:443/x",
    "https://a/ x",
    "2026-02-29",
    "2400-02-29",
    "2026-11-05T00:00:00Z",
    "2026-11-05T00:00:00+15:00",
    "2026-11-05T23:59:60Z",
    "1999-12-31T23:59:59Z",
    "1d",
    "999999d",
    "0s",
    "３d",
    "24h",
    "1440m",
    "s3://abc",
    "s3://ab",
    "file:///x",
    "10.0.0.0/8",
    "10.0.0.0/08",
    "::/0",
    "::ffff:1.2.3.4/96",
    "ſun",
    "Host",
];

#[derive(Clone, Debug)]
enum Spoil {
    Delete(Index),
    Replace(Index, String),
    Insert(Index, Index, char),
    Cut(Index, Index),
    Repeat(Index, Index),
    Copy(Index, Index),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let text = prop_oneof![
        3 => select(WORDS.as_slice()).prop_map(str::to_owned),
        1 => r"\PC{0,8}",
        1 => "[0-9TZ:.+dhms-]{1,25}",
        1 => r#"\$[].*a'"中\[ ]{1,12}"#,
        1 => r"https?://[a-z1:/@.\[\]?# ]{1,20}",
    ];
    let character = prop_oneof![any::<char>(), select(" \n\t*,/.-_:'\"\\$[]{}0aZ中".chars().collect::<Vec<_>>())];
    let at = any::<Index>;
    prop_oneof![
        at().prop_map(Spoil::Delete),
        (at(), text).prop_map(|(at, text)| Spoil::Replace(at, text)),
        (at(), at(), character).prop_map(|(at, place, c)| Spoil::Insert(at, place, c)),
        (at(), at()).prop_map(|(at, place)| Spoil::Cut(at, place)),
        (at(), at()).prop_map(|(at, item)| Spoil::Repeat(at, item)),
        (at(), at()).prop_map(|(from, to)| Spoil::Copy(from, to)),
    ]
}

/// Pointers of every member and entry below `spec` that `wanted` likes.
fn places(spec: &Value, wanted: impl Fn(&Value) -> bool + Copy) -> Vec<String> {
    fn walk(value: &Value, at: &str, wanted: impl Fn(&Value) -> bool + Copy, found: &mut Vec<String>) {
        if wanted(value) && !at.is_empty() {
            found.push(at.to_owned());
        }
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| walk(value, &format!("{at}/{name}"), wanted, found));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| walk(item, &format!("{at}/{index}"), wanted, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(spec, "", wanted, &mut found);
    found
}

fn pick<'a>(at: &Index, all: &'a [String]) -> &'a str {
    at.get::<String>(all)
}

fn apply(spec: &mut Value, spoil: &Spoil) {
    let strings = places(spec, Value::is_string);
    let strings = strings.as_slice();
    if strings.is_empty() {
        return;
    }
    let text = |spec: &Value, at: &str| spec.pointer(at).and_then(Value::as_str).unwrap().to_owned();
    match spoil {
        Spoil::Delete(at) => {
            let all = places(spec, |_| true);
            let (parent, name) = pick(at, &all).rsplit_once('/').unwrap();
            match spec.pointer_mut(parent).unwrap() {
                Value::Object(members) => drop(members.remove(name)),
                Value::Array(items) => drop(items.remove(name.parse().unwrap())),
                _ => unreachable!("a parent is a map or a list"),
            }
        }
        Spoil::Replace(at, text) => *spec.pointer_mut(pick(at, strings)).unwrap() = Value::from(text.as_str()),
        Spoil::Insert(at, place, c) => {
            let mut text: Vec<_> = text(spec, pick(at, strings)).chars().collect();
            text.insert(place.index(text.len() + 1), *c);
            *spec.pointer_mut(pick(at, strings)).unwrap() = Value::from(String::from_iter(text));
        }
        Spoil::Cut(at, place) => {
            let mut text: Vec<_> = text(spec, pick(at, strings)).chars().collect();
            if !text.is_empty() {
                text.remove(place.index(text.len()));
            }
            *spec.pointer_mut(pick(at, strings)).unwrap() = Value::from(String::from_iter(text));
        }
        Spoil::Repeat(at, item) => {
            let lists = places(spec, |value| value.as_array().is_some_and(|items| !items.is_empty()));
            if !lists.is_empty() {
                let items = spec.pointer_mut(pick(at, &lists)).and_then(Value::as_array_mut).unwrap();
                items.push(item.get(items.as_slice()).clone());
            }
        }
        Spoil::Copy(from, to) => {
            let copied = text(spec, pick(from, strings));
            *spec.pointer_mut(pick(to, strings)).unwrap() = Value::from(copied);
        }
    }
}

#[test]
fn spoilt_objects_are_judged_alike_by_cel_and_by_us() {
    let all: Vec<_> = Kind::ALL
        .into_iter()
        .flat_map(|kind| samples(kind, "accept").into_iter().map(move |sample| (kind, sample.object)))
        .collect();
    let strategy = (any::<Index>(), prop::collection::vec(spoil(), 1..3));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let config = ProptestConfig { cases: 4 * config.cases, ..config };
    let count = Cell::new((0, 0));
    let outcome = TestRunner::new(config).run(&strategy, |(which, spoils)| {
        let (kind, object) = which.get(all.as_slice());
        let mut object = object.clone();
        for spoil in &spoils {
            apply(&mut object["spec"], spoil);
        }
        // types, required members and bounds are the schema's part, and the API server's first step
        let Ok((ours, _)) = rust(*kind, &object) else { return Ok(()) };
        if !bounds::violations(*kind, &object["spec"]).is_empty() {
            return Ok(());
        }
        // whether a well-formed zone exists is known to a time zone database, not to CEL
        let ours: BTreeSet<_> = ours.into_iter().map(|v| v.message.into_owned()).collect();
        let theirs = BTreeSet::from_iter(cel(*kind, &object, None));
        let zone = ours.len() == 1 && ours.contains(messages::TIME_ZONE) && theirs.is_empty();
        prop_assert!(
            zone || ours.is_empty() && theirs.is_empty() || ours.intersection(&theirs).next().is_some(),
            "we say {ours:?}, CEL says {theirs:?} about {}",
            object["spec"]
        );
        let (judged, refused) = count.get();
        count.set((judged + 1, refused + i32::from(!ours.is_empty())));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let (judged, refused) = count.get();
    assert!(judged > 200, "only {judged} of the spoilt objects got as far as the rules");
    assert!(refused > judged / 10 && refused < judged, "{refused} of {judged} were refused");
}

//! Canonical JSON: the bytes of another implementation of RFC 8785, null members left out, and the same
//! digest whatever the spelling.
#![no_main]

use datashare::approval::canonical::{CanonicalError, Digest, canonical_json, digest};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(all) => {
            all.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect()
        }
        Value::Array(all) => all.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fuzz_target!(|text: &str| {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    let bytes = match canonical_json(&value) {
        Ok(bytes) => bytes,
        Err(CanonicalError::InexactNumber(_) | CanonicalError::TooDeep) => return,
        Err(error) => panic!("{error}"),
    };
    let meant = without_nulls(value.clone());
    assert_eq!(bytes, serde_json_canonicalizer::to_vec(&meant).unwrap());
    let again: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(canonical_json(&again).as_ref(), Ok(&bytes), "canonical is canonical");
    assert_eq!(digest(&value), Ok(Digest::of(&bytes)));
});

//! Each shared grammar twice: the CEL rule and the Rust function accept the same texts.

use std::cell::Cell;

use datashare::api::v1alpha1::rules;
use datashare::api::v1alpha1::validate::syntax;
use kube::core::cel::{Validator, compile_schema};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

/// Runs `texts` past a rule and its function; some must pass and some must not.
fn alike(rule: &str, ours: impl Fn(&str) -> bool, texts: impl Strategy<Value = String>) {
    let schema = compile_schema(&json!({
        "type": "string", "x-kubernetes-validations": [{"rule": rule, "message": "broken"}]
    }));
    assert!(!schema.has_errors(), "{:?}", schema.compilation_errors());
    let validator = Validator::new();
    let passed = Cell::new((0, 0));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let config = ProptestConfig { cases: 2 * config.cases, ..config };
    let outcome = TestRunner::new(config).run(&texts, |text| {
        let told = validator.validate_compiled(&schema, &json!(text), None);
        let theirs = match &told {
            Ok(()) => true,
            Err(errors) => {
                prop_assert!(errors.iter().all(|e| e.message == "broken"), "{text:?}: {errors:?}");
                false
            }
        };
        prop_assert_eq!(theirs, ours(&text), "CEL says {} of {:?}", theirs, text);
        let (yes, no) = passed.get();
        passed.set((yes + i32::from(theirs), no + i32::from(!theirs)));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{rule}: {failure}");
    }
    let (yes, no) = passed.get();
    assert!(yes > 10 && no > 10, "{rule}: {yes} passed, {no} did not");
}

#[test]
fn credit_codes() {
    let front = "[0-9A-HJ-NP-RTUW-Y]{17}";
    let right = front.prop_map(|front| {
        let last = syntax::credit_code_check(&format!("{front}0")).unwrap();
        format!("{front}{last}")
    });
    let near = (right.clone(), 0..18usize, "[0-9A-Za-z]").prop_map(|(mut code, at, c)| {
        code.replace_range(at..=at, &c);
        code
    });
    let wrong = prop_oneof!["[0-9A-Z]{18}", "[0-9]{0,19}", r"\PC{17,18}"];
    alike(rules::CODE, syntax::credit_code, prop_oneof![right, near, wrong]);
}

#[test]
fn days_and_times() {
    let day = || "(2[0-9]{3}|2[048]00|20[0-9]{2}|1999)-(0[0-9]|1[0-3]|02)-(0[0-9]|[12][0-9]|3[0-2]|29)";
    alike(rules::DATE, |text| syntax::date(text).is_some(), prop_oneof![9 => day(), 1 => r"\PC{0,10}"]);
    let clock = r"[Tt ]([01][0-9]|2[0-4]):[0-6][0-9]:[0-6][0-9]([.][0-9]{0,10})?(Z|z|[+-][012][0-9]:[0-6][0-9]|)";
    let good = r"T[01][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-]0[0-9]:[0-5][0-9])";
    let times = (day(), prop_oneof![clock, good]).prop_map(|(day, clock)| day + &clock);
    alike(rules::TIME, |text| syntax::time(text).is_some(), times);
}

#[test]
fn durations() {
    let texts = prop_oneof!["[0-9]{0,7}[smhdw]?", "[1-9][0-9]{0,3}[smhd]", "[1-9]{1,3}[smh]"];
    alike(rules::DURATION, |text| syntax::duration(text).is_some(), texts);
}

#[test]
fn names_and_words() {
    let texts =
        || prop_oneof!["[a-zA-Z0-9._-]{1,6}", "[A-Z]?[a-z0-9]{1,3}", "[a-z0-9-]{60,64}", "[. ]{0,2}", r"\PC{0,3}"];
    alike(rules::DNS_NAME, syntax::dns_label, texts());
    alike(rules::FIELD_NAME, syntax::field_name, texts());
    alike(rules::KEY, syntax::secret_key, texts());
    alike(rules::ROLE, syntax::role, texts());
    let blanks = || prop_oneof!["[ a\u{3000}\u{a0}\u{85}\n\t\u{200b}济]{0,4}", r#"[a*?!,"@.]{1,3}"#, any::<String>()];
    alike(rules::TEXT, syntax::visible, blanks());
    alike(rules::PRINCIPAL, syntax::principal, blanks());
    alike(rules::SERIAL, syntax::serial, blanks());
    alike(rules::ZONE, syntax::zone, prop_oneof!["[A-Z][a-z]{1,6}(/[A-Za-z0-9_+-]{0,5}){0,4}", "[a-z/ +0-9]{0,8}"]);
}

#[test]
fn paths_and_places() {
    let member = r#"([.][a-zA-Z_中1]{1,2}|\[[*]\]|\['[^'\\]{0,2}'\]|\["[a' ]"\]|[.*\[\]$]|\[0\])"#;
    alike(rules::FIELD_PATH, syntax::field_path, format!(r"\$({member}){{0,4}}").as_str());
    let segment = "(/[a-z.~_-]{0,3}|/[{][a-z.0-9]{0,3}[}]|[{}? ])";
    alike(rules::OPERATION_PATH, |text| syntax::placeholders(text).is_some(), format!("({segment}){{0,4}}").as_str());
    let stores = r"(s3://[a-z0-9.-]{2,6}(/[ a-z]{0,3})?|file:///[a-z ]{0,4}|file://[a-z]{1,3}|https://a)";
    alike(rules::STORE, syntax::store, stores);
    alike(rules::PREFIX, syntax::store_prefix, r"(/|[.]|[.][.]|a|\\|中|\n){0,5}");
}

#[test]
fn addresses() {
    let rule = |rule: &str| rule.replace("self", "[self]");
    let ranges = prop_oneof![
        r"[0-9]{1,3}\.[0-9]{1,2}\.[0-2]?[0-9]\.0/0?[0-9]{1,2}",
        "[0-9a-f]{1,4}:[0-9a-f]{0,4}::/[0-9]{1,3}",
        "::ffff:1\\.2\\.3\\.[0-9]/[0-9]{2}",
        "[0-9a-f:./%]{0,12}",
    ];
    alike(&rule(rules::SOURCES), syntax::source, ranges);
    let rule = |insecure: bool| {
        rules::UPSTREAM
            .replace("self.url", "self")
            .replace("has(self.insecure) && self.insecure", &insecure.to_string())
    };
    let host =
        r"(127\.[0-9]{1,3}\.0?[0-9]\.[0-9]{1,3}|localhost|\[::1\]|\[[0-9a-f:]{0,4}\]|a\.example|[a-zA-Z0-9._@ -]{0,4})";
    let urls = || format!(r"(http|https|ftp)://{host}(:[0-9]{{0,6}})?(/[a-z?# ]{{0,3}})?");
    for insecure in [false, true] {
        alike(&rule(insecure), |url| syntax::upstream_url(url, insecure), urls().as_str());
    }
}

//! Objects of the five kinds: whole or absent, never without a reason; what was read can be written and
//! reads back as the same object with the same digest.
#![no_main]

use datashare::api::v1alpha1::API_VERSION;
use datashare::approval::digests;
use datashare::source::finding::Severity;
use datashare::source::object::{Object, Spec};
use datashare::source::yaml::emit;
use datashare_fuzz::{let_caught_panics_pass, objects};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fn spec(object: &Object) -> Value {
    match &object.spec {
        Spec::SharedResource(spec) => serde_json::to_value(spec),
        Spec::DataShareRequest(spec) => serde_json::to_value(spec),
        Spec::AccessGrant(spec) => serde_json::to_value(spec),
        Spec::AuditPolicy(spec) => serde_json::to_value(spec),
        Spec::Revocation(spec) => serde_json::to_value(spec),
    }
    .unwrap()
}

fuzz_target!(init: let_caught_panics_pass(), |text: &str| {
    let lines = u32::try_from(text.matches('\n').count()).unwrap() + 1;
    for loaded in objects(text) {
        let errors = loaded.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        assert_eq!(loaded.object.is_some(), errors == 0, "{:?}", loaded.findings);
        for finding in &loaded.findings {
            assert!((1..=lines).contains(&finding.line), "{finding:?}");
            assert!(!finding.message.is_empty() && !finding.fix.is_empty(), "{finding:?}");
        }
        let Some(object) = loaded.object else { continue };
        assert_eq!(loaded.key, Some(object.key()));
        let spec = spec(&object);
        let written = emit(&json!({
            "apiVersion": API_VERSION,
            "kind": object.kind().name(),
            "metadata": {
                "namespace": object.namespace, "name": object.name,
                "labels": object.labels, "annotations": object.annotations,
            },
            "spec": spec,
        }))
        .unwrap();
        let again = objects(&written).pop().and_then(|loaded| loaded.object);
        assert_eq!(again.as_ref(), Some(&object), "{written}");
        // a spec with a number that no double holds has no digest, and no more than that
        let _ = digests::object(object.kind(), &object.namespace, &object.name, &spec);
    }
});

//! `datashare.yaml`: what is taken lies within its bounds, and nothing that was written is passed over.
#![no_main]

use datashare::settings::{MEMBERS, Settings};
use datashare::source::yaml::parse;
use datashare_fuzz::let_caught_panics_pass;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(init: let_caught_panics_pass(), |text: &str| {
    let documents = parse(text);
    let [Ok(document)] = documents.as_slice() else { return };
    let Ok(settings) = serde_json::from_value::<Settings>(document.value.clone()) else { return };
    // a list stands for the members in their order
    if let Some(members) = document.value.as_object() {
        assert!(members.keys().all(|name| MEMBERS.contains(&name.as_str())));
    }
    assert!((1..=128).contains(&settings.site.len()));
    assert!(!settings.site.contains(|c: char| c.is_control() || c.is_whitespace() || "/\\:\"'".contains(c)));
    assert!((1..=3600).contains(&settings.max_staleness.as_secs()) && settings.max_staleness.subsec_nanos() == 0);
    assert!(settings.trusted_gateways.len() <= 64);
    let again = json!({
        "site": settings.site,
        "timeZone": settings.time_zone.iana_name(),
        "maxStaleness": format!("{}s", settings.max_staleness.as_secs()),
        "trustedGateways": settings.trusted_gateways.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    if settings.time_zone.iana_name().is_some() {
        assert_eq!(serde_json::from_value::<Settings>(again).unwrap(), settings);
    }
});

//! The site's settings, as `datashare.yaml` (or the `ConfigMap` `datashare-settings`) gives them. An
//! unknown member is an error: a misspelt limit must not silently be the default.

use ipnet::IpNet;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de};

/// Days begin and end here unless the settings say otherwise.
pub const DEFAULT_TIME_ZONE: &str = "Asia/Shanghai";
/// How old the view may be before everything is refused, unless the settings say otherwise.
pub const DEFAULT_MAX_STALENESS: SignedDuration = SignedDuration::from_secs(30);
/// And how old the settings may let it be.
pub const LONGEST_STALENESS: SignedDuration = SignedDuration::from_hours(1);

/// Settings of one installation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Name of the installation; part of every signature.
    #[serde(deserialize_with = "site")]
    pub site: String,
    #[serde(default = "default_time_zone", deserialize_with = "time_zone")]
    pub time_zone: TimeZone,
    #[serde(default = "default_max_staleness", deserialize_with = "staleness")]
    pub max_staleness: SignedDuration,
    /// Gateways whose `X-Forwarded-For` is believed.
    #[serde(default, deserialize_with = "gateways")]
    pub trusted_gateways: Vec<IpNet>,
}

/// Names of the members, for whoever explains a mistake.
pub const MEMBERS: [&str; 4] = ["site", "timeZone", "maxStaleness", "trustedGateways"];

impl Settings {
    /// What holds before any settings were read: nothing can be signed for a site without a name.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            site: String::new(),
            time_zone: default_time_zone(),
            max_staleness: DEFAULT_MAX_STALENESS,
            trusted_gateways: Vec::new(),
        }
    }
}

fn default_time_zone() -> TimeZone {
    // a machine without any time zone data still has this offset, which has had no change since 1991
    TimeZone::get(DEFAULT_TIME_ZONE).unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(8)))
}

fn default_max_staleness() -> SignedDuration {
    DEFAULT_MAX_STALENESS
}

fn site<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    if (1..=128).contains(&text.len()) && text.chars().all(fine) {
        return Ok(text);
    }
    Err(de::Error::custom("site must be 1 to 128 letters, digits, '-', '.' or '_'; write it as in jinan-production"))
}

fn time_zone<'de, D: Deserializer<'de>>(from: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(from)?;
    TimeZone::get(&name).map_err(|_| {
        de::Error::custom(format_args!("there is no time zone `{name}`; write a name such as Asia/Shanghai"))
    })
}

fn staleness<'de, D: Deserializer<'de>>(from: D) -> Result<SignedDuration, D::Error> {
    let text = String::deserialize(from)?;
    let refused = || de::Error::custom("maxStaleness must be between 1s and 1h; write it as in 30s or 5m");
    let unit = match text.chars().next_back() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        _ => return Err(refused()),
    };
    let digits = text.trim_end_matches(['s', 'm', 'h']);
    let seconds = digits.parse::<u16>().ok().filter(|_| digits.len() + 1 == text.len()).map(|n| i64::from(n) * unit);
    match seconds {
        Some(seconds) if (1..=LONGEST_STALENESS.as_secs()).contains(&seconds) => Ok(SignedDuration::from_secs(seconds)),
        _ => Err(refused()),
    }
}

fn gateways<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    if texts.len() > 64 {
        return Err(de::Error::custom("trustedGateways may hold 64 ranges at most; name wider ones"));
    }
    let range = |text: &String| {
        let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
        text.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
            de::Error::custom(format_args!("`{text}` is not an address range; write it as in 10.20.0.0/16"))
        })
    };
    texts.iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> Result<Settings, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn absent_members_have_their_defaults() {
        let settings = read(json!({"site": "jinan"})).unwrap();
        assert_eq!(settings.time_zone.iana_name(), Some(DEFAULT_TIME_ZONE));
        assert_eq!(settings.max_staleness, DEFAULT_MAX_STALENESS);
        assert!(settings.trusted_gateways.is_empty());
    }

    #[test]
    fn reads_every_member() {
        let settings = read(json!({
            "site": "济南-test", "timeZone": "UTC", "maxStaleness": "5m", "trustedGateways": ["10.0.0.0/8", "::1"],
        }))
        .unwrap();
        assert_eq!(settings.max_staleness, SignedDuration::from_mins(5));
        assert_eq!(settings.trusted_gateways.len(), 2);
    }

    #[test]
    fn refuses_what_is_not_clear() {
        for wrong in [
            json!({}),
            json!({"site": ""}),
            json!({"site": "a b"}),
            json!({"site": "a", "sites": 1}),
            json!({"site": "a", "timeZone": "Mars/Olympus"}),
            json!({"site": "a", "maxStaleness": "0s"}),
            json!({"site": "a", "maxStaleness": "2h"}),
            json!({"site": "a", "maxStaleness": "30"}),
            json!({"site": "a", "maxStaleness": "3ss"}),
            json!({"site": "a", "trustedGateways": ["10.0.0.0/33"]}),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(
            site in "[a-z济南._-]{1,20}", zone in prop::sample::select(vec!["UTC", "Asia/Shanghai", "Europe/Paris"]),
            seconds in 1i64..=3600, gateways in prop::collection::vec((any::<std::net::IpAddr>(), 0u8..=32), 0..5),
        ) {
            let gateways: Vec<_> = gateways.iter().map(|(address, bits)| format!("{address}/{bits}")).collect();
            let settings = read(json!({
                "site": site, "timeZone": zone, "maxStaleness": format!("{seconds}s"), "trustedGateways": gateways,
            }));
            let settings = settings.unwrap();
            prop_assert_eq!((settings.site, settings.time_zone.iana_name()), (site, Some(zone)));
            prop_assert_eq!(settings.max_staleness, SignedDuration::from_secs(seconds));
            let written: Vec<_> = settings.trusted_gateways.iter().map(ToString::to_string).collect();
            prop_assert_eq!(written, gateways);
        }

        #[test]
        fn no_text_widens_a_bound(site in "\\PC{0,140}", staleness in "[0-9]{0,7}[smhd]{0,2}|\\PC{0,6}", gateway in "[0-9a-f.:/]{0,20}") {
            if let Ok(settings) = read(json!({"site": site, "maxStaleness": staleness, "trustedGateways": [gateway]})) {
                prop_assert!((1..=3600).contains(&settings.max_staleness.as_secs()));
                prop_assert!(settings.site.len() <= 128 && !settings.site.contains(['/', ' ', '\n']));
            }
        }
    }
}

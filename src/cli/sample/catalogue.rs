//! Which resource and operation a call to the sample means.

use std::collections::{BTreeMap, HashMap};

use super::{SampleOperation, SampleResource};

/// The resources that the sample answers for, by host.
#[derive(Clone, Debug, Default)]
pub struct SampleCatalogue {
    by_host: HashMap<String, Vec<SampleResource>>,
}

/// What a call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    pub resource: &'a SampleResource,
    pub operation: &'a SampleOperation,
    /// Path and query parameters, decoded.
    pub parameters: BTreeMap<String, String>,
}

impl SampleCatalogue {
    #[must_use]
    pub fn new(resources: impl IntoIterator<Item = SampleResource>) -> Self {
        let mut by_host: HashMap<String, Vec<SampleResource>> = HashMap::new();
        for resource in resources {
            by_host.entry(resource.host.to_lowercase()).or_default().push(resource);
        }
        Self { by_host }
    }

    /// The operation meant by a `Host` header (a port is ignored), a method, a path and a query, all as on the wire.
    #[must_use]
    pub fn find(&self, host: &str, method: &str, path: &str, query: Option<&str>) -> Option<Found<'_>> {
        let host = host.split_once(':').map_or(host, |(host, _)| host).to_lowercase();
        self.by_host.get(&host)?.iter().find_map(|resource| {
            let below = path.strip_prefix(resource.base_path.trim_end_matches('/'))?;
            resource.operations.iter().filter(|operation| operation.method.eq_ignore_ascii_case(method)).find_map(
                |operation| {
                    let mut parameters = matched(&operation.path, below)?;
                    for pair in query.unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
                        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                        parameters.insert(decode(name, true)?, decode(value, true)?);
                    }
                    Some(Found { resource, operation, parameters })
                },
            )
        })
    }
}

/// The path parameters, if the path is of the template.
fn matched(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    let mut segments = path.split('/');
    for expected in template.split('/') {
        let segment = decode(segments.next()?, false)?;
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => {
                parameters.insert(name.to_owned(), segment);
            }
            None if segment == expected => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(parameters)
}

/// Percent-decoding, once; `None` if it is not UTF-8 underneath.
fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> SampleCatalogue {
        let operation =
            |name: &str, path: &str| SampleOperation { name: name.into(), method: "GET".into(), path: path.into() };
        SampleCatalogue::new([SampleResource {
            host: "share.example".into(),
            base_path: "/api/v2/".into(),
            operations: vec![operation("all", "/homes"), operation("one", "/homes/{number}")],
            fields: vec![],
        }])
    }

    fn operation(host: &str, method: &str, path: &str, query: Option<&str>) -> Option<(String, Vec<(String, String)>)> {
        let catalogue = catalogue();
        let found = catalogue.find(host, method, path, query)?;
        Some((found.operation.name.clone(), found.parameters.into_iter().collect()))
    }

    #[test]
    fn host_method_and_path_decide() {
        assert_eq!(
            operation("Share.Example:443", "GET", "/api/v2/homes/%E9%B2%81%281%29", None),
            Some(("one".into(), vec![("number".into(), "鲁(1)".into())]))
        );
        assert_eq!(
            operation("share.example", "GET", "/api/v2/homes", Some("a=b+c&d=%2B&")),
            Some(("all".into(), vec![("a".into(), "b c".into()), ("d".into(), "+".into())]))
        );
        for (host, method, path) in [
            ("other.example", "GET", "/api/v2/homes"),
            ("share.example", "POST", "/api/v2/homes"),
            ("share.example", "GET", "/homes"),
            ("share.example", "GET", "/api/v2/homes/"),
            ("share.example", "GET", "/api/v2/homes/1/2"),
            ("share.example", "GET", "/api/v2/homes/%FF"),
            ("share.example", "GET", "/api/v2/homes/%4"),
        ] {
            assert_eq!(operation(host, method, path, None), None, "{method} {host}{path}");
        }
    }
}

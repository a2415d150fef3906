//! A resource's upstream URL, read once: where to connect, what to call the host, what to put before
//! each path.

use hyper::Uri;
use hyper::header::HeaderValue;

/// A base URL in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    pub secure: bool,
    pub host: Box<str>,
    pub port: u16,
    /// `Host` as it is sent.
    pub authority: HeaderValue,
    /// Path before each operation's, without a slash at its end.
    pub prefix: Box<str>,
}

impl Base {
    /// Reads a URL that the kind's own rules have accepted.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return None;
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        Some(Self {
            secure,
            host: host.into(),
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority.as_str()).ok()?,
            prefix: uri.path().trim_end_matches('/').into(),
        })
    }

    /// Hosts under `.example` are nobody's (RFC 2606); the built-in sample answers for them.
    #[must_use]
    pub fn is_example(&self) -> bool {
        let host = self.host.trim_end_matches('.').to_ascii_lowercase();
        host.rsplit('.').next() == Some("example")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_the_rules_accept() {
        let base = Base::parse("https://api.civil.example:8443/v2/").unwrap();
        assert!(base.secure && base.is_example());
        assert_eq!((&*base.host, base.port, &*base.prefix), ("api.civil.example", 8443, "/v2"));
        assert_eq!(base.authority, "api.civil.example:8443");
        let base = Base::parse("http://[::1]:80").unwrap();
        assert_eq!((&*base.host, base.port, &*base.prefix), ("::1", 80, ""));
        assert!(!base.is_example());
        assert_eq!(Base::parse("https://a.gov").unwrap().port, 443);
        for wrong in ["ftp://a", "/a", "https://u@a/", "https://a/?q=1", ""] {
            assert_eq!(Base::parse(wrong), None, "{wrong}");
        }
        assert!(!Base::parse("https://example.com").unwrap().is_example());
    }

    proptest! {
        #[test]
        fn the_parts_are_those_of_the_url(
            secure in any::<bool>(), host in "[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", port in prop::option::of(1u16..), prefix in "(/[a-z0-9._~-]{1,6}){0,3}/?",
        ) {
            let scheme = if secure { "https" } else { "http" };
            let authority = port.map_or(host.clone(), |port| format!("{host}:{port}"));
            let base = Base::parse(&format!("{scheme}://{authority}{prefix}")).unwrap();
            prop_assert_eq!((base.secure, &*base.host, &*base.prefix), (secure, &*host, prefix.trim_end_matches('/')));
            prop_assert_eq!(base.port, port.unwrap_or(if secure { 443 } else { 80 }));
            prop_assert_eq!(base.authority, authority.as_str());
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(https?://)?[\\PC\\[\\]:@/?#.]{0,40}") {
            if let Some(base) = Base::parse(&text) {
                prop_assert!(!base.host.contains(['@', '/', '?', '#']) && !base.prefix.ends_with('/'));
            }
        }
    }
}

//! Where a call comes from: the peer, or behind trusted gateways the last `X-Forwarded-For` entry that
//! is not one of them. Entries further left are the caller's own words and are never read.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use ipnet::IpNet;

use super::headers;
use crate::judge::refusal::{Code, Refusal};

/// The caller's address.
pub fn find(peer: IpAddr, trusted: &[IpNet], fields: &HeaderMap) -> Result<IpAddr, Refusal> {
    let peer = peer.to_canonical();
    let is_gateway = |address: &IpAddr| trusted.iter().any(|range| range.contains(address));
    if trusted.is_empty() || !is_gateway(&peer) {
        return Ok(peer);
    }
    // several fields are one list in their order
    for field in headers::all(fields, "x-forwarded-for").rev() {
        for entry in field.as_bytes().rsplit(|byte| *byte == b',') {
            let address = std::str::from_utf8(entry).ok().and_then(|text| address(text.trim()));
            let Some(address) = address else {
                let detail = "a trusted gateway sent an X-Forwarded-For entry that is not an address";
                return Err(Refusal::new(Code::SourceRefused, detail));
            };
            if !is_gateway(&address) {
                return Ok(address);
            }
        }
    }
    Ok(peer)
}

/// An address as gateways write it: bare, bracketed, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    parsed.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(peer: &str, forwarded: &[&str]) -> Result<String, Code> {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut fields = HeaderMap::new();
        for value in forwarded {
            fields.append("x-forwarded-for", value.parse().unwrap());
        }
        find(peer.parse().unwrap(), &trusted, &fields).map(|a| a.to_string()).map_err(|refusal| refusal.code)
    }

    #[test]
    fn only_gateways_are_believed() {
        assert_eq!(source("192.0.2.1", &["1.1.1.1"]).unwrap(), "192.0.2.1");
        assert_eq!(source("::ffff:192.0.2.1", &["1.1.1.1"]).unwrap(), "192.0.2.1");
        assert_eq!(source("10.0.0.1", &[]).unwrap(), "10.0.0.1");
        assert_eq!(source("10.0.0.1", &["1.1.1.1"]).unwrap(), "1.1.1.1");
        assert_eq!(source("::ffff:10.0.0.1", &["1.1.1.1"]).unwrap(), "1.1.1.1");
    }

    #[test]
    fn the_last_entry_that_is_no_gateway_counts() {
        assert_eq!(source("10.0.0.1", &["9.9.9.9, 1.1.1.1, 10.2.2.2"]).unwrap(), "1.1.1.1");
        assert_eq!(source("10.0.0.1", &["9.9.9.9, 1.1.1.1", "10.2.2.2,10.3.3.3"]).unwrap(), "1.1.1.1");
        assert_eq!(source("10.0.0.1", &["9.9.9.9", "1.1.1.1"]).unwrap(), "1.1.1.1");
        assert_eq!(source("10.0.0.1", &["10.2.2.2"]).unwrap(), "10.0.0.1");
        assert_eq!(source("fd00::1", &["2001:db8::7"]).unwrap(), "2001:db8::7");
    }

    #[test]
    fn ports_and_brackets_are_read_and_nonsense_is_refused() {
        assert_eq!(source("10.0.0.1", &["1.1.1.1:443"]).unwrap(), "1.1.1.1");
        assert_eq!(source("10.0.0.1", &["[2001:db8::7]:443"]).unwrap(), "2001:db8::7");
        assert_eq!(source("10.0.0.1", &["[2001:db8::7]"]).unwrap(), "2001:db8::7");
        assert_eq!(source("10.0.0.1", &["::ffff:1.1.1.1"]).unwrap(), "1.1.1.1");
        for nonsense in ["unknown", "", "1.1.1.1,", "1.1.1", "evil, 10.2.2.2"] {
            assert_eq!(source("10.0.0.1", &[nonsense]), Err(Code::SourceRefused), "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn what_a_caller_wrote_himself_never_counts(
            claimed in "[ -~]{0,40}",
            real in any::<std::net::Ipv4Addr>(),
            gateways in prop::collection::vec(any::<[u8; 3]>(), 0..4),
            fields in 1usize..3,
        ) {
            prop_assume!(real.octets()[0] != 10);
            let behind: String = gateways.iter().map(|[a, b, c]| format!(", 10.{a}.{b}.{c}")).collect();
            let last = format!("{real}{behind}");
            let all = if fields == 1 { vec![format!("{claimed},{last}")] } else { vec![claimed.clone(), last] };
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            prop_assert_eq!(source("10.0.0.1", &all).ok(), Some(real.to_string()));
            prop_assert_eq!(source("192.0.2.1", &[&claimed]).ok(), Some("192.0.2.1".to_owned()));
        }
    }
}

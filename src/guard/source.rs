//! Where a call comes from: the peer, or what a trusted gateway says of it.

use std::net::IpAddr;

use hyper::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Behind trusted gateways, the last `X-Forwarded-For` entry that is not one of them; `None` when it
/// cannot be read, which refuses the call.
pub fn source(peer: IpAddr, headers: &HeaderMap, gateways: &[IpNet]) -> Option<IpAddr> {
    let peer = unmapped(peer);
    let trusted = |address: IpAddr| gateways.iter().any(|range| range.contains(&address));
    if !trusted(peer) {
        return Some(peer);
    }
    let mut last = peer;
    let lines: Vec<_> = headers.get_all(&FORWARDED_FOR).iter().collect();
    for line in lines.into_iter().rev() {
        for entry in line.to_str().ok()?.rsplit(',') {
            last = unmapped(entry.trim().parse().ok()?);
            if !trusted(last) {
                return Some(last);
            }
        }
    }
    Some(last)
}

fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&FORWARDED_FOR, line.parse().unwrap());
        }
        source(peer.parse().unwrap(), &headers, &["10.0.0.0/8".parse().unwrap()]).map(|a| a.to_string())
    }

    #[test]
    fn only_a_trusted_gateway_is_believed() {
        assert_eq!(of("192.0.2.1", &["198.51.100.7"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(of("10.0.0.1", &["198.51.100.7"]).as_deref(), Some("198.51.100.7"));
        assert_eq!(of("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.0.0.2"]).as_deref(), Some("198.51.100.7"));
        assert_eq!(of("10.0.0.1", &["198.51.100.7", "10.0.0.3"]).as_deref(), Some("198.51.100.7"));
        assert_eq!(of("10.0.0.1", &["unknown"]), None);
        assert_eq!(of("::ffff:10.0.0.1", &["::ffff:198.51.100.7"]).as_deref(), Some("198.51.100.7"));
        assert_eq!(of("10.0.0.1", &[]).as_deref(), Some("10.0.0.1"));
    }
}

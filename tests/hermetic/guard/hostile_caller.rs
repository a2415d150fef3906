//! What a caller may send and must not get away with.

use std::io::Write;
use std::time::Duration;

use serde_json::json;

use super::talk::{Caller, path, request};
use super::upstream::Upstream;
use super::world::{GrantPlan, PROVIDER, Plan, RESOURCE, World, token};

fn world() -> (Upstream, World) {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    (upstream, world)
}

#[test]
fn headers_that_name_the_caller_stand_once() {
    let (upstream, world) = world();
    for header in ["Datashare-User", "Datashare-Case", "Datashare-Consent"] {
        let doubled = format!("{header}: a\r\n{}: a\r\n", header.to_lowercase());
        assert_eq!(world.get_with("deed-tax", &path("1"), &doubled).code(), "request-invalid");
        let long = format!("{header}: {}\r\n", "a".repeat(129));
        assert_eq!(world.get_with("deed-tax", &path("1"), &long).code(), "request-invalid");
        let raw = format!("{header}: 张\r\n");
        assert_eq!(world.get_with("deed-tax", &path("1"), &raw).code(), "request-invalid");
        let fits = format!("{header}: {}\r\n", "a".repeat(128));
        assert_eq!(world.get_with("deed-tax", &path("1"), &fits).status, 200);
    }
    let doubled = format!("Authorization: Bearer {}\r\n", token("deed-tax"));
    let reply = world.get_with("deed-tax", &path("1"), &doubled);
    assert_eq!(reply.code(), "request-invalid");
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(world.get_with("deed-tax", &path("1"), "Host: other\r\n").code(), "request-invalid");
    assert_eq!(upstream.asked().len(), 3);
}

#[test]
fn tokens_are_read_in_one_place_only() {
    let (upstream, world) = world();
    let bare = |target: &str, headers: &str| {
        world.raw(format!("GET {target} HTTP/1.1\r\nHost: guard\r\n{headers}\r\n").as_bytes()).code()
    };
    let secret = token("deed-tax");
    assert_eq!(bare(&format!("{}?access_token={secret}", path("1")), ""), "credential-missing");
    assert_eq!(bare(&path("1"), &format!("Proxy-Authorization: Bearer {secret}\r\n")), "credential-missing");
    assert_eq!(bare(&path("1"), &format!("Authorization: Basic {secret}\r\n")), "credential-missing");
    assert_eq!(bare(&path("1"), &format!("Authorization: Bearer {secret} x\r\n")), "credential-invalid");
    assert_eq!(bare(&path("1"), &format!("Authorization: Bearer {}\r\n", secret.to_uppercase())), "credential-invalid");
    assert_eq!(bare(&path("1"), &format!("Authorization: Bearer {}\r\n", "a".repeat(600))), "credential-invalid");
    assert!(upstream.asked().is_empty());
}

#[test]
fn targets_that_can_be_read_in_two_ways_are_refused() {
    let (upstream, world) = world();
    let resource = format!("/{PROVIDER}/{RESOURCE}");
    for (target, code) in [
        (format!("{resource}/owners/.."), "request-invalid"),
        (format!("{resource}/owners/%2e%2e"), "request-invalid"),
        (format!("{resource}/owners/%2E"), "request-invalid"),
        (format!("{resource}//owners/1"), "request-invalid"),
        (format!("/{resource}/owners/1"), "request-invalid"),
        (format!("{resource}/owners/1/"), "request-invalid"),
        (format!("{resource}/owners/%zz"), "request-invalid"),
        (format!("{resource}/owners/%ff"), "request-invalid"),
        (format!("{resource}/owners/a\"b"), "request-invalid"),
        (format!("{resource}/owners/1?year=%"), "request-invalid"),
        (format!("{resource}/x/../owners/1"), "request-invalid"),
        (format!("http://other{resource}/owners/1"), "request-invalid"),
        ("*".to_owned(), "request-invalid"),
        (format!("{resource}/owners/1%2F2"), "parameter-refused"),
        (format!("{resource}/owners/%2F"), "parameter-refused"),
        (format!("{resource}/owners/1%00"), "parameter-refused"),
        (format!("{resource}/owners/1%0d%0aX:1"), "parameter-refused"),
        (format!("{resource}/owners/1?year"), "parameter-refused"),
        (format!("{resource}/owners/1?year=1&year=2"), "parameter-refused"),
        (format!("{resource}/owners/1?idNumber=2"), "parameter-refused"),
        (format!("{resource}/owners/1?&"), "parameter-refused"),
        (format!("{resource}/owners/{}", "9".repeat(257)), "parameter-refused"),
        (format!("{resource}/owners/1%2F..%2Fall"), "parameter-refused"),
        (format!("{resource}/owners"), "operation-not-granted"),
        (format!("{resource}/owners%2F1"), "operation-not-granted"),
        (format!("{resource}/Owners/1"), "operation-not-granted"),
        ("/other/property-ownership/owners/1".to_owned(), "operation-not-granted"),
        (format!("/{PROVIDER}/other/owners/1"), "operation-not-granted"),
        // an operation of its own that nobody was granted, however it is written
        (format!("{resource}/owners/all"), "operation-not-granted"),
        (format!("{resource}/owners/%61ll"), "operation-not-granted"),
    ] {
        let method = if target == "*" { "OPTIONS" } else { "GET" };
        let reply = world.raw(request(&format!("{method} {target}"), "deed-tax", "").as_bytes());
        assert_eq!(reply.code(), code, "{target}");
    }
    assert!(upstream.asked().is_empty(), "{:?}", upstream.asked());
}

#[test]
fn values_go_upstream_encoded_anew() {
    let (upstream, world) = world();
    let target = format!("{}?year=%32026+%26x%3D1", path("%31+%2B%E5%BC%A0;a=b%252F"));
    assert_eq!(world.get_with("deed-tax", &target, "").status, 200);
    let asked = upstream.asked();
    let line = asked[0].lines().next().unwrap();
    assert_eq!(line, "GET /api/owners/1%2B%2B%E5%BC%A0%3Ba%3Db%252F?year=2026%2B%26x%3D1 HTTP/1.1");
}

#[test]
fn methods_are_those_of_the_operation() {
    let (upstream, world) = world();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "FOO"] {
        let reply = world.raw(request(&format!("{method} {}", path("1")), "deed-tax", "").as_bytes());
        assert_eq!(reply.code(), "operation-not-granted", "{method}");
    }
    let mut caller = Caller::connect(world.address);
    caller.send(request(&format!("HEAD {}", path("1")), "deed-tax", "").as_bytes());
    let reply = caller.read_head().unwrap();
    assert_eq!(reply.status, 403);
    assert!(world.entries().1[reply.receipt()].code.as_deref() == Some("operation-not-granted"));
    assert!(upstream.asked().is_empty());

    let reply = world.raw(request(&format!("POST {}/refresh", path("1")), "deed-tax", "").as_bytes());
    assert_eq!(reply.status, 200);
    assert!(upstream.asked()[0].starts_with("POST /api/owners/1/refresh HTTP/1.1\r\n"));
    assert!(upstream.asked()[0].to_lowercase().contains("content-length: 0\r\n"), "{:?}", upstream.asked());
}

#[test]
fn what_the_guard_does_not_do_is_refused() {
    let (upstream, world) = world();
    for headers in [
        "Upgrade: websocket\r\nConnection: Upgrade\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
        "Range: bytes=0-\r\n",
        "If-Range: x\r\n",
        "Expect: 100-continue\r\n",
        "Content-Encoding: gzip\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n",
        "Trailer: X\r\n",
    ] {
        assert_eq!(world.get_with("deed-tax", &path("1"), headers).code(), "request-invalid", "{headers}");
    }
    assert!(upstream.asked().is_empty());
}

#[test]
fn a_second_message_is_never_smuggled_in() {
    let (upstream, world) = world();
    let inner = request(&format!("GET {}", path("2")), "deed-tax", "");
    let length = inner.len();
    let chunked = format!("{length:x}\r\n{inner}\r\n0\r\n\r\n");
    for (headers, body) in [
        (format!("Content-Length: {length}\r\n"), inner.clone()),
        ("Transfer-Encoding: chunked\r\n".to_owned(), chunked.clone()),
        (format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", chunked.len()), chunked.clone()),
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n".to_owned(), format!("0\r\n\r\n{inner}")),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n".to_owned(), format!("0\r\n\r\n{inner}")),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("0\r\nX: {inner}")),
    ] {
        let mut caller = Caller::connect(world.address);
        let outer = request(&format!("GET {}", path("1")), "deed-tax", &headers);
        caller.send(format!("{outer}{body}").as_bytes());
        assert_eq!(caller.read().unwrap().code(), "request-invalid", "{headers}");
        assert!(caller.is_closed(), "{headers}");
    }
    // where HTTP itself cannot be read, a bare 400 or a closed connection is all there is
    for headers in [
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: -1\r\n",
        "X : 1\r\n",
        "X: a\u{0}b\r\n",
        " folded: 1\r\n",
    ] {
        let mut caller = Caller::connect(world.address);
        caller.send(format!("{}{inner}", request(&format!("GET {}", path("1")), "deed-tax", headers)).as_bytes());
        if let Some(reply) = caller.read() {
            assert_eq!(reply.status, 400, "{headers}: {reply:?}");
            assert!(caller.is_closed(), "{headers}");
        }
    }
    assert!(upstream.asked().is_empty(), "{:?}", upstream.asked());
}

#[test]
fn heads_are_bounded_and_connect_is_not_served() {
    let (upstream, world) = world();
    let mut caller = Caller::connect(world.address);
    let long = format!(
        "{}X: {}\r\n\r\n",
        request(&format!("GET {}", path("1")), "deed-tax", "").trim_end(),
        "x".repeat(64 << 10)
    );
    let mut stream = std::net::TcpStream::connect(world.address).unwrap();
    let _ = stream.write_all(long.as_bytes());
    let status = super::talk::read_reply(&mut stream, false).map(|reply| reply.status);
    assert!(matches!(status, None | Some(400 | 431)), "{status:?}");

    let many = "X: 1\r\n".repeat(100);
    caller.send(request(&format!("GET {}", path("1")), "deed-tax", &many).as_bytes());
    assert!(matches!(caller.read().map(|reply| reply.status), None | Some(400 | 431)));

    let mut caller = Caller::connect(world.address);
    caller.send(
        format!("CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\nAuthorization: Bearer {}\r\n\r\n", token("deed-tax"))
            .as_bytes(),
    );
    assert_eq!(caller.read().unwrap().code(), "request-invalid");
    assert!(upstream.asked().is_empty());
}

#[test]
fn slow_and_silent_connections_are_closed() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.limits.idle = Duration::from_millis(200);
    let world = plan.start();
    let mut silent = Caller::connect(world.address);
    let mut half = Caller::connect(world.address);
    half.send(b"GET /half HTTP/1.1\r\nHost: gu");
    let mut preface = Caller::connect(world.address);
    preface.send(b"PRI * HT");
    for caller in [&mut silent, &mut half, &mut preface] {
        assert!(caller.read().is_none_or(|reply| reply.status >= 400));
    }
    assert_eq!(world.get("deed-tax", "1").status, 200);
}

#[test]
fn the_address_is_the_peers_unless_a_gateway_is_trusted() {
    let upstream = Upstream::usual();
    let applicant = |source: &str| {
        json!({
            "unit": {"name": "税务局", "code": super::world::UNIT}, "person": "王", "phone": "1",
            "system": {"name": "s", "sources": [source]},
        })
    };
    let grants = || {
        vec![
            GrantPlan::new("far").request("applicant", applicant("203.0.113.7/32")),
            GrantPlan::new("near").request("applicant", applicant("127.0.0.1/32")),
        ]
    };
    let mut plan = Plan::new(upstream.address);
    plan.grants = grants();
    let world = plan.start();
    let forwarded = "X-Forwarded-For: 203.0.113.7\r\n";
    assert_eq!(world.get_with("far", &path("1"), forwarded).code(), "source-refused");
    assert_eq!(world.get_with("near", &path("1"), forwarded).status, 200);

    let mut plan = Plan::new(upstream.address);
    plan.grants = grants();
    plan.gateways = vec!["127.0.0.0/8".to_owned(), "10.0.0.0/8".to_owned()];
    let world = plan.start();
    let reply = world.get_with("far", &path("1"), "X-Forwarded-For: 1.1.1.1, 203.0.113.7, 10.1.1.1\r\n");
    assert_eq!(reply.status, 200);
    assert_eq!(world.entries().1[reply.receipt()].source, Some("203.0.113.7".parse().unwrap()));
    let split = "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 1.1.1.1\r\n";
    assert_eq!(world.get_with("far", &path("1"), split).code(), "source-refused");
    assert_eq!(world.get_with("far", &path("1"), "X-Forwarded-For: nonsense\r\n").code(), "source-refused");
    assert_eq!(world.get("near", "1").status, 200);
}

#[test]
fn an_answer_that_nobody_takes_is_given_up() {
    let rows = format!("{{\"data\": [{}{{}}]}}", format!("{{\"ownerName\": \"{}\"}},", "x".repeat(1000)).repeat(7000));
    let upstream = Upstream::sending(super::upstream::json(&rows));
    let mut plan = Plan::new(upstream.address);
    plan.limits.idle = Duration::from_millis(200);
    plan.resource["interface"]["upstream"]["timeout"] = json!("30s");
    let world = plan.start();
    let mut caller = Caller::connect(world.address);
    caller.send(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes());
    super::site::until("released", || world.guard.render_metrics().contains("{code=\"released\"} 1\n"));
    super::site::until("closed", || world.guard.render_metrics().contains("datashare_guard_connections 0\n"));
}

#[test]
fn what_the_caller_says_of_itself_is_read_once_and_compared_as_it_is_meant() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    world.revoke("bar", json!({"person": {"id": "张-1"}}));
    for user in ["%E5%BC%A0-1", "%e5%bc%a0%2d1", "%E5%BC%A0%2D%31"] {
        let reply = world.get_with("deed-tax", &path("1"), &format!("Datashare-User: {user}\r\n"));
        assert_eq!(reply.code(), "person-revoked", "{user}");
        assert_eq!(world.entries().1[reply.receipt()].user.as_deref(), Some("张-1"));
    }
    for user in ["%25E5%25BC%25A0-1", "p-1"] {
        assert_eq!(world.get_with("deed-tax", &path("1"), &format!("Datashare-User: {user}\r\n")).status, 200);
    }
    for user in ["%E5%BC", "%", "%5", "%c0%ad", "a,b c", "\"a b\"", "%0d%0aX:1", "%00", "%20", ""] {
        let reply = world.get_with("deed-tax", &path("1"), &format!("Datashare-User: {user}\r\n"));
        assert_eq!(reply.code(), "request-invalid", "{user}");
    }
}

#[test]
fn context_that_is_given_more_than_once_is_not_passed_on() {
    let (upstream, world) = world();
    let trace = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    let language = "Accept-Language: zh\r\n";
    for times in [1, 2, 3] {
        let headers = format!("{}{}", trace.repeat(times), language.repeat(times));
        assert_eq!(world.get_with("deed-tax", &path("1"), &headers).status, 200);
        let head = upstream.asked().pop().unwrap().to_lowercase();
        assert_eq!(head.contains("traceparent:"), times == 1, "{times}");
        assert_eq!(head.contains("accept-language:"), times == 1, "{times}");
    }
}

#[test]
fn forwarded_addresses_are_believed_from_the_right_and_only_when_they_are_addresses() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    let applicant = json!({
        "unit": {"name": "税务局", "code": super::world::UNIT}, "person": "王", "phone": "1",
        "system": {"name": "s", "sources": ["203.0.113.7/32", "2001:db8::/64"]},
    });
    plan.grants = vec![GrantPlan::new("far").request("applicant", applicant)];
    plan.gateways = vec!["127.0.0.1/32".to_owned(), "10.0.0.0/8".to_owned()];
    let world = plan.start();
    for (forwarded, source) in [
        ("203.0.113.7", Some("203.0.113.7")),
        ("9.9.9.9, 203.0.113.7", Some("203.0.113.7")),
        ("203.0.113.7:4711, 10.3.2.1", Some("203.0.113.7")),
        ("::ffff:203.0.113.7", Some("203.0.113.7")),
        ("[2001:db8::5]:443", Some("2001:db8::5")),
        ("nonsense, 2001:db8::5", Some("2001:db8::5")),
        ("203.0.113.7, 9.9.9.9", None),
        ("203.0.113.7, ", None),
        ("203.0.113.7, unknown", None),
        ("203.0.113.7, _hidden", None),
        ("203.0.113.007", None),
        ("3405803783", None),
        ("0xcb.0.113.7", None),
        ("fe80::1%eth0", None),
        ("203.0.113.7;", None),
    ] {
        let reply = world.get_with("far", &path("1"), &format!("X-Forwarded-For: {forwarded}\r\n"));
        let Some(source) = source else {
            assert_eq!(reply.code(), "source-refused", "{forwarded}");
            continue;
        };
        assert_eq!(reply.status, 200, "{forwarded}: {reply:?}");
        assert_eq!(world.entries().1[reply.receipt()].source, Some(source.parse().unwrap()));
    }
    // other headers of the same meaning are never believed
    for other in ["Forwarded: for=203.0.113.7\r\n", "X-Real-IP: 203.0.113.7\r\n", "True-Client-IP: 203.0.113.7\r\n"] {
        assert_eq!(world.get_with("far", &path("1"), other).code(), "source-refused", "{other}");
    }
}

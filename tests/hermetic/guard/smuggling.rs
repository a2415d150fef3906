//! Messages whose end or target two readers could see in different places, from either side.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::talk::{Caller, path, request, with_token};
use super::upstream::{CANARY, OWNERS, RELEASED, Upstream, json as json_answer};
use super::world::{PROVIDER, Plan, RESOURCE, World, token};

fn world() -> (Upstream, World) {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    (upstream, world)
}

#[test]
fn nobody_looks_behind_a_message_with_a_body_whoever_sent_it() {
    let (upstream, world) = world();
    let inner = request(&format!("GET {}", path("2")), "deed-tax", "");
    for (token, code) in [(token("deed-tax"), "request-invalid"), (token("nobody"), "credential-invalid")] {
        for (framing, body) in [
            (format!("Content-Length: {}\r\n", inner.len()), inner.clone()),
            ("Transfer-Encoding: chunked\r\n".to_owned(), format!("0\r\n\r\n{inner}")),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n".to_owned(), format!("0\r\n\r\n{inner}")),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n".to_owned(), format!("0\r\n\r\n{inner}")),
            ("Transfer-Encoding: gzip, chunked\r\n".to_owned(), format!("0\r\n\r\n{inner}")),
            ("Transfer-Encoding: Chunked\r\n".to_owned(), format!("0;x=y\r\n\r\n{inner}")),
        ] {
            let mut caller = Caller::connect(world.address);
            let outer = with_token(&format!("GET {}", path("1")), &token, &framing);
            caller.send(format!("{outer}{body}").as_bytes());
            let reply = caller.read().unwrap();
            assert_eq!(reply.code(), code, "{framing}");
            assert_eq!(reply.header("connection"), Some("close"), "{framing}");
            assert!(caller.is_closed(), "{framing}: the inner message was answered");
        }
    }
    assert!(upstream.asked().is_empty(), "{:?}", upstream.asked());
}

#[test]
fn heads_that_break_the_grammar_get_nothing_done() {
    let (upstream, world) = world();
    let line = format!("GET {} HTTP/1.1", path("1"));
    let bearer = format!("Authorization: Bearer {}", token("deed-tax"));
    for head in [
        // a folded value, a name with a blank, a colon alone, a bare return, an early end
        format!("{line}\r\nHost: guard\r\nAuthorization: Bearer\r\n {}\r\n\r\n", token("deed-tax")),
        format!("{line}\r\nHost: guard\r\n{bearer}\r\nDatashare-User: a\r\n\tb\r\n\r\n"),
        format!("{line}\r\nHost: guard\r\n{bearer}\r\nDatashare-User : a\r\n\r\n"),
        format!("{line}\r\nHost: guard\r\n{bearer}\r\n: a\r\n\r\n"),
        format!("{line}\r\nHost: guard\r\n{bearer}\r\nX: a\rContent-Length: 3\r\n\r\n"),
        format!("{line}\r\n Host: guard\r\n{bearer}\r\n\r\n"),
        format!("{line}\r\nHost: guard\r\n{bearer}\r\nContent-Length: 0, 5\r\n\r\n"),
        format!("{line}\r\nHost: guard\r\n{bearer}\r\nContent-Length: +0\r\n\r\n"),
        format!("{line}\r\nHost: guard\r\n{bearer}\r\nContent-Length: 0x0\r\n\r\n"),
        format!("{line}\r\nHost: guard\r\n{bearer}\r\nTransfer-Encoding: xchunked\r\n\r\n"),
        format!("GET {} HTTP/1.2\r\nHost: guard\r\n{bearer}\r\n\r\n", path("1")),
        format!("GET {} HTTP/2.0\r\nHost: guard\r\n{bearer}\r\n\r\n", path("1")),
        format!("GET {} x HTTP/1.1\r\nHost: guard\r\n{bearer}\r\n\r\n", path("1")),
        format!("GET  {} HTTP/1.1\r\nHost: guard\r\n{bearer}\r\n\r\n", path("1")),
        format!("GET {}\r\nHost: guard\r\n{bearer}\r\n\r\n", path("1")),
        format!("G(T {} HTTP/1.1\r\nHost: guard\r\n{bearer}\r\n\r\n", path("1")),
        format!("{line}\r\n{bearer}\r\n\r\n"),
        format!("GET {} HTTP/1.0\r\n{bearer}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", path("1")),
    ] {
        let mut caller = Caller::connect(world.address);
        caller.send(head.as_bytes());
        if let Some(reply) = caller.read() {
            assert_eq!(reply.status, 400, "{head:?}: {reply:?}");
            assert!(caller.is_closed(), "{head:?}");
        }
    }
    assert!(upstream.asked().is_empty(), "{:?}", upstream.asked());
}

#[test]
fn only_the_path_form_of_a_target_is_one() {
    let (upstream, world) = world();
    let resource = format!("/{PROVIDER}/{RESOURCE}");
    for target in [
        format!("http://guard{}", path("1")),
        format!("HTTPS://guard:443{}", path("1")),
        format!("guard:80{}", path("1")),
        "guard:80".to_owned(),
        "http://guard/.well-known/datashare/grant".to_owned(),
        "*".to_owned(),
        format!("\\{PROVIDER}\\{RESOURCE}\\owners\\1"),
        format!("{resource}/owners/\u{2024}\u{2024}/1"),
        format!("{resource}/owners/%c0%ae%c0%ae"),
        format!("{resource}/owners/%e0%80%af"),
        format!("{resource}/owners/%f0%80%80%af"),
        format!("{resource}/owners/%ed%a0%80"),
        format!("{resource}/owners/%u002e"),
        format!("{resource}/./owners/1"),
        format!("{resource}/owners/1/%2e"),
        format!("/%2e%2e{resource}/owners/1"),
        format!("{resource}/owners/1?"),
        format!("{resource}/owners/1#?year=1"),
    ] {
        let mut caller = Caller::connect(world.address);
        caller.send(request(&format!("GET {target}"), "deed-tax", "").as_bytes());
        let Some(reply) = caller.read() else { continue };
        // nothing stands behind an empty query, and a fragment is no part of a call: neither goes upstream
        if target.contains("owners/1?") || target.contains('#') {
            assert_eq!(reply.status, 200, "{target}");
            continue;
        }
        assert_eq!(reply.status, 400, "{target}: {reply:?}");
        assert!(caller.is_closed(), "{target}");
    }
    for refused in ["..;", "..%5C..%5Call", "1%5C2", "%00", "a%0a", "1%2f..", "%7f"] {
        let reply = world.get_with("deed-tax", &path(refused), "");
        if refused == "..;" {
            // a value like any other, encoded anew
            assert_eq!(reply.status, 200);
            continue;
        }
        assert_eq!(reply.code(), "parameter-refused", "{refused}");
    }
    let lines: Vec<String> = upstream.asked().iter().map(|head| head.lines().next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["GET /api/owners/1 HTTP/1.1", "GET /api/owners/1 HTTP/1.1", "GET /api/owners/..%3B HTTP/1.1"]);
}

#[test]
fn no_interim_answer_and_no_upgrade_comes_before_the_refusal() {
    let (upstream, world) = world();
    for (method, token) in [("GET", "deed-tax"), ("POST", "deed-tax"), ("GET", "nobody")] {
        let mut caller = Caller::connect(world.address);
        let headers = "Expect: 100-continue\r\nContent-Length: 10\r\n";
        caller.send(request(&format!("{method} {}", path("1")), token, headers).as_bytes());
        let reply = caller.read().unwrap();
        assert!(matches!(reply.status, 400 | 401), "{reply:?}");
        assert!(caller.is_closed());
    }
    assert!(upstream.asked().is_empty());
}

#[test]
fn bytes_behind_an_upstream_answer_answer_nobody() {
    let poison = String::from_utf8(json_answer(r#"{"data": [{"ownerName": "POISON"}]}"#)).unwrap();
    let json = "Content-Type: application/json\r\n";
    let whole = String::from_utf8(json_answer(OWNERS)).unwrap();
    for first in [
        format!("HTTP/1.1 204 No Content\r\n\r\n{poison}"),
        format!("HTTP/1.1 204 No Content\r\nContent-Length: {}\r\n\r\n{poison}", poison.len()),
        format!("HTTP/1.1 304 Not Modified\r\nContent-Length: {}\r\n\r\n{poison}", poison.len()),
        format!("{whole}{poison}"),
        format!("HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n{poison}"),
        format!("HTTP/1.1 200 OK\r\n{json}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{poison}"),
        format!(
            "HTTP/1.1 200 OK\r\n{json}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{poison}",
            poison.len()
        ),
        format!("HTTP/1.0 200 OK\r\n{json}Content-Length: 2\r\nConnection: keep-alive\r\n\r\n{{}}{poison}"),
    ] {
        let turn = AtomicUsize::new(0);
        let sent = first.clone();
        let upstream = Upstream::new(move |_, stream| {
            let bytes =
                if turn.fetch_add(1, Ordering::SeqCst) == 0 { sent.clone().into_bytes() } else { json_answer(OWNERS) };
            stream.write_all(&bytes).is_ok()
        });
        let world = Plan::new(upstream.address).start();
        let _ = world.get("deed-tax", "1");
        for _ in 0..3 {
            let next = world.get("deed-tax", "1");
            assert_eq!(String::from_utf8_lossy(&next.body), RELEASED, "{first}");
        }
    }
}

#[test]
fn upstream_framing_that_can_be_read_in_two_ways_releases_nothing() {
    let json = "Content-Type: application/json\r\n";
    let chunked = format!("{:x}\r\n{OWNERS}\r\n0\r\n\r\n", OWNERS.len());
    for bytes in [
        format!("HTTP/1.1 200 OK\r\n{json}Transfer-Encoding: gzip\r\n\r\n{OWNERS}"),
        format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 2, 3\r\n\r\n{OWNERS}"),
        format!("HTTP/1.1 200 OK\r\n{json}Content-Length: -1\r\n\r\n{OWNERS}"),
        format!("HTTP/1.1 200 OK\r\n{json}Transfer-Encoding: chunked\r\n\r\n-1\r\n{OWNERS}\r\n0\r\n\r\n"),
        format!(
            "HTTP/1.1 200 OK\r\n{json}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{OWNERS}\r\n0\r\n\r\n"
        ),
        format!("HTTP/1.1 200 OK\r\n{json}Transfer-Encoding: chunked\r\n\r\n{}", &chunked[..chunked.len() - 5]),
        format!("HTTP/1.1 200 OK\r\n{json}Transfer-Encoding: chunked, chunked\r\n\r\n{chunked}"),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json; a=b, text/html\r\nContent-Length: {}\r\n\r\n{OWNERS}",
            OWNERS.len()
        ),
        format!("HTTP/1.1 200 OK\r\n{json}X : y\r\nContent-Length: {}\r\n\r\n{OWNERS}", OWNERS.len()),
        format!("HTTP/2.0 200 OK\r\n{json}Content-Length: {}\r\n\r\n{OWNERS}", OWNERS.len()),
        format!("HTTP/1.1 2000 OK\r\n{json}Content-Length: {}\r\n\r\n{OWNERS}", OWNERS.len()),
        format!("HTTP/1.1 200 OK\r\n{json}{}\r\n{OWNERS}", "X: y\r\n".repeat(200)),
        format!("HTTP/1.1 200 OK\r\n{json}X: {}\r\n\r\n{OWNERS}", "y".repeat(1 << 20)),
    ] {
        let shown = &bytes[..bytes.len().min(200)];
        let upstream = Upstream::sending_and_closing(bytes.clone());
        let world = Plan::new(upstream.address).start();
        let reply = world.get("deed-tax", "1");
        // a body of which nothing is known but its end with the connection is still a whole JSON document
        if reply.status == 200 {
            assert_eq!(String::from_utf8_lossy(&reply.body), RELEASED, "{shown}");
            assert!(bytes.contains("Transfer-Encoding: gzip") || bytes.contains("chunked, chunked"), "{shown}");
            continue;
        }
        assert!(matches!(&*reply.code(), "upstream-invalid" | "upstream-unreachable"), "{shown}: {reply:?}");
        assert!(!format!("{reply:?}").contains(CANARY));
    }
    // a flood of interim answers ends with the time of the call
    let upstream = Upstream::new(|_, stream| {
        while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok() {}
        false
    });
    let mut plan = Plan::new(upstream.address);
    plan.resource["interface"]["upstream"]["timeout"] = serde_json::json!("1s");
    assert!(matches!(&*plan.start().get("deed-tax", "1").code(), "upstream-timeout" | "upstream-invalid"));
}

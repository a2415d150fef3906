//! What an upstream may send, and what little of it leaves.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::talk::path;
use super::upstream::{CANARY, OWNERS, RELEASED, Upstream, answer, json as json_answer};
use super::world::{Plan, World, token};

fn ask(upstream: &Upstream) -> (World, super::talk::Reply) {
    let world = Plan::new(upstream.address).start();
    let reply = world.get("deed-tax", "1");
    (world, reply)
}

/// The code after one call to an upstream that sends this and closes.
fn code_of(bytes: impl Into<Vec<u8>>) -> String {
    let upstream = Upstream::sending_and_closing(bytes);
    let (_world, reply) = ask(&upstream);
    assert!(!String::from_utf8_lossy(&reply.body).contains(CANARY), "{reply:?}");
    reply.code()
}

#[test]
fn a_released_answer_has_exactly_the_headers_of_the_contract() {
    let upstream = Upstream::usual();
    let (_world, reply) = ask(&upstream);
    assert_eq!(reply.status, 200);
    assert_eq!(String::from_utf8_lossy(&reply.body), RELEASED);
    let mut names: Vec<&str> = reply.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "content-length", "content-type", "datashare-record", "date"]);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[test]
fn only_an_allow_list_of_headers_goes_upstream() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.resource["interface"]["upstream"]["credential"] =
        json!({"header": "X-App-Key", "secretRef": {"name": "app", "key": "token"}});
    let world = plan.start();
    let refused = world.get("deed-tax", "1");
    assert_eq!(refused.code(), "upstream-unreachable");
    world.secret("app", "token", "our-secret\n");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = format!(
        "Datashare-User: p-1\r\nDatashare-Case: c\r\nCookie: a=b\r\nX-App-Key: theirs\r\nAccept: text/html\r\n\
         Accept-Encoding: gzip\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=1\r\nTE: trailers\r\nUser-Agent: curl\r\n\
         Accept-Language: zh-CN\r\ntraceparent: {trace}\r\nX-Other: 1\r\n"
    );
    assert_eq!(world.get_with("deed-tax", &path("1"), &headers).status, 200);
    let head = upstream.asked()[0].to_lowercase();
    let mut names: Vec<&str> =
        head.lines().skip(1).filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    names.sort_unstable();
    let allowed = ["accept", "accept-encoding", "accept-language", "host", "traceparent", "user-agent", "x-app-key"];
    assert_eq!(names, allowed);
    assert!(head.contains("x-app-key: our-secret\r\n") && head.contains("accept-encoding: identity\r\n"));
    assert!(head.contains("accept: application/json\r\n") && head.contains(trace));
    assert!(!head.contains(&token("deed-tax")));
    assert!(!world.entries().0.contains("our-secret"));
}

#[test]
fn statuses_map_to_codes_and_nothing_of_them_passes() {
    for (status, code) in [
        ("201 Created", "upstream-status"),
        ("206 Partial", "upstream-status"),
        ("301 Moved", "upstream-status"),
        ("302 Found", "upstream-status"),
        ("304 Not Modified", "upstream-status"),
        ("400 Bad", "upstream-status"),
        ("401 Who", "upstream-status"),
        ("403 No", "upstream-status"),
        ("404 None", "upstream-not-found"),
        ("410 Gone", "upstream-status"),
        ("429 Slow", "upstream-status"),
        ("503 CANARY", "upstream-status"),
    ] {
        let headers = "Content-Type: application/json\r\nLocation: http://127.0.0.1:1/CANARY\r\nRetry-After: 7\r\n";
        let upstream = Upstream::sending_and_closing(answer(status, headers, OWNERS));
        let (world, reply) = ask(&upstream);
        assert_eq!(reply.code(), code, "{status}");
        assert!(!format!("{reply:?}").contains(CANARY), "{reply:?}");
        assert_eq!(reply.header("location"), None);
        assert_eq!(reply.header("retry-after"), None);
        let seen = world.entries().1[reply.receipt()].upstream.unwrap().status;
        assert_eq!(seen, status[..3].parse().ok());
        assert_eq!(upstream.asked().len(), 1);
    }
    assert_eq!(
        code_of("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        "upstream-status"
    );
}

#[test]
fn nothing_passes_as_nothing() {
    let upstream = Upstream::sending("HTTP/1.1 204 No Content\r\nX-Internal: CANARY\r\n\r\n");
    let (world, reply) = ask(&upstream);
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    let mut names: Vec<&str> = reply.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "datashare-record", "date"]);
    let (_, entries) = world.entries();
    let entry = &entries[reply.receipt()];
    assert_eq!((entry.status, entry.items, entry.bytes, entry.fields.len()), (Some(204), Some(0), Some(0), 0));
}

#[test]
fn only_json_is_read() {
    let typed = |kind: &str| code_or_status(answer("200 OK", kind, OWNERS));
    for good in [
        "Content-Type: application/json\r\n",
        "Content-Type: Application/JSON; charset=UTF-8\r\n",
        "Content-Type: application/hal+json\r\n",
        "Content-Type: application/json\r\nContent-Encoding: identity\r\n",
    ] {
        assert_eq!(typed(good), "200", "{good}");
    }
    for bad in [
        "",
        "Content-Type: text/html\r\n",
        "Content-Type: text/json\r\n",
        "Content-Type: application/json; charset=gbk\r\n",
        "Content-Type: application/jsonp\r\n",
        "Content-Type: application/json\r\nContent-Type: application/json\r\n",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
        "Content-Type: application/json\r\nContent-Encoding: br, identity\r\n",
    ] {
        assert_eq!(typed(bad), "upstream-invalid", "{bad}");
    }
    for body in [
        "",
        "CANARY",
        "{\"data\": [}",
        "\u{feff}{\"data\": []}",
        "{\"data\": [], \"data\": []}",
        "{\"data\": [], \"d\\u0061ta\": []}",
        "{\"data\": [{\"ownerName\": 1}]}",
        "{\"data\": [{\"ownerName\": {\"x\": \"CANARY\"}}]}",
        "{\"data\": {\"ownerName\": \"CANARY\"}}",
        "{\"data\": []} {}",
        "[\"\\ud800\"]",
    ] {
        assert_eq!(code_of(json_answer(body)), "upstream-invalid", "{body}");
    }
    let deep = format!("{{\"x\": {}{}}}", "[".repeat(64), "]".repeat(64));
    assert_eq!(code_of(json_answer(&deep)), "upstream-invalid");
    assert_eq!(code_or_status(json_answer("{\"data\": null}")), "200");
}

fn code_or_status(bytes: Vec<u8>) -> String {
    let upstream = Upstream::sending_and_closing(bytes);
    let (_world, reply) = ask(&upstream);
    if reply.status == 200 { "200".to_owned() } else { reply.code() }
}

#[test]
fn trailers_and_informational_answers_end_at_the_guard() {
    let chunked = format!(
        "HTTP/1.1 103 Early Hints\r\nLink: </CANARY>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n{:x}\r\n{OWNERS}\r\n0\r\nX-Sum: CANARY\r\n\r\n",
        OWNERS.len()
    );
    let upstream = Upstream::sending(chunked);
    let (world, reply) = ask(&upstream);
    assert_eq!(reply.status, 200);
    assert_eq!(String::from_utf8_lossy(&reply.body), RELEASED);
    assert!(!format!("{reply:?}").contains(CANARY));
    // and the connection is good for the next call
    assert_eq!(world.get("deed-tax", "1").status, 200);
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn answers_that_break_off_release_nothing() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let short = format!("{head}Content-Length: {}\r\n\r\n{OWNERS}", OWNERS.len() + 1);
    assert_eq!(code_of(short), "upstream-invalid");
    assert_eq!(code_of(format!("{head}Transfer-Encoding: chunked\r\n\r\nffff\r\n{OWNERS}")), "upstream-invalid");
    assert_eq!(code_of(format!("{head}\r\n{}", &OWNERS[..OWNERS.len() - 1])), "upstream-invalid");
    assert_eq!(code_of("HTTP/1.1 200 OK\r\nContent-Le"), "upstream-unreachable");
    assert_eq!(code_of("CANARY CANARY CANARY\r\n\r\n"), "upstream-invalid");
    assert_eq!(code_of(""), "upstream-unreachable");
    assert_eq!(code_of(format!("{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{{}}")), "upstream-invalid");
}

#[test]
fn a_body_that_never_ends_is_cut_as_soon_as_it_is_too_large() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let upstream = Upstream::new(move |_, stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
        while stream.write_all(chunk.as_bytes()).is_ok() {
            counted.fetch_add(0x4000, Ordering::SeqCst);
        }
        false
    });
    let mut plan = Plan::new(upstream.address);
    plan.resource["limits"] = json!({"maxResponseBytes": 100_000});
    plan.resource["interface"]["upstream"]["timeout"] = json!("60s");
    let world = plan.start();
    assert_eq!(world.get("deed-tax", "1").code(), "response-too-large");
    assert!(sent.load(Ordering::SeqCst) < 64 << 20);

    // exactly the limit passes, one byte more does not, with or without a length
    for (extra, expected) in [(0, "200"), (1, "response-too-large")] {
        let body = format!("{{\"data\": []}}{}", " ".repeat(100_000 - 12 + extra));
        let with_length = json_answer(&body);
        let without = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{body}").into_bytes();
        for bytes in [with_length, without] {
            let upstream = Upstream::sending_and_closing(bytes);
            let mut plan = Plan::new(upstream.address);
            plan.resource["limits"] = json!({"maxResponseBytes": 100_000});
            let reply = plan.start().get("deed-tax", "1");
            let got = if reply.status == 200 { "200".to_owned() } else { reply.code() };
            assert_eq!(got, expected, "{extra}");
        }
    }
}

#[test]
fn a_drip_of_bytes_does_not_outlive_the_timeout() {
    let upstream = Upstream::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            std::thread::park_timeout(std::time::Duration::from_millis(50));
        }
        false
    });
    let mut plan = Plan::new(upstream.address);
    plan.resource["interface"]["upstream"]["timeout"] = json!("1s");
    let world = plan.start();
    let reply = world.get("deed-tax", "1");
    assert_eq!(reply.code(), "upstream-timeout");
    let seen = world.entries().1[reply.receipt()].upstream.unwrap();
    assert_eq!(seen.status, Some(200));
    assert!((1_000_000..10_000_000).contains(&seen.microseconds), "{seen:?}");
}

#[test]
fn a_closed_idle_connection_is_replaced_without_the_caller_noticing() {
    let turn = AtomicUsize::new(0);
    let upstream = Upstream::new(move |_, stream| {
        // the second request on a connection finds it closed
        if turn.fetch_add(1, Ordering::SeqCst) % 2 == 0 {
            stream.write_all(&json_answer(OWNERS)).unwrap();
            return true;
        }
        false
    });
    let world = Plan::new(upstream.address).start();
    assert_eq!(world.get("deed-tax", "1").status, 200);
    assert_eq!(world.get("deed-tax", "1").status, 200);
    assert_eq!(upstream.connections(), 2);
    // what may change something upstream is not sent twice
    let refresh = super::talk::request(&format!("POST {}/refresh", path("1")), "deed-tax", "");
    assert_eq!(world.raw(refresh.as_bytes()).code(), "upstream-unreachable");
    assert_eq!(upstream.asked().len(), 4);
}

#[test]
fn values_pass_as_they_were_written_and_only_in_their_type() {
    let ask = |kind: &str, value: &str| {
        let upstream =
            Upstream::sending_and_closing(json_answer(&format!("{{\"data\": [{{\"ownerName\": {value}}}]}}")));
        let mut plan = Plan::new(upstream.address);
        plan.resource["fields"][0]["type"] = json!(kind);
        plan.start().get("deed-tax", "1")
    };
    for (kind, value) in [
        ("Integer", "123456789012345678901234567890123456789012345678901234567890"),
        ("Integer", "-0"),
        ("Number", "1E400"),
        ("Number", "0.1000000000000000055511151231257827"),
        ("Number", "-1.50e-0003"),
        ("Boolean", "false"),
        ("String", r#""\ud83d\ude00 \u0000 \/""#),
        ("String", "null"),
    ] {
        let reply = ask(kind, value);
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!(body, format!("{{\"data\":[{{\"ownerName\":{value}}}]}}"), "{kind}");
    }
    for (kind, value) in [
        ("Integer", "1.0"),
        ("Integer", "1e2"),
        ("Integer", "\"1\""),
        ("Number", "NaN"),
        ("Number", "+1"),
        ("Number", "01"),
        ("Boolean", "0"),
        ("String", r#""\ud800""#),
        ("String", r#""\udc00\ud800""#),
        ("String", "[\"a\"]"),
    ] {
        assert_eq!(ask(kind, value).code(), "upstream-invalid", "{kind} {value}");
    }
    // faults count also where nothing is granted, and 64 containers pass
    let nested = |depth: usize| format!("{{\"data\": [], \"x\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(code_or_status(json_answer(&nested(63))), "200");
    for body in [
        nested(64),
        r#"{"data": [], "x": {"a": 1, "\u0061": 2}}"#.to_owned(),
        r#"{"data": [], "x": "\ud800"}"#.to_owned(),
        r#"{"data": [], "x": 01}"#.to_owned(),
        "{\"data\": [], \"x\": \"a\tb\"}".to_owned(),
    ] {
        assert_eq!(code_of(json_answer(&body)), "upstream-invalid", "{body}");
    }
    let mut latin = json_answer("{\"data\": [], \"x\": \"?\"}");
    *latin.iter_mut().rfind(|byte| **byte == b'?').unwrap() = 0xff;
    assert_eq!(code_of(latin), "upstream-invalid");
}

//! HTTP/2 as no library sends it: every head is refused or means what the same head of HTTP/1.1 does.

use super::frames::{CONTINUATION, DATA, END_HEADERS, END_STREAM, Ending, Frames, HEADERS, block};
use super::talk::path;
use super::upstream::{RELEASED, Upstream};
use super::world::{Plan, World, token};

type Fields<'f> = Vec<(&'f str, &'f str)>;

struct Head {
    bearer: String,
    target: String,
}

impl Head {
    fn usual() -> Self {
        Self { bearer: format!("Bearer {}", token("deed-tax")), target: path("1") }
    }

    fn fields(&self) -> Fields<'_> {
        vec![
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "guard"),
            (":path", &self.target),
            ("authorization", &self.bearer),
        ]
    }

    fn with<'f>(&'f self, more: &[(&'f str, &'f str)]) -> Fields<'f> {
        let mut fields = self.fields();
        fields.extend(more);
        fields
    }

    /// The usual head with another value of a pseudo-header, or without it.
    fn but<'f>(&'f self, name: &str, value: Option<&'f str>) -> Fields<'f> {
        let mut fields = self.fields();
        match value {
            Some(value) => fields.iter_mut().filter(|(known, _)| *known == name).for_each(|field| field.1 = value),
            None => fields.retain(|(known, _)| *known != name),
        }
        fields
    }
}

fn ask(world: &World, fields: &[(&str, &str)]) -> Ending {
    let mut frames = Frames::connect(world.address);
    frames.head(1, fields);
    frames.ending(1)
}

#[test]
fn heads_that_only_http2_has_are_refused_or_harmless() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    let head = Head::usual();
    assert_eq!(ask(&world, &head.fields()), Ending::Body(RELEASED.to_owned()));
    for harmless in [
        vec![("host", "guard")],
        vec![("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")],
        vec![("te", "trailers")],
        vec![("content-length", "0")],
        vec![("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "203.0.113.8")],
    ] {
        assert_eq!(ask(&world, &head.with(&harmless)), Ending::Body(RELEASED.to_owned()), "{harmless:?}");
    }
    let asked = upstream.asked();
    assert_eq!(asked.len(), 6);
    assert!(asked.iter().all(|head| !head.to_lowercase().contains("cookie") && !head.contains("203.0.113")));

    let authorization = ("authorization", head.bearer.as_str());
    for (more, code) in [
        (vec![("host", "other")], "request-invalid"),
        (vec![("host", "guard"), ("host", "guard")], "request-invalid"),
        (vec![authorization], "request-invalid"),
        (vec![("datashare-user", "a"), ("datashare-user", "b")], "request-invalid"),
        (vec![("datashare-user", " a")], "request-invalid"),
        (vec![("expect", "100-continue")], "request-invalid"),
        (vec![("trailer", "x")], "request-invalid"),
        (vec![("content-encoding", "gzip")], "request-invalid"),
        (vec![("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA")], "request-invalid"),
        // what HTTP/2 itself forbids
        (vec![("transfer-encoding", "chunked")], "given up"),
        (vec![("connection", "keep-alive")], "given up"),
        (vec![("upgrade", "websocket")], "given up"),
        (vec![("te", "gzip")], "given up"),
        (vec![("Datashare-User", "a")], "given up"),
        (vec![("datashare user", "a")], "given up"),
        (vec![("x", "a\r\nb: c")], "given up"),
        (vec![("x", "a\0b")], "given up"),
        (vec![(":path", "/other")], "given up"),
        (vec![(":unknown", "x")], "given up"),
        (vec![(":status", "200")], "given up"),
        (vec![(":protocol", "websocket")], "given up"),
        (vec![("content-length", "5")], "given up"),
        (vec![("content-length", "0"), ("content-length", "5")], "given up"),
    ] {
        let ending = ask(&world, &head.with(&more));
        let refused = [code, "request-invalid", "given up"];
        assert!(refused.contains(&&*ending.code()), "{more:?}: {ending:?}");
        if code == "request-invalid" {
            assert_eq!(ending.code(), code, "{more:?}");
        }
    }
    assert_eq!(upstream.asked().len(), 6);
}

#[test]
fn targets_and_methods_of_http2_are_those_of_the_contract() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    let head = Head::usual();
    let target = path("1");
    let absolute = format!("http://guard{target}");
    let dotted = path("%2e%2e");
    let bare = target.trim_start_matches('/');
    for (fields, code) in [
        (head.but(":path", Some("*")), "request-invalid"),
        (head.but(":path", Some("")), "given up"),
        (head.but(":path", None), "given up"),
        (head.but(":path", Some(bare)), "request-invalid"),
        (head.but(":path", Some(&absolute)), "request-invalid"),
        (head.but(":path", Some(&dotted)), "request-invalid"),
        (head.but(":method", None), "given up"),
        (head.but(":method", Some("get")), "operation-not-granted"),
        (head.but(":method", Some("HEAD")), "given up"),
        (head.but(":method", Some("CONNECT")), "given up"),
        (head.but(":method", Some("G ET")), "given up"),
        (vec![(":method", "CONNECT"), (":authority", "guard:80"), ("authorization", &head.bearer)], "request-invalid"),
    ] {
        let ending = ask(&world, &fields);
        let said = ending.code();
        assert!(said == code || (said == "given up" && code == "request-invalid"), "{fields:?}: {ending:?}");
    }
    // pseudo-headers stand first
    let mut late = head.fields();
    let authority = late.remove(2);
    late.push(authority);
    assert_eq!(ask(&world, &late), Ending::GivenUp);
    assert!(upstream.asked().is_empty(), "{:?}", upstream.asked());
}

#[test]
fn bodies_trailers_and_endless_heads_of_http2_are_refused() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    let head = Head::usual();
    let usual = block(&head.fields());

    let mut frames = Frames::connect(world.address);
    frames.send(HEADERS, END_HEADERS, 1, &usual);
    frames.send(DATA, END_STREAM, 1, b"a body");
    assert_eq!(frames.ending(1).code(), "request-invalid");
    // an empty body that has not ended yet may still become one
    frames.send(HEADERS, END_HEADERS, 3, &usual);
    frames.send(HEADERS, END_HEADERS | END_STREAM, 3, &block(&[("x-sum", "1")]));
    assert_eq!(frames.ending(3).code(), "request-invalid");
    // the connection and its other streams go on
    frames.head(5, &head.fields());
    assert_eq!(frames.ending(5), Ending::Body(RELEASED.to_owned()));

    let long = "x".repeat(20 << 10);
    assert!(matches!(ask(&world, &head.with(&[("x", &long)])), Ending::GivenUp));
    // a head that is never complete
    let mut frames = Frames::connect(world.address);
    frames.send(HEADERS, END_STREAM, 1, &usual);
    for _ in 0..2_000 {
        frames.send(CONTINUATION, 0, 1, &block(&[("x", "y")]));
    }
    frames.send(CONTINUATION, END_HEADERS, 1, b"");
    assert!(matches!(frames.ending(1), Ending::GivenUp));
    assert_eq!(upstream.asked().len(), 1);
}

//! Every code of the closed set, reached over a real socket, with its entry where one is due.

use std::collections::BTreeSet;

use datashare::audit::{Event, Outcome};
use datashare::judge::refusal::Code;
use jiff::SignedDuration;
use serde_json::json;

use super::talk::{Caller, Reply, path, request};
use super::upstream::{Upstream, answer, json as json_answer};
use super::world::{GrantPlan, PROVIDER, Plan, RESOURCE, UNIT, World, token};

/// Codes that were reached; each is checked against the record on the way.
#[derive(Default)]
struct Reached(BTreeSet<Code>);

impl Reached {
    /// A refusal of a caller whose credential is known: recorded, with this outcome.
    fn recorded(&mut self, world: &World, reply: &Reply, code: Code) {
        assert_eq!(reply.code(), code.as_str(), "{reply:?}");
        assert_eq!(reply.status, code.status());
        let (_, entries) = world.entries();
        let entry = &entries[reply.receipt()];
        assert_eq!(entry.code.as_deref(), Some(code.as_str()));
        assert_eq!(entry.status, Some(code.status()));
        let admitted = matches!(code.status(), 404 | 502 | 504);
        let expected = if admitted { (Event::Call, Outcome::Failed) } else { (Event::Refusal, Outcome::Refused) };
        assert_eq!((entry.event, entry.outcome), (expected.0, Some(expected.1)), "{code:?}");
        assert_eq!(entry.grant.as_ref().unwrap().namespace, PROVIDER);
        assert!(entry.digest.is_none() && entry.fields.is_empty() && entry.bytes.is_none());
        self.0.insert(code);
    }

    /// A refusal of a caller who is not known, or that cannot be recorded.
    fn unrecorded(&mut self, reply: &Reply, code: Code) {
        assert_eq!(reply.code(), code.as_str(), "{reply:?}");
        assert_eq!(reply.status, code.status());
        assert_eq!(reply.header("datashare-record"), None);
        self.0.insert(code);
    }
}

#[test]
fn every_code_is_reached_over_a_real_socket() {
    let mut reached = Reached::default();
    of_the_call(&mut reached);
    of_the_grant(&mut reached);
    of_bars(&mut reached);
    of_the_upstream(&mut reached);
    of_the_guard(&mut reached);
    let all: BTreeSet<Code> = Code::ALL.iter().copied().collect();
    assert_eq!(reached.0, all);
}

fn of_the_call(reached: &mut Reached) {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    let strict = json!({"user": true, "case": true, "consent": true});
    plan.grants = vec![
        GrantPlan::new("plain"),
        GrantPlan::new("strict").grant("requires", strict),
        GrantPlan::new("listed").request("users", json!(["p-1", "p-2"])).grant("users", json!(["p-1"])),
        GrantPlan::new("quota").grant("quota", json!({"perDay": 1})),
        GrantPlan::new("elsewhere").request(
            "applicant",
            json!({
                "unit": {"name": "税务局", "code": UNIT}, "person": "王", "phone": "1",
                "system": {"name": "other", "sources": ["10.0.0.0/8"]},
            }),
        ),
    ];
    let world = plan.start();
    assert_eq!(world.get("plain", "1").status, 200);

    let none = world.raw(format!("GET {} HTTP/1.1\r\nHost: guard\r\n\r\n", path("1")).as_bytes());
    reached.unrecorded(&none, Code::CredentialMissing);
    assert_eq!(none.header("www-authenticate"), Some("Bearer"));
    reached.unrecorded(&world.get("nobody", "1"), Code::CredentialInvalid);
    reached.recorded(&world, &world.get_with("plain", &path("1"), "Range: bytes=0-1\r\n"), Code::RequestInvalid);
    reached.recorded(&world, &world.get_with("plain", &format!("{}?x=1", path("1")), ""), Code::ParameterRefused);
    reached.recorded(&world, &world.get("strict", "1"), Code::UserRequired);
    let user = "Datashare-User: p-1\r\n";
    reached.recorded(&world, &world.get_with("strict", &path("1"), user), Code::CaseRequired);
    let case = format!("{user}Datashare-Case: c-1\r\n");
    reached.recorded(&world, &world.get_with("strict", &path("1"), &case), Code::ConsentRequired);
    let consent = format!("{case}Datashare-Consent: s-1\r\n");
    assert_eq!(world.get_with("strict", &path("1"), &consent).status, 200);
    reached.recorded(&world, &world.get("listed", "1"), Code::UserRequired);
    reached.recorded(&world, &world.get_with("listed", &path("1"), "Datashare-User: p-2\r\n"), Code::UserRefused);
    assert_eq!(world.get_with("listed", &path("1"), user).status, 200);
    reached.recorded(&world, &world.get("elsewhere", "1"), Code::SourceRefused);
    let about = request("GET /.well-known/datashare/grant", "elsewhere", "");
    reached.recorded(&world, &world.raw(about.as_bytes()), Code::SourceRefused);
    let other = format!("/{PROVIDER}/{RESOURCE}/mortgages/1");
    reached.recorded(&world, &world.get_with("plain", &other, ""), Code::OperationNotGranted);
    assert_eq!(world.get("quota", "1").status, 200);
    let over = world.get("quota", "1");
    reached.recorded(&world, &over, Code::QuotaExceeded);
    // 02:00 UTC is 10:00 in Jinan
    assert_eq!(over.header("retry-after"), Some((14 * 3600).to_string().as_str()));
}

fn of_the_grant(reached: &mut Reached) {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.grants = vec![
        GrantPlan::new("early").grant("notBefore", json!("2026-11-25T00:00:00+08:00")),
        GrantPlan::new("late").grant("notAfter", json!("2026-11-20T00:00:00+08:00")),
        GrantPlan::new("ended"),
        GrantPlan::new("unsigned").unsigned(),
        GrantPlan::new("old"),
        GrantPlan::new("new").grant("supersedes", json!("serial-old")),
        GrantPlan::new("rotated"),
    ];
    let world = plan.start();
    reached.recorded(&world, &world.get("early", "1"), Code::GrantNotYetValid);
    reached.recorded(&world, &world.get("late", "1"), Code::GrantExpired);
    reached.recorded(&world, &world.get("unsigned", "1"), Code::GrantSuspended);
    reached.recorded(&world, &world.get("old", "1"), Code::GrantSuperseded);
    assert_eq!(world.get("new", "1").status, 200);
    world.revoke("end", json!({"grant": {"serial": "serial-ended"}}));
    reached.recorded(&world, &world.get("ended", "1"), Code::GrantRevoked);
    world.credential("rotated", &token("rotated"), "2026-11-05T00:00:00Z", "2026-11-06T00:00:00Z");
    reached.recorded(&world, &world.get("rotated", "1"), Code::CredentialExpired);
}

fn of_bars(reached: &mut Reached) {
    let user = "Datashare-User: p-1\r\n";
    for (target, code) in [
        (json!({"unit": {"code": UNIT}}), Code::UnitRevoked),
        (json!({"system": {"unitCode": UNIT, "name": "契税征管"}}), Code::SystemRevoked),
        (json!({"person": {"id": "p-1"}}), Code::PersonRevoked),
    ] {
        let upstream = Upstream::usual();
        let world = Plan::new(upstream.address).start();
        assert_eq!(world.get_with("deed-tax", &path("1"), user).status, 200);
        world.revoke("bar", target);
        reached.recorded(&world, &world.get_with("deed-tax", &path("1"), user), code);
        if code == Code::PersonRevoked {
            assert_eq!(world.get_with("deed-tax", &path("1"), "Datashare-User: p-2\r\n").status, 200);
        }
    }
}

fn of_the_upstream(reached: &mut Reached) {
    let large = format!("{{\"data\": [], \"pad\": \"{}\"}}", "x".repeat(9 << 20));
    for (bytes, code) in [
        (answer("404 Not Found", "", ""), Code::UpstreamNotFound),
        (answer("500 Oops", "Content-Type: application/json\r\n", "{}"), Code::UpstreamStatus),
        (json_answer("{\"data\": 1}"), Code::UpstreamInvalid),
        (json_answer(&large), Code::ResponseTooLarge),
    ] {
        let upstream = Upstream::sending(bytes);
        let world = Plan::new(upstream.address).start();
        reached.recorded(&world, &world.get("deed-tax", "1"), code);
    }

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = Plan::new(nobody).start();
    reached.recorded(&world, &world.get("deed-tax", "1"), Code::UpstreamUnreachable);

    let (_keep, hold) = std::sync::mpsc::channel::<()>();
    let hold = parking_lot::Mutex::new(hold);
    let silent = Upstream::new(move |_, _| hold.lock().recv().is_ok());
    let mut plan = Plan::new(silent.address);
    plan.resource["interface"]["upstream"]["timeout"] = json!("1s");
    let world = plan.start();
    reached.recorded(&world, &world.get("deed-tax", "1"), Code::UpstreamTimeout);
}

fn of_the_guard(reached: &mut Reached) {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    world.clock.advance(SignedDuration::from_secs(31));
    reached.unrecorded(&world.get("deed-tax", "1"), Code::ViewStale);
    let about = "GET /.well-known/datashare/grant";
    reached.unrecorded(&world.raw(request(about, "deed-tax", "").as_bytes()), Code::ViewStale);
    reached.unrecorded(&world.get("nobody", "1"), Code::ViewStale);
    world.prove_view();
    assert_eq!(world.get("deed-tax", "1").status, 200);

    let asked = upstream.asked().len();
    world.log.close().unwrap();
    reached.unrecorded(&world.get("deed-tax", "1"), Code::RecordUnavailable);
    assert_eq!(upstream.asked().len(), asked + 1);
    // a refusal that cannot be recorded is not said either
    let refused = world.get_with("deed-tax", "/jinan-registration/property-ownership/x", "");
    reached.unrecorded(&refused, Code::RecordUnavailable);
}

#[test]
fn absent_grants_are_as_unknown_as_any_token() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    let key = datashare::judge::facts::Key::new(PROVIDER, "deed-tax");
    world.apply(datashare::judge::index::Change::GrantGone(key));
    let absent = world.get("deed-tax", "1");
    let unknown = world.get("nobody", "1");
    assert_eq!(absent.code(), "credential-invalid");
    assert_eq!(absent.body, unknown.body);
    world.put_grant(&GrantPlan::new("deed-tax"));
    assert_eq!(world.get("deed-tax", "1").status, 200);
}

#[test]
fn one_connection_carries_many_calls() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    let mut caller = Caller::connect(world.address);
    for round in 0..50 {
        caller.send(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes());
        assert_eq!(caller.read().unwrap().status, 200, "{round}");
        caller.send(request("GET /nowhere", "deed-tax", "").as_bytes());
        assert_eq!(caller.read().unwrap().code(), "operation-not-granted");
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn the_set_of_codes_is_that_of_the_contract() {
    let contract: [(u16, &[&str]); 8] = [
        (400, &["request-invalid", "parameter-refused", "user-required", "case-required", "consent-required"]),
        (401, &["credential-missing", "credential-invalid", "credential-expired"]),
        (
            403,
            &[
                "grant-not-yet-valid",
                "grant-expired",
                "grant-revoked",
                "grant-suspended",
                "grant-superseded",
                "unit-revoked",
                "system-revoked",
                "person-revoked",
                "source-refused",
                "operation-not-granted",
                "user-refused",
            ],
        ),
        (404, &["upstream-not-found"]),
        (429, &["quota-exceeded"]),
        (502, &["upstream-unreachable", "upstream-status", "upstream-invalid", "response-too-large"]),
        (503, &["view-stale", "record-unavailable"]),
        (504, &["upstream-timeout"]),
    ];
    let listed = contract.iter().flat_map(|(status, codes)| codes.iter().map(|code| (*status, *code)));
    let ours = Code::ALL.iter().map(|code| (code.status(), code.as_str()));
    assert_eq!(ours.collect::<Vec<_>>(), listed.collect::<Vec<_>>());
}

#[test]
fn no_hint_says_why_a_credential_is_not_known() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.grants.push(GrantPlan::new("gone"));
    let world = plan.start();
    let key = datashare::judge::facts::Key::new(PROVIDER, "gone");
    world.apply(datashare::judge::index::Change::GrantGone(key));
    let known = token("deed-tax");
    let mut bodies = BTreeSet::new();
    for token in [
        "nobody".to_owned(),
        token("gone"),
        known.to_uppercase(),
        known[1..].to_owned(),
        format!("{known}="),
        format!("{known} {known}"),
        format!("{known},{known}"),
        "%74oken-of-deed-tax".to_owned(),
        "x".repeat(513),
        "\u{5f20}".to_owned(),
    ] {
        let reply = world.raw(super::talk::with_token(&format!("GET {}", path("1")), &token, "").as_bytes());
        assert_eq!(reply.status, 401, "{token}");
        assert_eq!(reply.header("datashare-record"), None);
        let mut headers = reply.headers.clone();
        headers.retain(|(name, _)| name != "date");
        bodies.insert((headers, reply.body));
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(upstream.asked().is_empty());
}

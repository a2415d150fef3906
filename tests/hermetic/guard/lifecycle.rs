//! What changes while calls are open: revocations, quotas, time, and the end.

use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

use datashare::audit::usage::GrantUsage;
use datashare::audit::{Event, Outcome};
use jiff::SignedDuration;
use parking_lot::Mutex;
use serde_json::json;

use super::talk::{Caller, path, request};
use super::upstream::{OWNERS, Upstream, json as json_answer};
use super::world::{GrantPlan, PROVIDER, Plan, UNIT};

/// What another thread is about to do is done within this time.
const WAIT: Duration = Duration::from_secs(60);

/// An upstream that says when it was asked and answers when told to.
struct Gate {
    upstream: Upstream,
    asked: mpsc::Receiver<()>,
    answer: mpsc::Sender<()>,
}

impl Gate {
    fn new() -> Self {
        let (tell, asked) = mpsc::channel();
        let (answer, wait) = mpsc::channel::<()>();
        let (tell, wait) = (Mutex::new(tell), Mutex::new(wait));
        let upstream = Upstream::new(move |_, stream| {
            tell.lock().send(()).unwrap();
            if wait.lock().recv().is_err() {
                return false;
            }
            stream.write_all(&json_answer(OWNERS)).is_ok()
        });
        Self { upstream, asked, answer }
    }
}

#[test]
fn a_revocation_that_comes_while_the_upstream_answers_wins() {
    for (target, code) in [
        (json!({"grant": {"serial": "serial-deed-tax"}}), "grant-revoked"),
        (json!({"unit": {"code": UNIT}}), "unit-revoked"),
        (json!({"system": {"unitCode": UNIT, "name": "契税征管"}}), "system-revoked"),
        (json!({"person": {"id": "p-1"}}), "person-revoked"),
        (json!({"person": {"id": "p-1", "unitCode": UNIT}}), "person-revoked"),
    ] {
        let gate = Gate::new();
        let world = Plan::new(gate.upstream.address).start();
        let mut caller = Caller::connect(world.address);
        caller.send(request(&format!("GET {}", path("1")), "deed-tax", "Datashare-User: p-1\r\n").as_bytes());
        gate.asked.recv_timeout(WAIT).unwrap();
        world.revoke("now", target);
        gate.answer.send(()).unwrap();
        let reply = caller.read().unwrap();
        assert_eq!(reply.code(), code);
        let (_, entries) = world.entries();
        let entry = &entries[reply.receipt()];
        assert_eq!((entry.event, entry.outcome), (Event::Refusal, Some(Outcome::Refused)));
        assert_eq!(entry.upstream.unwrap().status, Some(200));
        assert!(entries.values().all(|entry| entry.outcome != Some(Outcome::Released)));
    }
}

#[test]
fn a_bar_ends_every_call_that_is_open_and_none_of_others() {
    for target in [
        json!({"unit": {"code": UNIT}}),
        json!({"system": {"unitCode": UNIT, "name": "契税征管"}}),
        json!({"person": {"id": "p-1"}}),
    ] {
        let gate = Gate::new();
        let mut plan = Plan::new(gate.upstream.address);
        // many calls are opened before the first one is answered
        plan.resource["interface"]["upstream"]["timeout"] = json!("1h");
        let world = plan.start();
        let call = |user: &str| {
            let mut caller = Caller::connect(world.address);
            let user = format!("Datashare-User: {user}\r\n");
            caller.send(request(&format!("GET {}", path("1")), "deed-tax", &user).as_bytes());
            gate.asked.recv_timeout(WAIT).unwrap();
            caller
        };
        let mut open: Vec<_> = (0..24).map(|_| call("p-1")).collect();
        let mut other = call("p-2");
        world.revoke("now", target.clone());
        (0..25).for_each(|_| gate.answer.send(()).unwrap());
        for caller in &mut open {
            let reply = caller.read().unwrap();
            assert!(reply.code().ends_with("-revoked"), "{target}: {reply:?}");
        }
        let is_person = target.get("person").is_some();
        assert_eq!(other.read().unwrap().status, if is_person { 200 } else { 403 });
        let entries = world.entries().1;
        let released = entries.values().filter(|entry| entry.outcome == Some(Outcome::Released)).count();
        assert_eq!(released, usize::from(is_person), "{target}");
    }
}

#[test]
fn a_view_that_becomes_stale_while_the_upstream_answers_releases_nothing() {
    let gate = Gate::new();
    let world = Plan::new(gate.upstream.address).start();
    let mut caller = Caller::connect(world.address);
    caller.send(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes());
    gate.asked.recv_timeout(WAIT).unwrap();
    // a guard past maxStaleness is taken to release nothing, whatever it has not heard of
    world.clock.advance(SignedDuration::from_secs(31));
    gate.answer.send(()).unwrap();
    let reply = caller.read().unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (503, "view-stale"));
    let (_, entries) = world.entries();
    let entry = &entries[reply.receipt()];
    assert_eq!((entry.event, entry.outcome), (Event::Refusal, Some(Outcome::Refused)));
    assert_eq!(entry.upstream.unwrap().status, Some(200));
    assert!(entries.values().all(|entry| entry.outcome != Some(Outcome::Released)));
}

#[test]
fn a_grant_that_goes_away_or_ends_while_the_upstream_answers_is_refused() {
    let gate = Gate::new();
    let world = Plan::new(gate.upstream.address).start();
    let mut caller = Caller::connect(world.address);
    caller.send(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes());
    gate.asked.recv_timeout(WAIT).unwrap();
    let key = datashare::judge::facts::Key::new(PROVIDER, "deed-tax");
    world.apply(datashare::judge::index::Change::GrantGone(key));
    gate.answer.send(()).unwrap();
    assert_eq!(caller.read().unwrap().code(), "grant-suspended");

    world.put_grant(&GrantPlan::new("deed-tax"));
    caller.send(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes());
    gate.asked.recv_timeout(WAIT).unwrap();
    world.clock.advance(SignedDuration::from_hours(24 * 365));
    world.prove_view();
    gate.answer.send(()).unwrap();
    assert_eq!(caller.read().unwrap().code(), "grant-expired");
}

#[test]
fn open_calls_end_before_the_guard_does() {
    let gate = Gate::new();
    let mut world = Plan::new(gate.upstream.address).start();
    let mut idle = Caller::connect(world.address);
    idle.send(request("GET /x", "nobody", "").as_bytes());
    assert_eq!(idle.read().unwrap().status, 401);
    let mut caller = Caller::connect(world.address);
    caller.send(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes());
    gate.asked.recv_timeout(WAIT).unwrap();
    world.stop.cancel();
    assert!(idle.is_closed());
    gate.answer.send(()).unwrap();
    let reply = caller.read().unwrap();
    assert_eq!(reply.status, 200);
    assert!(caller.is_closed());
    world.finish();
    assert!(world.entries().1.contains_key(reply.receipt()));
    assert!(std::net::TcpStream::connect(world.address).is_err());
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let gate = Gate::new();
    let mut plan = Plan::new(gate.upstream.address);
    plan.limits.drain = Duration::from_millis(100);
    plan.resource["interface"]["upstream"]["timeout"] = json!("1h");
    let mut world = plan.start();
    let mut caller = Caller::connect(world.address);
    caller.send(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes());
    gate.asked.recv_timeout(WAIT).unwrap();
    world.finish();
    assert!(caller.read().is_none());
    assert!(world.entries().1.values().all(|entry| entry.outcome != Some(Outcome::Released)));
}

#[test]
fn a_caller_that_goes_away_leaves_nothing_open() {
    let gate = Gate::new();
    let world = Plan::new(gate.upstream.address).start();
    let mut caller = Caller::connect(world.address);
    caller.send(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes());
    gate.asked.recv_timeout(WAIT).unwrap();
    drop(caller);
    while !world.guard.render_metrics().contains("datashare_guard_open_calls 0\n") {
        std::thread::yield_now();
    }
    gate.answer.send(()).unwrap();
    // and the next caller is served over a new connection
    let mut caller = Caller::connect(world.address);
    caller.send(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes());
    gate.asked.recv_timeout(WAIT).unwrap();
    gate.answer.send(()).unwrap();
    assert_eq!(caller.read().unwrap().status, 200);
}

#[test]
fn quotas_count_admitted_calls_by_second_and_by_day() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.grants = vec![
        GrantPlan::new("second").grant("quota", json!({"perSecond": 2})),
        GrantPlan::new("day").grant("quota", json!({"perDay": 3})),
    ];
    let world = plan.start();
    assert_eq!(world.get("second", "1").status, 200);
    assert_eq!(world.get("second", "1").status, 200);
    let over = world.get("second", "1");
    assert_eq!((over.code().as_str(), over.header("retry-after")), ("quota-exceeded", Some("1")));
    world.advance(SignedDuration::from_millis(500));
    assert_eq!(world.get("second", "1").status, 200);
    assert_eq!(world.get("second", "1").code(), "quota-exceeded");
    // whoever waits as long as it is told is served, and a pause saves nothing up beyond one second's worth
    world.advance(SignedDuration::from_secs(1));
    assert_eq!(world.get("second", "1").status, 200);
    world.advance(SignedDuration::from_secs(10));
    assert_eq!(world.get("second", "1").status, 200);
    assert_eq!(world.get("second", "1").status, 200);
    assert_eq!(world.get("second", "1").code(), "quota-exceeded");

    // refused calls cost nothing, and what the record knows of today counts
    assert_eq!(world.get_with("day", "/x/y", "").code(), "operation-not-granted");
    let today = GrantUsage { last_used: world.clock.now(), today: 1 };
    world.guard.restore_usage(PROVIDER, "day", today);
    assert_eq!(world.get("day", "1").status, 200);
    assert_eq!(world.get("day", "1").status, 200);
    assert_eq!(world.get("day", "1").code(), "quota-exceeded");
    world.advance(SignedDuration::from_hours(14));
    assert_eq!(world.get("day", "1").status, 200);
}

#[test]
fn a_holder_may_ask_what_it_may_do() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.grants = vec![
        GrantPlan::new("deed-tax").grant("quota", json!({"perSecond": 20, "perDay": 100})),
        GrantPlan::new("suspended").unsigned(),
    ];
    let world = plan.start();
    assert_eq!(world.get("deed-tax", "1").status, 200);
    let about = |line: &str, grant: &str| world.raw(request(line, grant, "").as_bytes());
    let reply = about("GET /.well-known/datashare/grant", "deed-tax");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(
        reply.json(),
        json!({
            "grant": {"namespace": PROVIDER, "name": "deed-tax", "serial": "serial-deed-tax"},
            "resource": {"namespace": PROVIDER, "name": "property-ownership"},
            "unit": {"name": "税务局", "code": UNIT}, "system": "契税征管",
            "fields": ["ownerName"], "operations": ["by-id", "refresh"],
            "requires": {"user": false, "case": false, "consent": false},
            "notBefore": "2026-11-04T16:00:00Z", "notAfter": "2027-10-30T16:00:00Z",
            "quota": {"perSecond": 20, "perDay": 100, "leftToday": 99},
            "credential": {"id": "c-17", "notAfter": "2027-10-30T16:00:00Z", "rotateBy": "2027-10-30T16:00:00Z"},
        })
    );
    assert_eq!(about("GET /.well-known/datashare/grant", "suspended").code(), "grant-suspended");
    assert_eq!(about("GET /.well-known/datashare/grant", "nobody").code(), "credential-invalid");
    assert_eq!(about("POST /.well-known/datashare/grant", "deed-tax").code(), "operation-not-granted");
    assert_eq!(about("GET /.well-known/datashare/grant?x=1", "deed-tax").code(), "parameter-refused");
    assert_eq!(about("GET /.well-known/datashare", "deed-tax").code(), "operation-not-granted");
}

#[test]
fn a_moved_upstream_disturbs_no_grant() {
    let (first, second) = (Upstream::usual(), Upstream::usual());
    let plan = Plan::new(first.address);
    let mut resource = plan.resource.clone();
    let world = plan.start();
    assert_eq!(world.get("deed-tax", "1").status, 200);
    resource["interface"]["upstream"]["url"] = json!(format!("http://{}/v2/", second.address));
    world.put_resource(&resource);
    assert_eq!(world.get("deed-tax", "1").status, 200);
    assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
    assert!(second.asked()[0].starts_with("GET /v2/owners/1 HTTP/1.1\r\n"));
    // hosts under .example are the sample's, over a plain connection, under their own name
    resource["interface"]["upstream"]["url"] = json!("https://api.registration.example/v3");
    world.put_resource(&resource);
    assert_eq!(world.get("deed-tax", "1").status, 200);
    let asked = first.asked();
    assert!(asked[1].starts_with("GET /v3/owners/1 HTTP/1.1\r\n"), "{asked:?}");
    assert!(asked[1].to_lowercase().contains("host: api.registration.example\r\n"), "{asked:?}");
}

#[test]
fn a_panic_ends_its_connection_and_no_other() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    let mut bystander = Caller::connect(world.address);
    let call = request(&format!("GET {}", path("1")), "deed-tax", "");
    bystander.send(call.as_bytes());
    assert_eq!(bystander.read().unwrap().status, 200);
    world.panic(true);
    let mut unlucky = Caller::connect(world.address);
    unlucky.send(call.as_bytes());
    assert!(unlucky.read().is_none());
    world.panic(false);
    bystander.send(call.as_bytes());
    assert_eq!(bystander.read().unwrap().status, 200);
    assert!(world.guard.render_metrics().contains("datashare_guard_open_calls 0\n"));
}

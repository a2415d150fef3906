//! The guard on a disk that stalls, fails and fills up: nothing is said before its entry is durable,
//! and a record that cannot be written ends the service.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use datashare::audit::Outcome;
use jiff::SignedDuration;
use serde_json::json;

use super::talk::{Caller, path, request};
use super::upstream::Upstream;
use super::world::{Plan, UNIT, World};
use crate::record::disk::{Mood, Moody};

fn world(upstream: &Upstream) -> (Moody, World) {
    let disk = Moody::new();
    let mut plan = Plan::new(upstream.address);
    plan.disk = Some(disk.clone());
    (disk, plan.start())
}

#[test]
fn not_one_byte_leaves_before_the_entry_is_on_disk() {
    let upstream = Upstream::usual();
    let (disk, world) = world(&upstream);
    let begin = |headers: &str| {
        disk.set(Mood::StallSync);
        let mut caller = Caller::connect(world.address);
        caller.send(request(&format!("GET {}", path("1")), "deed-tax", headers).as_bytes());
        disk.wait_until_stalled();
        assert!(caller.has_nothing(), "{headers}");
        caller
    };
    let mut refused = begin("Range: bytes=0-1\r\n");
    disk.set(Mood::Well);
    let reply = refused.read().unwrap();
    assert_eq!(reply.code(), "request-invalid");
    assert!(world.entries().1.contains_key(reply.receipt()));

    let mut released = begin("");
    // what is decided behind the sync still counts, so nothing can have been let out before it
    world.revoke("now", json!({"unit": {"code": UNIT}}));
    disk.set(Mood::Well);
    let reply = released.read().unwrap();
    assert_eq!(reply.code(), "unit-revoked");
    assert!(world.entries().1.contains_key(reply.receipt()));
    assert_eq!(upstream.asked().len(), 1);
}

#[test]
fn a_record_that_fails_ends_the_service() {
    for mood in [Mood::FailSync, Mood::FailWrite, Mood::Full, Mood::ReadOnly, Mood::ShortWrite] {
        let upstream = Upstream::usual();
        let (disk, world) = world(&upstream);
        assert_eq!(world.get("deed-tax", "1").status, 200);
        let mut failed = pin!(world.guard.log_failed());
        let mut context = Context::from_waker(Waker::noop());
        assert!(failed.as_mut().poll(&mut context).is_pending());
        disk.set(mood);
        let during = world.get("deed-tax", "1");
        assert_eq!(during.code(), "record-unavailable", "{mood:?}");
        assert_eq!(during.header("datashare-record"), None);
        disk.set(Mood::Well);
        // everything is refused from then on, also what would be no entry of its own
        let asked = upstream.asked().len();
        for line in [format!("GET {}", path("1")), "GET /.well-known/datashare/grant".to_owned(), "GET /x".to_owned()] {
            for grant in ["deed-tax", "nobody"] {
                let reply = world.raw(request(&line, grant, "").as_bytes());
                assert_eq!(reply.code(), "record-unavailable", "{mood:?} {line} {grant}");
            }
        }
        assert_eq!(upstream.asked().len(), asked, "and nothing is asked for");
        assert!(matches!(failed.as_mut().poll(&mut context), Poll::Ready(())));
        assert!(!world.guard.is_ready());
    }
}

#[test]
fn a_disk_below_its_reserve_refuses_calls_until_there_is_room() {
    let upstream = Upstream::usual();
    let (disk, world) = world(&upstream);
    assert_eq!(world.get("deed-tax", "1").status, 200);
    disk.set_free(0);
    world.advance(SignedDuration::from_secs(1));
    // the call that finds it out is still answered
    let mut calls = 0..10_000;
    let refused = loop {
        assert!(calls.next().is_some());
        let reply = world.get("deed-tax", "1");
        if reply.status != 200 {
            break reply;
        }
    };
    assert_eq!(refused.code(), "record-unavailable");
    let released = || world.entries().1.values().filter(|entry| entry.outcome == Some(Outcome::Released)).count();
    let before = released();
    assert_eq!(world.get("deed-tax", "1").code(), "record-unavailable");
    assert_eq!(released(), before);
    assert!(world.guard.is_ready(), "refusing calls is no failure of the record");
    disk.set_free(u64::MAX);
    world.advance(SignedDuration::from_secs(1));
    assert_eq!(world.get("deed-tax", "1").status, 200);
}

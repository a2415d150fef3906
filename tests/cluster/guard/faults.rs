//! A guard whose way to the API server has a bad day. It may say that it does not know; it never says what is over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use datashare::clock::Stopwatch;

use super::city::City;
use super::running::Running;
use super::upstream::Upstream;
use crate::control_plane::eventually;
use crate::definitions::served;
use crate::faults::{Fault, Faulty};
use crate::source::version;

#[test]
fn watches_that_expire_and_events_that_are_told_twice_keep_a_guard_neither_behind_nor_silent() {
    let (plane, upstream) = (served(), Upstream::usual());
    let city = City::new(plane);
    city.settle("12s");
    city.resource(upstream.address);
    city.secret("s3cret");
    city.serving("deed-tax");
    let way = Faulty::to(plane);
    way.twice();
    let guard = Running::start(&city, "guard-0", &way.kubeconfig(plane, Some(&city.guard())));
    guard.until(&city, "deed-tax", "200");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                way.expire();
                std::thread::sleep(Duration::from_millis(300));
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // for longer than a view may be old
            let begun = Stopwatch::start();
            while begun.elapsed() < Duration::from_secs(15) {
                let reply = guard.call_of(&city, "deed-tax");
                assert_eq!(reply.status, 200, "after {:?}: {reply:?}", begun.elapsed());
                std::thread::sleep(Duration::from_millis(100));
            }
            let spec = city.grant("other");
            city.enforce(2, &spec);
            city.credentials("other", &[(&city.token("other"), None)]);
            guard.until(&city, "other", "200");
            let revocation = city.revoke("deed-tax");
            eventually("the Lease says so", || {
                (city.applied("guard-0", "Revocation") >= version(&revocation)).then_some(())
            });
            for _ in 0..20 {
                assert_eq!(guard.call_of(&city, "deed-tax").code(), "grant-revoked", "after the Lease said so");
                assert_eq!(guard.call_of(&city, "other").status, 200);
            }
        }));
        over.store(true, Ordering::SeqCst);
        done.unwrap();
    });
}

#[test]
fn a_guard_that_can_read_nothing_any_more_refuses_in_time_and_comes_back() {
    let (plane, upstream) = (served(), Upstream::usual());
    let city = City::new(plane);
    city.settle("12s");
    city.resource(upstream.address);
    city.secret("s3cret");
    city.serving("deed-tax");
    let way = Faulty::to(plane);
    // slow is not stale
    way.slow(Duration::from_millis(300));
    let guard = Running::start(&city, "guard-0", &way.kubeconfig(plane, Some(&city.guard())));
    guard.until(&city, "deed-tax", "200");
    let slow = Stopwatch::start();
    while slow.elapsed() < Duration::from_secs(15) {
        assert_eq!(guard.call_of(&city, "deed-tax").status, 200, "after {:?}", slow.elapsed());
        std::thread::sleep(Duration::from_millis(200));
    }
    for fault in [Fault::Status(500), Fault::Status(429), Fault::Cut] {
        way.mend();
        guard.until(&city, "deed-tax", "200");
        way.one_in(1, fault);
        way.expire();
        let cut = Stopwatch::start();
        guard.until(&city, "deed-tax", "view-stale");
        assert!(cut.elapsed() <= Duration::from_secs(13), "{fault:?}: served for {:?}", cut.elapsed());
    }
    city.revoke("deed-tax");
    way.mend();
    guard.until(&city, "deed-tax", "grant-revoked");
    // a server that fails now and then
    way.one_in(3, Fault::Status(503));
    let spec = city.grant("other");
    city.enforce(2, &spec);
    city.credentials("other", &[(&city.token("other"), None)]);
    guard.until(&city, "other", "200");
}

//! An API server on a bad day: slow, refusing, losing answers, forgetting versions. Whatever it does, an operator gets to
//! the same end as on a good day, and then has nothing more to write.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::crash::{end, settle, silence};
use super::credentials::{granted, handed, token_in};
use super::tombstones::entries;
use super::world::{World, plane};
use crate::control_plane::eventually;
use crate::faults::{Fault, Faulty};

/// A world whose operator goes by a way that a test can spoil.
fn by_another_way(name: &str) -> (World, Faulty) {
    let mut world = World::new(name);
    let way = Faulty::to(plane());
    world.through = Some(way.kubeconfig(world.plane, Some(&world.identity())));
    (world, way)
}

type End = BTreeMap<String, Value>;

/// After each failure the operator waits longer, and no test waits for that.
fn while_time_flies(world: &World, waits: impl FnOnce()) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                world.clock.advance(jiff::SignedDuration::from_secs(5));
                std::thread::park_timeout(Duration::from_millis(250));
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(waits));
        over.store(true, Ordering::SeqCst);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
}

/// How everything stands after a grant was written on such a day: as on a good one, if there was one before.
fn ends(name: &str, good: Option<&End>, spoil: impl Fn(&Faulty)) -> End {
    let (mut world, way) = by_another_way("day");
    world.guard("guard-0", u64::MAX);
    spoil(&way);
    let operator = world.operator("a");
    let (request, grant) = granted(&world, "deed-tax");
    let resource = world.scene.resource();
    let all = [&request, &grant, &resource];
    while_time_flies(&world, || {
        handed(&world, &grant, 1, "");
        for object in all {
            world.condition(object, "Ready", "True", "Serving");
        }
        eventually("the request tells where its credential is", || {
            world.get(&request)?["status"]["credential"]["secretName"].is_string().then_some(())
        });
        if let Some(good) = good {
            eventually("all of it stands as on a good day", || (end(&world, &all) == *good).then_some(()));
        }
    });
    println!("{name}: {} faults", way.faults());
    way.mend();
    operator.stop();
    // straight to the server: what it does is counted there
    world.through = None;
    if way.faults() > 0 {
        // what it was about to try again when it was stopped, and may have said, is the next one's to do
        settle(&world);
    }
    let ended = end(&world, &all);
    assert!(good.is_none_or(|good| ended == *good), "after {name}: {ended:#?}");
    silence(&world, name);
    ended
}

#[test]
fn a_slow_or_failing_server_changes_nothing_about_the_end() {
    let good = ends("a good day", None, |_| {});
    ends("a slow day", Some(&good), |way| way.slow(Duration::from_millis(250)));
    for (n, fault) in [
        (5, Fault::Status(500)),
        (3, Fault::Status(503)),
        (3, Fault::Status(429)),
        (5, Fault::Cut),
        (5, Fault::Lost),
        (7, Fault::Lost),
    ] {
        let what = format!("one in {n} requests: {fault:?}");
        ends(&what, Some(&good), |way| way.one_in(n, fault));
    }
}

#[test]
fn no_status_is_ahead_of_what_is_durable() {
    let (world, way) = by_another_way("ahead");
    world.guard("guard-0", u64::MAX);
    let _operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    world.condition(&grant, "Ready", "True", "Serving");
    way.slow_writes("/configmaps", Duration::from_secs(2));
    let revocation = world.scene.revocation("end", &json!({"grant": {"serial": "S-deed-tax"}}));
    world.put(&revocation);
    let state = |object: &Value| {
        let there = world.get(object).unwrap();
        super::world::condition(&there, "Ready")["reason"].as_str().unwrap_or_default().to_owned()
    };
    eventually("it is enforced", || {
        // asked in this order: what is told now is on the books before
        let told = [state(&revocation) == "Enforced", state(&grant) == "Revoked"];
        let ended = entries(&world, "ended").len();
        assert!(ended == 1 || told == [false, false], "{told:?}: {}", world.tombstones());
        (told == [true, true]).then_some(())
    });
}

#[test]
fn watches_that_expire_and_events_that_are_told_twice_lose_nothing_and_double_nothing() {
    let (world, way) = by_another_way("expired");
    world.guard("guard-0", u64::MAX);
    way.twice();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                way.expire();
                std::thread::sleep(Duration::from_millis(150));
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| through_expiry(&world)));
        over.store(true, Ordering::SeqCst);
        done.unwrap();
    });
}

fn through_expiry(world: &World) {
    let _operator = world.operator("a");
    let names = ["a", "b", "c", "d", "e"];
    let mut tokens = Vec::new();
    let all: Vec<_> = names.iter().map(|name| granted(world, name)).collect();
    for (request, grant) in &all {
        tokens.push(token_in(&handed(world, grant, 1, "").1));
        world.condition(request, "Ready", "True", "Serving");
    }
    assert_eq!(entries(world, "enforced").len(), names.len(), "{}", world.tombstones());
    // what goes and what ends is noticed as well
    let [(ended_request, ended), (_, away), ..] = &all[..] else { panic!() };
    let revocation = world.scene.revocation("end", &json!({"grant": {"serial": "S-a"}}));
    world.put(&revocation);
    world.condition(ended, "Ready", "False", "Revoked");
    world.condition(ended_request, "Ready", "False", "Revoked");
    world.delete(away);
    let away_request = &all[1].0;
    world.condition(away_request, "Ready", "False", "Pending");
    world.put(away);
    world.condition(away_request, "Ready", "True", "Serving");
    assert_eq!(entries(world, "ended").len(), 1, "{}", world.tombstones());
    assert_eq!(entries(world, "enforced").len(), names.len(), "{}", world.tombstones());
    for (number, (_, grant)) in all.iter().enumerate().skip(1) {
        let (_, secret) = handed(world, grant, 1, "");
        assert_eq!(token_in(&secret), tokens[number], "nobody's token was minted twice");
    }
}

//! The proof that a change holds everywhere: only when every guard that lives has seen it.

use datashare::clock::Stopwatch;
use serde_json::{Value, json};

use super::credentials::{granted, handed};
use super::world::{World, Writes, version};
use crate::control_plane::eventually;

#[test]
fn a_grant_is_enforced_when_the_last_guard_has_it_and_not_before() {
    let world = World::new("enforced");
    let _operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    world.condition(&grant, "Ready", "False", "NoGuard");
    world.guard("guard-1", 1);
    world.condition(&grant, "Ready", "False", "Waiting");
    world.guard("guard-0", u64::MAX);
    // anything that happens to the grant is a reason to look how many have it
    eventually("one of two has it", || {
        let look = world.clock.now().as_millisecond().to_string();
        world.patch(&grant, "", &json!({"metadata": {"labels": {"look": look}}}));
        let there = world.get(&grant)?;
        assert_eq!(super::world::condition(&there, "Ready")["reason"], "Waiting");
        (there["status"]["enforcement"] == json!({"guards": 2, "current": 1})).then_some(())
    });
    world.guard("guard-1", u64::MAX);
    let there = world.condition(&grant, "Ready", "True", "Serving");
    assert_eq!(there["status"]["enforcement"]["current"], 2);
    assert!(there["status"]["enforcement"]["enforcedAt"].is_string());
}

#[test]
fn a_revocation_holds_when_the_last_guard_has_seen_it() {
    let world = World::new("held");
    let _operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    world.guard("guard-0", u64::MAX);
    handed(&world, &grant, 1, "");
    world.condition(&grant, "Ready", "True", "Serving");
    // from here on this guard sees nothing new
    let map = json!({"metadata": {"name": "mark"}});
    let mark = world.plane.ask("POST", &format!("/api/v1/namespaces/{}/configmaps", world.own), &map).body;
    world.guard("guard-0", version(&mark));
    let revocation = world.scene.revocation("end", &json!({"grant": {"serial": "S-deed-tax"}}));
    let written = world.put(&revocation);
    let there = world.condition(&revocation, "Ready", "False", "Waiting");
    assert_eq!(there["status"].get("enforcedAt"), None);
    let ended = world.condition(&grant, "Ready", "False", "Revoked");
    assert_eq!(ended["status"]["revocation"].get("enforcedAt"), None, "{ended:#}");
    world.guard("guard-0", version(&written));
    // the tombstone was written after it, and a guard that lacks it has not seen everything
    assert_eq!(super::world::condition(&world.get(&revocation).unwrap(), "Ready")["status"], "False");
    world.guard("guard-0", u64::MAX);
    let there = world.condition(&revocation, "Ready", "True", "Enforced");
    assert!(there["status"]["enforcedAt"].is_string());
    eventually("the grant tells since when it has been refused", || {
        world.get(&grant)?["status"]["revocation"]["enforcedAt"].is_string().then_some(())
    });
}

#[test]
fn an_enforced_time_stays_through_restarts_and_new_guards() {
    let world = World::new("since");
    let operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    world.guard("guard-0", u64::MAX);
    handed(&world, &grant, 1, "");
    let there = world.condition(&grant, "Ready", "True", "Serving");
    let since = |grant: &Value| grant["status"]["enforcement"]["enforcedAt"].clone();
    operator.stop();
    world.clock.advance(jiff::SignedDuration::from_hours(1));
    let _operator = world.operator("b");
    world.guard("guard-1", u64::MAX);
    let after = eventually("the new guard is counted", || {
        world.patch(
            &grant,
            "",
            &json!({"metadata": {"labels": {"look": format!("{}", world.clock.now().as_millisecond())}}}),
        );
        world.get(&grant).filter(|grant| grant["status"]["enforcement"]["current"] == 2)
    });
    assert_eq!(since(&after), since(&there));
}

#[test]
fn another_number_of_guards_is_told_of_every_grant_once_it_stays() {
    let world = World::new("number");
    let _operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    world.guard("guard-0", u64::MAX);
    handed(&world, &grant, 1, "");
    world.condition(&grant, "Ready", "True", "Serving");
    world.guard("guard-1", u64::MAX);
    // a minute later, and nothing but the number of guards has changed
    let told = |guards: u64| {
        let mut since = Stopwatch::start();
        eventually("the number is told", || {
            // as long as a test has patience this stays below an hour, in which everything is looked at anyway
            if since.elapsed() > std::time::Duration::from_millis(250) {
                world.clock.advance(jiff::SignedDuration::from_secs(6));
                since = Stopwatch::start();
            }
            let enforcement = world.get(&grant)?["status"]["enforcement"].take();
            (enforcement["guards"] == guards && enforcement["current"] == guards).then_some(())
        });
    };
    told(2);
    // a status that was written in between, for another reason, tells of guards that were there then
    world.guard("guard-2", u64::MAX);
    eventually("something else tells of a third", || {
        let look = world.clock.now().as_nanosecond().to_string();
        world.patch(&grant, "", &json!({"metadata": {"labels": {"look": look}}}));
        (world.get(&grant)?["status"]["enforcement"]["guards"] == 3).then_some(())
    });
    let third = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/guard-2", world.own);
    assert_eq!(world.plane.ask("DELETE", &third, &Value::Null).status, 200);
    told(2);
    let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/guard-1", world.own);
    assert_eq!(world.plane.ask("DELETE", &uri, &Value::Null).status, 200);
    told(1);
}

#[test]
fn times_of_proof_are_whole_seconds() {
    let world = World::new("whole");
    let _operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    world.guard("guard-0", u64::MAX);
    handed(&world, &grant, 1, "");
    let there = world.condition(&grant, "Ready", "True", "Serving");
    let revocation = world.scene.revocation("end", &json!({"grant": {"serial": "S-deed-tax"}}));
    world.put(&revocation);
    let told = world.condition(&revocation, "Ready", "True", "Enforced");
    let ended = eventually("the grant tells since when it has been refused", || {
        world.get(&grant).filter(|grant| grant["status"]["revocation"]["enforcedAt"].is_string())
    });
    let proof = &ended["status"]["revocation"];
    for time in [
        &there["status"]["enforcement"]["enforcedAt"],
        &told["status"]["enforcedAt"],
        &proof["requestedAt"],
        &proof["enforcedAt"],
    ] {
        let text = time.as_str().unwrap();
        assert!(text.len() == "2026-11-24T04:00:00Z".len() && text.ends_with('Z'), "{text}");
    }
    assert!(proof["requestedAt"].as_str() <= proof["enforcedAt"].as_str(), "{proof}");
}

#[test]
fn an_operator_that_starts_anew_leaves_what_was_ready_as_it_is_until_guards_have_told() {
    let world = World::new("anew");
    let operator = world.operator("a");
    let (request, grant) = granted(&world, "deed-tax");
    world.guard("guard-0", u64::MAX);
    handed(&world, &grant, 1, "");
    let resource = world.scene.resource();
    for object in [&request, &grant, &resource] {
        world.condition(object, "Ready", "True", "Serving");
    }
    eventually("the request tells where its credential is", || {
        world.get(&request)?["status"]["credential"]["secretName"].is_string().then_some(())
    });
    operator.stop();
    // this guard has seen all there is, and told so some time ago: lists are told as of now
    world.guard("guard-0", version(&world.get(&grant).unwrap()));
    let before = world.versions();
    let writes = Writes::default();
    let operator = world.operator_that_writes("a", &writes);
    for name in ["other", "another"] {
        // it has looked at what was there when it takes in something new
        let other = world.scene.request(name, None);
        world.put(&other);
        world.condition(&other, "Ready", "False", "Pending");
        world.guard("guard-0", u64::MAX);
    }
    operator.stop();
    let seen = writes.seen.lock().unwrap().clone();
    assert!(seen.iter().all(|write| write.contains("other/status")), "{seen:?}");
    let after = world.versions();
    assert!(before.iter().all(|version| after.contains(version)), "{before:?} {after:?}");
}

#[test]
fn who_used_a_grant_is_told_soon_and_then_seldom_and_is_not_forgotten() {
    let world = World::new("used");
    let operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    for guard in ["guard-0", "guard-1"] {
        world.guard(guard, u64::MAX);
    }
    handed(&world, &grant, 1, "");
    let there = world.condition(&grant, "Ready", "True", "Serving");
    assert!(there["status"].get("lastUsed").is_none(), "{there:#}");
    let name = |member: &str| there["metadata"][member].as_str().unwrap();
    let place = format!("{}/{}", name("namespace"), name("name"));
    let day = world.clock.now().to_string()[..10].to_owned();
    let tells = |guard: &str, time: &str, calls: u64| {
        let told = json!({place.as_str(): {"last": format!("{day}T{time}Z"), "calls": calls}});
        world.tells(guard, "datashare.dev/used", &told.to_string());
    };
    let shows = |time: &str, calls: u64| {
        eventually("the use is told", || {
            let status = world.get(&grant)?["status"].take();
            let used = status["lastUsed"].as_str()?.starts_with(&format!("{day}T{time}"));
            (used && status["callsToday"] == calls).then_some(())
        });
    };
    tells("guard-0", "04:10:00", 3);
    shows("04:10:00", 3);
    // the next calls are not each a write to the grant
    let before = world.versions();
    tells("guard-0", "04:10:30", 5);
    tells("guard-1", "04:10:20", 4);
    let other = world.scene.request("other", None);
    world.put(&other);
    world.condition(&other, "Ready", "False", "Pending");
    let after = world.versions();
    assert!(before.iter().all(|version| after.contains(version)), "{before:?} {after:?}");
    world.clock.advance(jiff::SignedDuration::from_mins(61));
    tells("guard-1", "05:11:00", 6);
    shows("05:11:00", 11);
    operator.stop();
    for guard in ["guard-0", "guard-1"] {
        world.tells(guard, "datashare.dev/used", "{}");
    }
    let _operator = world.operator("a");
    let another = world.scene.request("another", None);
    world.put(&another);
    world.condition(&another, "Ready", "False", "Pending");
    shows("05:11:00", 11);
}

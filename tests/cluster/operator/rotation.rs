//! Credentials change under load, in a cluster, with operators that die in the middle of it: not one call is refused,
//! neither with the newest token nor with the one before.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use datashare::operator::ROTATE;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::credentials::token_in;
use super::scene::Scene;
use super::world::{World, Writes, plane};
use crate::control_plane::eventually;
use crate::guard::city::City;
use crate::guard::running::Running;
use crate::guard::upstream::Upstream;

const GRANT: &str = "deed-tax";

/// Calls without end, each with the token that its Secret holds at that moment, and what was refused.
struct Load<'w> {
    world: &'w World,
    city: &'w City<'w>,
    guards: &'w [Running],
    token: Mutex<String>,
    over: AtomicBool,
    calls: AtomicUsize,
    refused: Mutex<Vec<String>>,
}

impl Load<'_> {
    /// A consumer that looks at its Secret now and then, as a mounted volume does.
    fn look(&self) {
        while !self.over.load(Ordering::SeqCst) {
            if let Some(secret) = self.world.secret(GRANT) {
                *self.token.lock().unwrap() = token_in(&secret);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn call(&self, guard: &Running, token: impl Fn() -> String) {
        while !self.over.load(Ordering::SeqCst) {
            let token = token();
            let reply = guard.call(self.city, &token);
            self.calls.fetch_add(1, Ordering::SeqCst);
            if reply.status != 200 {
                self.refused.lock().unwrap().push(format!("{token}: {} {}", reply.status, reply.body));
            }
        }
    }

    /// Until so many more calls were answered.
    fn go_on(&self) {
        let from = self.calls.load(Ordering::SeqCst);
        eventually("calls go on", || (self.calls.load(Ordering::SeqCst) >= from + 50).then_some(()));
    }
}

#[test]
fn no_call_is_refused_while_credentials_change_and_operators_die() {
    let (plane, upstream) = (plane(), Upstream::usual());
    let city = City::new(plane);
    city.settle("30s");
    let scene = Scene { provider: city.provider.clone(), consumer: city.consumer.clone() };
    let world = World::over(plane, &city.system, scene, vec![city.provider.clone(), city.consumer.clone()]);
    // the guards go by the machine's time: the first token is minted in the past, and is due by now
    let now = Timestamp::now();
    world.clock.set(now - SignedDuration::from_hours(20));
    let operator = world.operator("a");
    let kubeconfig = plane.kubeconfig(Some(&city.guard()));
    let guards = ["guard-0", "guard-1"].map(|name| Running::start(&city, name, &kubeconfig));
    city.resource(upstream.address);
    city.secret("s3cret");
    city.grant_with(GRANT, &json!({"credential": {"rotateEvery": "19h", "overlap": "6h"}}));
    let grant = json!({"kind": "AccessGrant", "metadata": {"namespace": city.provider, "name": GRANT}});
    let request = json!({"kind": "DataShareRequest", "metadata": {"namespace": city.consumer, "name": GRANT}});
    world.condition(&grant, "Ready", "True", "Serving");
    let first = eventually("the consumer has its token", || world.secret(GRANT).map(|secret| token_in(&secret)));
    for guard in &guards {
        eventually("every guard answers", || (guard.call(&city, &first).status == 200).then_some(()));
    }
    let load = Load {
        world: &world,
        city: &city,
        guards: &guards,
        token: Mutex::new(first.clone()),
        over: AtomicBool::new(false),
        calls: AtomicUsize::new(0),
        refused: Mutex::default(),
    };
    std::thread::scope(|scope| {
        let load = &load;
        scope.spawn(|| load.look());
        for guard in load.guards {
            scope.spawn(|| load.call(guard, || load.token.lock().unwrap().clone()));
        }
        scope.spawn(|| load.call(&load.guards[0], || first.clone()));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            load.go_on();
            operator.stop();
            rotations(load, &grant, &request, &first, now);
        }));
        load.over.store(true, Ordering::SeqCst);
        done.unwrap();
    });
    println!("{} calls", load.calls.load(Ordering::SeqCst));
    assert_eq!(*load.refused.lock().unwrap(), Vec::<String>::new());
}

/// One rotation because it is time, and two that the consumer asks for; in each of them an operator dies after so many
/// writes, and the next one goes on.
fn rotations(load: &Load<'_>, grant: &Value, request: &Value, first: &str, now: Timestamp) {
    let world = load.world;
    let mut before = first.to_owned();
    world.clock.set(now);
    for died_after in 1..=3 {
        if died_after > 1 {
            let annotation = json!({"metadata": {"annotations": {ROTATE: died_after.to_string()}}});
            world.patch(request, "", &annotation);
        }
        let writes = Writes::only(died_after);
        let dying = world.operator_that_writes("b", &writes);
        let changed = || world.secret(GRANT).map(|secret| token_in(&secret)).filter(|token| *token != before);
        eventually("it died, or did everything", || (writes.are_over() || changed().is_some()).then_some(()));
        load.go_on();
        drop(dying);
        let operator = world.operator("b");
        before = eventually("the consumer has another token", || {
            // the newest one, and not one that a dead operator left
            let newest = world.get(grant)?["status"]["credentials"].as_array()?.last()?["sha256"].clone();
            changed().filter(|token| newest == datashare::delivery::token::sha256(token))
        });
        load.go_on();
        operator.stop();
    }
}

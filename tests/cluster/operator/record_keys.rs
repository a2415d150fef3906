//! The public keys of records: published as guards tell them, and there for good.

use datashare::audit::note::SigningKey;
use datashare::operator::RECORD_KEYS;
use serde_json::{Value, json};

use super::world::{World, version};
use crate::control_plane::eventually_of;

#[test]
fn they_are_collected_from_leases_and_outlive_guard_disk_and_operator() {
    let world = World::new("keys");
    let uri = format!("/api/v1/namespaces/{}/configmaps/{RECORD_KEYS}", world.own);
    let published = |what: &str, expected: &Value| {
        eventually_of(what, |last| {
            *last = world.plane.ask("GET", &uri, &Value::Null).body;
            (last["data"] == *expected).then(|| last.clone())
        })
    };
    let line = |stream: &str| format!("{}\n", SigningKey::generate(&format!("jinan/{stream}")).unwrap().public());
    let [first, second, other, new] = ["guard-0-a", "guard-0-a", "guard-1-b", "guard-0-c"].map(line);
    let tells = |guard: &str, stream: &str, keys: &str| {
        world.guard(guard, 1);
        world.tells(guard, "datashare.dev/stream", stream);
        world.tells(guard, "datashare.dev/keys", keys);
    };
    let operator = world.operator("a");
    tells("datashare-guard-guard-0", "guard-0-a", &first);
    tells("datashare-guard-guard-1", "guard-1-b", &format!("no key\n{first}{other}"));
    published("both are published", &json!({"guard-0-a": first, "guard-1-b": other}));
    // another one takes over; the order of what was told before does not count any more
    tells("datashare-guard-guard-0", "guard-0-a", &format!("{second}{first}"));
    let both = format!("{first}{second}");
    published("the new one is behind it", &json!({"guard-0-a": both, "guard-1-b": other}));
    // guard and operator are gone, and there is a new disk
    let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", world.own);
    for guard in ["guard-0", "guard-1"] {
        let uri = format!("{leases}/datashare-guard-{guard}");
        assert_eq!(world.plane.ask("DELETE", &uri, &Value::Null).status, 200);
    }
    operator.stop();
    let _operator = world.operator("b");
    tells("datashare-guard-guard-0", "guard-0-c", &new);
    let all = json!({"guard-0-a": both, "guard-0-c": new, "guard-1-b": other});
    let map = published("all of them are there", &all);
    // nothing is written while nothing is new
    tells("datashare-guard-guard-0", "guard-0-c", &new);
    world.tells("datashare-guard-guard-0", "datashare.dev/x", "y");
    let request = world.scene.request("other", None);
    world.put(&request);
    world.condition(&request, "Ready", "False", "Pending");
    assert_eq!(version(&published("all of them are there", &all)), version(&map));
}

//! Tokens: minted once, handed over once, changed in time, and worth nothing to anybody else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datashare::delivery::token;
use datashare::operator::{ROTATE, SECRET_TYPE};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::World;
use crate::control_plane::{eventually, eventually_of};

/// The token in a Secret.
pub fn token_in(secret: &Value) -> String {
    String::from_utf8(STANDARD.decode(secret["data"]["token"].as_str().unwrap()).unwrap()).unwrap()
}

fn hashes(grant: &Value) -> Vec<Value> {
    grant["status"]["credentials"].as_array().cloned().unwrap_or_default()
}

/// A granted request that has its token.
pub fn granted(world: &World, name: &str) -> (Value, Value) {
    let request = world.scene.request(name, None);
    world.put(&world.scene.resource());
    world.put(&request);
    let grant = world.scene.grant(name, &format!("S-{name}"), &request, &Value::Null);
    world.put(&grant);
    (request, grant)
}

/// Waits until the Secret holds the newest of so many hashes; gives both.
pub fn handed(world: &World, grant: &Value, count: usize, but: &str) -> (Value, Value) {
    let request = grant["spec"]["requestRef"]["name"].as_str().unwrap();
    eventually_of(&format!("{request} holds one of {count} tokens, and not the one before"), |last| {
        let (there, secret) = (world.get(grant), world.secret(request));
        *last = json!({"grant": there, "secret": secret});
        let (there, secret) = (there?, secret?);
        let all = hashes(&there);
        let newest = all.last()?["sha256"].as_str()?.to_owned();
        let held = token::sha256(&token_in(&secret));
        (all.len() == count && held == newest && token_in(&secret) != but).then_some((there, secret))
    })
}

#[test]
fn a_granted_request_gets_one_token_in_one_secret_of_its_own_namespace() {
    let world = World::new("token");
    let _operator = world.operator("a");
    let (request, grant) = granted(&world, "deed-tax");
    let (there, secret) = handed(&world, &grant, 1, "");
    let text =
        |name: &str| String::from_utf8(STANDARD.decode(secret["data"][name].as_str().unwrap()).unwrap()).unwrap();
    assert!(text("token").starts_with("dst_"));
    assert_eq!(text("url"), format!("https://share.example/{}/ownership", world.scene.provider));
    assert_eq!(text("notAfter"), "2026-12-25T04:00:00Z".replace(":00:00Z", &text("notAfter")[13..]));
    assert_eq!(secret["type"], SECRET_TYPE);
    assert_eq!(secret["metadata"]["ownerReferences"][0]["uid"], world.get(&request).unwrap()["metadata"]["uid"]);
    let hash = &hashes(&there)[0];
    assert_eq!((&hash["serial"], &hash["id"]), (&json!("S-deed-tax"), &json!(text("id"))));
    let told = eventually("the request tells where its credential is", || {
        let status = world.get(&request)?["status"].take();
        status["credential"]["secretName"].is_string().then_some(status)
    });
    assert_eq!(told["credential"]["secretName"], "datashare-deed-tax");
    assert_eq!(told["credential"]["id"], json!(text("id")));
    assert_eq!((&told["phase"], &told["grantRef"]["name"]), (&json!("Granted"), &json!("deed-tax")));
    // nothing but the one Secret has it
    for object in [there, world.get(&request).unwrap()] {
        assert!(!object.to_string().contains(&text("token")));
    }
}

#[test]
fn a_token_is_followed_by_another_in_time_and_both_work_until_the_overlap_is_over() {
    let world = World::new("rotation");
    let _operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    let (_, first) = handed(&world, &grant, 1, "");
    world.clock.advance(SignedDuration::from_hours(30 * 24));
    let (there, second) = handed(&world, &grant, 2, &token_in(&first));
    let all = hashes(&there);
    assert_eq!(token::sha256(&token_in(&first)), all[0]["sha256"].as_str().unwrap());
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let overlap = time(&all[0]["notAfter"]).duration_since(time(&all[1]["notBefore"]));
    assert!(overlap > SignedDuration::from_hours(23) && overlap <= SignedDuration::from_hours(24), "{overlap:?}");
    // the next rotation finds the first one over
    world.clock.advance(SignedDuration::from_hours(30 * 24));
    let (there, _) = handed(&world, &grant, 2, &token_in(&second));
    assert_eq!(hashes(&there)[0], all[1]);
}

#[test]
fn a_consumer_that_asks_gets_a_new_token_now_and_only_once() {
    let world = World::new("asked");
    let operator = world.operator("a");
    let (request, grant) = granted(&world, "deed-tax");
    let (_, first) = handed(&world, &grant, 1, "");
    world.patch(&request, "", &json!({"metadata": {"annotations": {ROTATE: "we lost a laptop"}}}));
    let (there, second) = handed(&world, &grant, 2, &token_in(&first));
    let end: jiff::Timestamp = hashes(&there)[0]["notAfter"].as_str().unwrap().parse().unwrap();
    assert!(end < world.clock.now() + SignedDuration::from_hours(24), "the old one's overlap began");
    // a restart asks nobody again
    operator.stop();
    let _operator = world.operator("b");
    world.patch(&request, "", &json!({"metadata": {"annotations": {ROTATE: "once more"}}}));
    handed(&world, &grant, 3, &token_in(&second));
}

#[test]
fn a_restart_loses_no_rotation_and_repeats_none() {
    let world = World::new("restart");
    let operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    let (there, first) = handed(&world, &grant, 1, "");
    operator.stop();
    let operator = world.operator("b");
    world.guard("guard-0", u64::MAX);
    world.condition(&grant, "Ready", "True", "Serving");
    assert_eq!(hashes(&world.get(&grant).unwrap()), hashes(&there));
    operator.stop();
    world.clock.advance(SignedDuration::from_hours(31 * 24));
    let _operator = world.operator("c");
    handed(&world, &grant, 1, &token_in(&first));
}

#[test]
fn a_recipient_gets_its_token_encrypted_and_no_secret() {
    let world = World::new("sealed");
    let _operator = world.operator("a");
    let key = age::x25519::Identity::generate();
    let request = world.scene.request("sealed", Some(&key.to_public().to_string()));
    world.put(&world.scene.resource());
    world.put(&request);
    let grant = world.scene.grant("sealed", "S-1", &request, &Value::Null);
    world.put(&grant);
    let sealed = |but: &Value| {
        eventually("the request has the newest token, encrypted", || {
            let credential = world.get(&request)?["status"]["credential"].take();
            let newest = hashes(&world.get(&grant)?).pop()?;
            (credential["id"] == newest["id"] && credential["id"] != *but).then_some((credential, newest))
        })
    };
    let (credential, newest) = sealed(&Value::Null);
    let open = |credential: &Value| {
        let text = credential["encrypted"].as_str().unwrap();
        String::from_utf8(age::decrypt(&key, text.as_bytes()).unwrap()).unwrap()
    };
    assert_eq!(token::sha256(&open(&credential)), newest["sha256"].as_str().unwrap());
    assert_eq!(credential.get("secretName"), None);
    assert_eq!(world.secret("sealed"), None);
    world.patch(&request, "", &json!({"metadata": {"annotations": {ROTATE: "1"}}}));
    let (again, newest) = sealed(&credential["id"]);
    assert_eq!(token::sha256(&open(&again)), newest["sha256"].as_str().unwrap());
}

#[test]
fn a_secret_that_is_not_ours_is_left_alone_and_named() {
    let world = World::new("foreign");
    let uri = format!("/api/v1/namespaces/{}/secrets", world.scene.consumer);
    let foreign = json!({"metadata": {"name": "datashare-deed-tax"}, "stringData": {"token": "mine"}});
    let made = world.plane.ask("POST", &uri, &foreign).body;
    let _operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    let there = world.condition(&grant, "Stalled", "True", "SecretNotOurs");
    assert!(hashes(&there).is_empty(), "nothing was minted");
    assert_eq!(world.secret("deed-tax").unwrap()["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    let removed = world.plane.ask("DELETE", &format!("{uri}/datashare-deed-tax"), &Value::Null);
    assert_eq!(removed.status, 200, "{removed:?}");
    world.patch(&grant, "", &json!({"metadata": {"labels": {"look": "again"}}}));
    let (there, _) = handed(&world, &grant, 1, "");
    let grant = eventually("nothing stands in the way", || {
        world.get(&grant).filter(|grant| super::world::condition(grant, "Stalled").is_null())
    });
    assert_eq!(hashes(&grant), hashes(&there));
}

#[test]
fn a_new_decision_under_the_same_name_takes_no_old_token_over() {
    let world = World::new("serial");
    let _operator = world.operator("a");
    let (request, grant) = granted(&world, "deed-tax");
    let (there, first) = handed(&world, &grant, 1, "");
    let newer = world.scene.grant("deed-tax", "S-2", &request, &Value::Null);
    world.put(&newer);
    let (after, _) = handed(&world, &newer, 1, &token_in(&first));
    assert_ne!(hashes(&after)[0]["sha256"], hashes(&there)[0]["sha256"]);
    assert_eq!(hashes(&after)[0]["serial"], "S-2");
}

#[test]
fn a_forged_status_is_overwritten_and_opens_nothing() {
    let world = World::new("forged");
    let _operator = world.operator("a");
    let (_, grant) = granted(&world, "deed-tax");
    world.guard("guard-0", u64::MAX);
    let (there, _) = handed(&world, &grant, 1, "");
    world.condition(&grant, "Ready", "True", "Serving");
    let mut forged = hashes(&there);
    forged.push(json!({"id": "evil", "serial": "S-deed-tax", "sha256": "e".repeat(64),
        "notBefore": "2026-11-01T00:00:00Z", "notAfter": "2027-11-01T00:00:00Z"}));
    let lie = json!({"type": "Ready", "status": "False", "reason": "Lie", "message": "", "lastTransitionTime": "2026-11-01T00:00:00Z"});
    let patch =
        json!({"status": {"credentials": forged, "digest": "sha256:lie", "conditions": [lie], "callsToday": 7}});
    world.patch(&grant, "/status", &patch);
    let after = world.condition(&grant, "Ready", "True", "Serving");
    assert_eq!(hashes(&after), hashes(&there));
    assert_ne!(after["status"]["digest"], "sha256:lie");
    assert_eq!(after["status"].get("callsToday"), None);
}

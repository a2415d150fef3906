//! Every answer has its entry, every entry says what happened, and no secret is in any of it.

use datashare::audit::{Event, Outcome};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::talk::{path, request};
use super::upstream::{CANARY, RELEASED, Upstream};
use super::world::{CONSUMER, GrantPlan, PROVIDER, Plan, RESOURCE, UNIT, token};

#[test]
fn the_entry_says_who_saw_what() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    let headers = "Datashare-User: p-0417\r\nDatashare-Case: %E6%A1%88-1\r\nDatashare-Consent: s-9\r\n";
    let reply = world.get_with("deed-tax", &format!("{}?year=2026", path("370102199001011234")), headers);
    assert_eq!(reply.status, 200);
    let (text, entries) = world.entries();
    let entry = &entries[reply.receipt()];
    assert_eq!((entry.event, entry.outcome), (Event::Call, Some(Outcome::Released)));
    let grant = entry.grant.as_ref().unwrap();
    assert_eq!((&*grant.namespace, &*grant.name, &*grant.serial), (PROVIDER, "deed-tax", "serial-deed-tax"));
    assert!(grant.digest.starts_with("sha256:"));
    let request = entry.request.as_ref().unwrap();
    assert_eq!((&*request.namespace, &*request.name), (CONSUMER, "deed-tax"));
    assert_eq!(entry.unit.as_ref().unwrap().code, UNIT);
    assert_eq!(entry.system.as_deref(), Some("契税征管"));
    assert_eq!(entry.user.as_deref(), Some("p-0417"));
    assert_eq!(entry.case.as_deref(), Some("案-1"));
    assert_eq!(entry.consent.as_deref(), Some("s-9"));
    assert_eq!(entry.source, Some("127.0.0.1".parse().unwrap()));
    let resource = entry.resource.as_ref().unwrap();
    assert_eq!((&*resource.namespace, &*resource.name), (PROVIDER, RESOURCE));
    assert_eq!(entry.operation.as_deref(), Some("by-id"));
    let hashed = world.site_key.hash("370102199001011234").to_string();
    assert_eq!(entry.parameters["idNumber"], hashed);
    assert_eq!(entry.parameters["year"], "2026");
    assert_eq!(entry.status, Some(200));
    assert_eq!(entry.fields, ["ownerName"]);
    assert_eq!(entry.items, Some(2));
    assert_eq!(entry.bytes, Some(reply.body.len() as u64));
    let digest = Sha256::digest(&reply.body);
    assert_eq!(entry.digest, Some(format!("sha256:{digest:x}")));
    assert_eq!(entry.upstream.unwrap().status, Some(200));
    // no field of the grant is personal
    assert_eq!(entry.retain.unwrap().to_string(), "2027-05-27");
    assert_eq!(String::from_utf8_lossy(&reply.body), RELEASED);
    for secret in ["张三", "370102199001011234", CANARY, &token("deed-tax")] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn personal_data_is_remembered_longer() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.grants = vec![
        GrantPlan::new("personal")
            .request("fields", json!(["ownerName", "idNumber"]))
            .grant("fields", json!(["idNumber"]))
            .grant("legalBasis", json!("law")),
        GrantPlan::new("suspended").unsigned(),
    ];
    let world = plan.start();
    let released = world.get("personal", "1");
    assert_eq!(released.status, 200);
    let refused = world.get("suspended", "1");
    let (_, entries) = world.entries();
    assert_eq!(entries[released.receipt()].retain.unwrap().to_string(), "2029-11-24");
    // nothing says that it is not
    assert_eq!(entries[refused.receipt()].retain.unwrap().to_string(), "2029-11-24");
}

#[test]
fn refusals_record_what_was_understood_and_nothing_else() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    let undeclared = world.get_with("deed-tax", &format!("{}?secret=CANARY", path("7")), "");
    assert_eq!(undeclared.code(), "parameter-refused");
    let malformed = world.get_with("deed-tax", &path("8"), "Datashare-User: CANARY\u{1}\r\nDatashare-Case: c-1\r\n");
    let elsewhere = world.get_with("deed-tax", "/x/CANARY", "");
    assert_eq!(elsewhere.code(), "operation-not-granted");
    let (text, entries) = world.entries();
    assert!(!text.contains(CANARY), "{text}");
    let entry = &entries[undeclared.receipt()];
    assert_eq!(entry.operation.as_deref(), Some("by-id"));
    assert!(entry.parameters.is_empty());
    assert_eq!(entries[elsewhere.receipt()].operation, None);
    for reply in [&undeclared, &malformed, &elsewhere] {
        assert!(!String::from_utf8_lossy(&reply.body).contains(CANARY), "{reply:?}");
    }
}

#[test]
fn unknown_credentials_are_counted_into_one_entry() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    for _ in 0..20 {
        assert_eq!(world.get("nobody", "1").code(), "credential-invalid");
    }
    let (_, before) = world.entries();
    assert!(before.values().all(|entry| entry.event != Event::UnknownCredentials));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(world.guard.flush_unknown());
    runtime.block_on(world.guard.flush_unknown());
    let (text, entries) = world.entries();
    let found: Vec<_> = entries.values().filter(|entry| entry.event == Event::UnknownCredentials).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].items, Some(20));
    assert!(found[0].retain.is_some());
    assert!(!text.contains("token-of-nobody"));
}

#[test]
fn receipts_are_unique_and_in_the_record_under_load() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.threads = 2;
    let world = plan.start();
    let receipts: Vec<String> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let mut caller = super::talk::Caller::connect(world.address);
                    let mut receipts = Vec::new();
                    for _ in 0..25 {
                        caller.send(request(&format!("GET {}", path("1")), "deed-tax", "").as_bytes());
                        let reply = caller.read().unwrap();
                        assert_eq!(String::from_utf8_lossy(&reply.body), RELEASED);
                        receipts.push(reply.receipt().to_owned());
                    }
                    receipts
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    let (_, entries) = world.entries();
    let unique: std::collections::HashSet<_> = receipts.iter().collect();
    assert_eq!(unique.len(), 400);
    for receipt in &receipts {
        assert_eq!(entries[receipt].outcome, Some(Outcome::Released));
    }
}

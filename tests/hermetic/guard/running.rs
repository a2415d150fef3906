//! The whole of `up`, over days and restarts, by a clock that the test moves.

use std::collections::BTreeSet;
use std::sync::Arc;

use datashare::audit::Event;
use jiff::SignedDuration;
use parking_lot::Mutex;
use serde_json::json;

use super::site::{Load, Site, until};
use super::talk::{Reply, path};
use super::upstream::Upstream;
use super::world::{GrantPlan, PROVIDER, Plan};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn all_released(load: Load) {
    let refused: Vec<_> = load.end().into_iter().filter(|reply| reply.status != 200).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn a_rotation_refuses_nobody_and_the_old_token_ends_with_its_overlap() {
    let upstream = Upstream::usual();
    let site = Site::new(&Plan::new(upstream.address));
    let up = site.up();
    let first = site.tokens("deed-tax").remove(0);
    assert_eq!(up.get(first.token()).status, 200);

    up.advance_to(first.rotate_by - 15 * SECOND);
    let slot = Arc::new(Mutex::new(first.token().to_owned()));
    let load = up.load(&slot, 6);
    load.go_on(30);
    assert_eq!(site.tokens("deed-tax").len(), 1);
    up.advance(10 * SECOND);
    up.advance(10 * SECOND);
    until("a second token", || site.tokens("deed-tax").len() == 2);
    load.go_on(60);
    let second = site.tokens("deed-tax").remove(1);
    until("the new token is known", || up.get(second.token()).status == 200);
    assert_eq!(up.get(first.token()).status, 200);
    *slot.lock() = second.token().to_owned();
    load.go_on(60);
    all_released(load);
    let about = up.about(second.token());
    assert_eq!(about["credential"]["id"], json!(second.id));
    assert_eq!(about["credential"]["rotateBy"], json!(second.rotate_by));
    assert_eq!(up.about(first.token())["credential"]["notAfter"], json!(first.not_after));

    // the end of the overlap, under load
    up.advance_to(first.not_after - 5 * SECOND);
    assert_eq!(up.get(first.token()).status, 200);
    let load = up.load(&slot, 6);
    load.go_on(30);
    up.advance_to(first.not_after);
    let late = up.get(first.token());
    assert_eq!((late.status, late.code().as_str()), (401, "credential-expired"));
    assert_eq!(late.header("www-authenticate"), Some("Bearer"));
    load.go_on(30);
    all_released(load);
    let entries = site.entries();
    let entry = entries.iter().find(|entry| entry.receipt() == late.receipt()).unwrap();
    assert_eq!((entry.event, entry.code.as_deref()), (Event::Refusal, Some("credential-expired")));
    assert_eq!(entry.grant.as_ref().unwrap().name, "deed-tax");

    // and both are known after a restart
    up.stop().unwrap();
    let up = site.up();
    assert_eq!(up.get(first.token()).code(), "credential-expired");
    assert_eq!(up.get(second.token()).status, 200);
    assert_eq!(site.tokens("deed-tax").len(), 2);
    up.stop().unwrap();
}

#[test]
fn while_everything_is_read_anew_callers_are_told_to_come_again() {
    let upstream = Upstream::usual();
    let site = Site::new(&Plan::new(upstream.address));
    let up = site.up();
    let token = site.tokens("deed-tax").remove(0).token().to_owned();
    let load = up.load(&Arc::new(Mutex::new(token)), 6);
    for zone in ["Asia/Tokyo", "Asia/Shanghai", "Europe/Berlin", "Asia/Tokyo", "Asia/Shanghai"] {
        load.go_on(30);
        site.set_time_zone(zone);
        load.go_on(300);
    }
    let mut stale = 0;
    for reply in load.end().into_iter().filter(|reply| reply.status != 200) {
        assert_eq!((reply.status, reply.code().as_str()), (503, "view-stale"));
        stale += 1;
    }
    assert!(stale > 0, "nobody asked at a moment when everything was read anew");
    up.stop().unwrap();
}

#[test]
fn quotas_of_a_day_survive_restarts_and_end_at_midnight() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.grants = vec![GrantPlan::new("day").grant("quota", json!({"perDay": 5}))];
    let site = Site::new(&plan);
    let up = site.up();
    let token = site.tokens("day").remove(0).token().to_owned();
    for _ in 0..3 {
        assert_eq!(up.get(&token).status, 200);
    }
    // refused calls cost nothing, then and later
    for _ in 0..3 {
        assert_eq!(up.ask(&format!("GET {}?x=1", path("1")), &token).code(), "parameter-refused");
    }
    assert_eq!(up.about(&token)["quota"], json!({"perDay": 5, "leftToday": 2}));
    up.stop().unwrap();

    let up = site.up();
    assert_eq!(up.about(&token)["quota"], json!({"perDay": 5, "leftToday": 2}));
    assert_eq!(up.get(&token).status, 200);
    assert_eq!(up.get(&token).status, 200);
    let over = up.get(&token);
    assert_eq!(over.code(), "quota-exceeded");
    // 02:00 UTC is 10:00 at the site
    assert_eq!(over.header("retry-after"), Some((14 * 3600).to_string().as_str()));
    up.stop().unwrap();

    let up = site.up();
    up.advance(14 * 3600 * SECOND - SECOND);
    let over = up.get(&token);
    assert_eq!((over.code().as_str(), over.header("retry-after")), ("quota-exceeded", Some("1")));
    up.advance(SECOND);
    assert_eq!(up.get(&token).status, 200);
    up.stop().unwrap();
    let up = site.up();
    assert_eq!(up.about(&token)["quota"]["leftToday"], 4);
    up.stop().unwrap();
}

#[test]
fn a_directory_that_goes_makes_its_grants_absent_and_then_the_view_stale() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.resource["auditPolicyRef"] = json!({"name": "keep"});
    let site = Site::new(&plan);
    site.put("AuditPolicy", PROVIDER, "keep", &json!({"retention": {"period": "400d", "personal": "1200d"}}));
    let up = site.up();
    let token = site.tokens("deed-tax").remove(0).token().to_owned();
    let is_kept_as_the_policy_says = || {
        let reply = up.get(&token);
        let entries = site.entries();
        let entry = entries.iter().find(|entry| entry.receipt() == reply.receipt()).unwrap();
        assert_eq!((reply.status, entry.retain.unwrap().to_string().as_str()), (200, "2027-12-29"));
    };
    is_kept_as_the_policy_says();
    let mut seen = BTreeSet::new();
    let mut becomes = |wanted: &str| {
        seen.clear();
        until(wanted, || {
            let reply = up.get(&token);
            let code = if reply.status == 200 { "200".to_owned() } else { reply.code() };
            let there = code == wanted;
            seen.insert(code);
            there
        });
        seen.iter().cloned().collect::<Vec<_>>().join(" ")
    };

    std::fs::rename(site.root(), site.beside("away")).unwrap();
    let passed = becomes("credential-invalid");
    assert!(!passed.contains("view-stale"), "{passed}");
    assert_eq!(up.get(&token).body, up.get("nobody").body);
    site.clock.advance(30 * SECOND);
    assert_eq!(up.get(&token).code(), "credential-invalid", "the last moment of maxStaleness");
    site.clock.advance(SECOND);
    for (line, token) in [(format!("GET {}", path("1")), &*token), ("GET /x".to_owned(), "nobody")] {
        let stale = up.ask(&line, token);
        assert_eq!((stale.status, stale.code().as_str()), (503, "view-stale"));
    }
    assert_eq!(up.ask("GET /.well-known/datashare/grant", &token).code(), "view-stale");
    std::fs::rename(site.beside("away"), site.root()).unwrap();
    up.advance(SECOND);
    becomes("200");
    is_kept_as_the_policy_says();

    // one object that goes is absent while the view stays fresh, and serves again when it is back
    let grant = site.root().join("AccessGrant-deed-tax.yaml");
    std::fs::rename(&grant, site.beside("grant")).unwrap();
    becomes("credential-invalid");
    up.advance(20 * SECOND);
    up.advance(20 * SECOND);
    assert_eq!(up.get(&token).code(), "credential-invalid");
    std::fs::rename(site.beside("grant"), &grant).unwrap();
    becomes("200");

    // settings that cannot be read are settings that are gone
    let settings = site.root().join("datashare.yaml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, "site: [\n").unwrap();
    becomes("credential-invalid");
    std::fs::write(&settings, text).unwrap();
    becomes("200");
    assert_eq!(site.tokens("deed-tax").len(), 1, "a token stays known however its grant goes and comes");
    up.stop().unwrap();
}

#[test]
fn a_revocation_file_ends_calls_under_load_at_once_and_for_good() {
    let upstream = Upstream::usual();
    let mut plan = Plan::new(upstream.address);
    plan.grants = vec![GrantPlan::new("deed-tax"), GrantPlan::new("other")];
    let site = Site::new(&plan);
    let up = site.up();
    let token = site.tokens("deed-tax").remove(0).token().to_owned();
    let load = up.load(&Arc::new(Mutex::new(token.clone())), 6);
    load.go_on(50);
    let spec = json!({
        "target": {"grant": {"serial": "serial-deed-tax"}}, "clause": "4.3.1", "reason": "test",
        "decidedBy": "office", "decidedAt": "2026-11-24T02:00:00Z",
    });
    site.put("Revocation", PROVIDER, "end", &spec);
    until("revoked", || up.get(&token).status == 403);
    // nobody is answered after somebody was refused
    let last = site.entries().last().unwrap().index;
    load.go_on(50);
    let (released, refused): (Vec<_>, Vec<_>) = load.end().into_iter().partition(|reply| reply.status == 200);
    assert!(released.len() >= 50 && refused.len() >= 40);
    for reply in &refused {
        assert_eq!(reply.code(), "grant-revoked");
    }
    let index = |reply: &Reply| reply.receipt().rsplit('/').next().unwrap().parse::<u64>().unwrap();
    let newest = released.iter().map(index).max();
    assert!(newest < Some(last), "released as {newest:?} after the refusal {last}");
    std::fs::remove_file(site.root().join("Revocation-end.yaml")).unwrap();
    let other = site.tokens("other").remove(0).token().to_owned();
    up.advance(10 * SECOND);
    assert_eq!(up.get(&token).code(), "grant-revoked");
    assert_eq!(up.get(&other).status, 200);
    up.stop().unwrap();
}

#[test]
fn calls_with_unknown_credentials_are_on_record_after_the_stop() {
    let upstream = Upstream::usual();
    let site = Site::new(&Plan::new(upstream.address));
    let up = site.up();
    for _ in 0..7 {
        assert_eq!(up.get("nobody").code(), "credential-invalid");
    }
    up.stop().unwrap();
    let entries = site.entries();
    let counted = entries.iter().filter(|entry| entry.event == Event::UnknownCredentials);
    assert_eq!(counted.filter_map(|entry| entry.items).sum::<u64>(), 7);
    assert_eq!(entries.last().unwrap().event, Event::Stop);
}

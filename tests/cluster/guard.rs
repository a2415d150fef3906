//! `datashare guard` against a real API server, with a service account that may do exactly what a guard needs.

mod audit;
pub mod city;
mod faults;
mod inspected;
mod rights;
pub mod running;
#[allow(dead_code, reason = "the suites of the guard without a cluster use the rest")]
#[path = "../hermetic/guard/upstream.rs"]
pub mod upstream;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use datashare::api::v1alpha1::Kind;
use datashare::audit::checkpoint::Signed;
use datashare::clock::Stopwatch;
use datashare::source::cluster::{SETTINGS, SIGNERS};
use serde_json::{Value, json};

use crate::control_plane::eventually;
use crate::definitions::{collection, served};
use crate::proxy::{Proxy, server};
use crate::source::version;
use city::City;
use running::Running;
use upstream::Upstream;

const RELEASED: &str = r#"{"data":[{"ownerName":"张三"},{"ownerName":"李四"}]}"#;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_call_is_answered_from_the_moment_everything_is_there_until_it_is_revoked() {
    let (plane, upstream) = (served(), Upstream::usual());
    let city = City::new(plane);
    let mut guard = Running::start(&city, "guard-0", &plane.kubeconfig(Some(&city.guard())));
    assert_eq!(guard.call_of(&city, "deed-tax").code(), "view-stale");
    assert!(!guard.is_ready());
    assert_eq!(city.lease("guard-0"), None);

    city.settle("30s");
    eventually("the guard is ready", || guard.is_ready().then_some(()));
    assert_eq!(guard.call_of(&city, "deed-tax").code(), "credential-invalid");
    city.resource(upstream.address);
    let spec = city.grant("deed-tax");
    let token_written = city.credentials("deed-tax", &[(&city.token("deed-tax"), None)]);
    guard.until(&city, "deed-tax", "grant-suspended");
    city.enforce(1, &spec);
    // its credential at the upstream is missing: no call gets there
    guard.until(&city, "deed-tax", "upstream-unreachable");
    assert_eq!(upstream.asked(), Vec::<String>::new());
    city.secret("s3cret");
    let reply = guard.until(&city, "deed-tax", "200");
    assert_eq!(reply.body.to_string(), serde_json::from_str::<Value>(RELEASED).unwrap().to_string());
    assert!(reply.head.contains("datashare-record: guard-0-"), "{reply:?}");
    eventually("the Lease tells that the grant is used", || {
        let lease = city.lease("guard-0")?;
        let used: Value =
            serde_json::from_str(lease["metadata"]["annotations"]["datashare.dev/used"].as_str()?).unwrap();
        let used = &used[format!("{}/deed-tax", city.provider)];
        (used["calls"].as_u64()? >= 1 && used["last"].is_string()).then_some(())
    });
    assert!(upstream.asked()[0].to_ascii_lowercase().contains("x-app-key: s3cret"), "{:?}", upstream.asked());

    let lease = eventually("the Lease says so", || {
        (city.applied("guard-0", "AccessGrant") >= version(&token_written)).then(|| city.lease("guard-0").unwrap())
    });
    assert_eq!(lease["spec"]["leaseDurationSeconds"], 30);
    assert_eq!(lease["metadata"]["labels"]["app.kubernetes.io/component"], "guard");
    assert_eq!(lease["metadata"]["labels"]["app.kubernetes.io/part-of"], "datashare");
    assert!(lease["spec"]["holderIdentity"].as_str().unwrap().starts_with("guard-0_"), "{lease}");

    // the API server keeps the newest checkpoint of the record, out of the guard's own reach
    let checkpoint = eventually("the Lease has a checkpoint", || {
        let lease = city.lease("guard-0")?;
        lease["metadata"]["annotations"]["datashare.dev/checkpoint"].as_str().map(str::to_owned)
    });
    let keys = fs::read_to_string(guard.stream("guard-0").join("keys")).unwrap();
    let told = city.lease("guard-0").unwrap()["metadata"]["annotations"]["datashare.dev/keys"].take();
    assert_eq!(told, json!(keys), "and the key that signs it");
    let checkpoint = Signed::parse(&checkpoint).unwrap().checkpoint;
    assert!(checkpoint.origin.contains("/guard-0-") && checkpoint.size > 0, "{checkpoint:?}");

    let took = Stopwatch::start();
    let revocation = city.revoke("deed-tax");
    guard.until(&city, "deed-tax", "grant-revoked");
    let closed = took.elapsed();
    eventually("the Lease says so", || (city.applied("guard-0", "Revocation") >= version(&revocation)).then_some(()));
    println!("from the Revocation to the refusal {closed:?}, to the Lease {:?}", took.elapsed());
    assert_eq!(guard.call_of(&city, "deed-tax").code(), "grant-revoked", "after the Lease said so");
    let uri = format!("{}/end-deed-tax", collection(Kind::Revocation, &city.provider));
    let gone = plane.ask("DELETE", &uri, &Value::Null);
    assert_eq!(gone.status, 200);
    let deleted: u64 = version(&revocation) + 1;
    eventually("the deletion is taken in", || (city.applied("guard-0", "Revocation") >= deleted).then_some(()));
    assert_eq!(guard.call_of(&city, "deed-tax").code(), "grant-revoked", "deleting a Revocation revives nothing");

    guard.terminate();
    assert!(guard.ended().success(), "{}", guard.log());
    let entries = guard.entries("guard-0");
    // nobody's any more, and still a witness of all there was
    let left = city.lease("guard-0").unwrap();
    assert_eq!(left["spec"]["holderIdentity"], Value::Null);
    let kept: Vec<_> = left["metadata"]["annotations"].as_object().unwrap().keys().collect();
    assert_eq!(kept, ["datashare.dev/checkpoint", "datashare.dev/keys", "datashare.dev/stream"]);
    let last = Signed::parse(left["metadata"]["annotations"]["datashare.dev/checkpoint"].as_str().unwrap()).unwrap();
    assert_eq!(last.checkpoint.size, entries.len() as u64);
    let outcomes: Vec<_> = entries.iter().filter_map(|entry| entry["outcome"].as_str()).collect();
    assert!(outcomes.contains(&"released") && outcomes.contains(&"refused"), "{outcomes:?}");
    assert_eq!(entries.last().unwrap()["event"], "stop");
}

#[test]
fn a_guard_that_is_cut_off_refuses_everything_before_it_may_be_taken_for_dead() {
    let (plane, upstream) = (served(), Upstream::usual());
    let city = City::new(plane);
    city.settle("12s");
    city.resource(upstream.address);
    city.secret("s3cret");
    city.serving("deed-tax");
    let proxy = Proxy::to(server(plane));
    let guard = Running::start(&city, "guard-0", &proxy.kubeconfig(plane, Some(&city.guard())));
    guard.until(&city, "deed-tax", "200");
    // quiet as it is, it stays fresh for longer than maxStaleness
    let quiet = Stopwatch::start();
    while quiet.elapsed() < seconds(15) {
        assert_eq!(guard.call_of(&city, "deed-tax").status, 200, "after {:?}", quiet.elapsed());
        std::thread::sleep(Duration::from_millis(200));
    }
    proxy.silence();
    let cut = Stopwatch::start();
    city.revoke("deed-tax");
    let before = city.lease("guard-0").unwrap();
    let reply = guard.until(&city, "deed-tax", "view-stale");
    assert!(cut.elapsed() <= seconds(13), "served for {:?} after the cut", cut.elapsed());
    assert_eq!(reply.status, 503);
    assert!(!guard.is_ready());
    assert_eq!(city.lease("guard-0").unwrap(), before);
    proxy.mend();
    guard.until(&city, "deed-tax", "grant-revoked");
    eventually("the guard is ready", || guard.is_ready().then_some(()));
}

#[test]
fn a_guard_whose_lease_is_refused_answers_nothing_though_it_sees_everything() {
    let (plane, upstream) = (served(), Upstream::usual());
    let city = City::new(plane);
    city.settle("12s");
    city.resource(upstream.address);
    city.secret("s3cret");
    city.serving("deed-tax");
    let guard = Running::start(&city, "guard-0", &plane.kubeconfig(Some(&city.guard())));
    guard.until(&city, "deed-tax", "200");
    city.forbid_at_home();
    guard.until(&city, "deed-tax", "view-stale");
    assert!(guard.log().contains("the Lease cannot be renewed"), "{}", guard.log());
    city.allow_at_home();
    guard.until(&city, "deed-tax", "200");
}

#[test]
fn two_guards_of_one_name_do_not_both_answer() {
    let (plane, upstream) = (served(), Upstream::usual());
    let city = City::new(plane);
    city.settle("12s");
    city.resource(upstream.address);
    city.secret("s3cret");
    city.serving("deed-tax");
    let kubeconfig = plane.kubeconfig(Some(&city.guard()));
    let mut first = Running::start(&city, "guard-0", &kubeconfig);
    first.until(&city, "deed-tax", "200");
    let second = Running::start(&city, "guard-0", &kubeconfig);
    second.until(&city, "deed-tax", "200");
    assert!(!first.ended().success());
    assert!(first.log().contains("another guard took the Lease datashare-guard-guard-0"), "{}", first.log());
    assert_eq!(second.call_of(&city, "deed-tax").status, 200);
    let holder = city.lease("guard-0").unwrap()["spec"]["holderIdentity"].clone();

    // the same pod again, after its machine was lost
    let third = second.crash_and_start(&city, "guard-0", &kubeconfig);
    third.until(&city, "deed-tax", "200");
    assert_ne!(city.lease("guard-0").unwrap()["spec"]["holderIdentity"], holder);
    let restarts: Vec<Value> = third.entries("guard-0").into_iter().filter(|entry| entry["event"] == "start").collect();
    assert_eq!(restarts.len(), 2, "{restarts:?}");
}

#[test]
fn a_guard_whose_disk_was_replaced_begins_another_record_and_the_lost_one_keeps_its_witness() {
    let plane = served();
    let city = City::new(plane);
    city.settle("12s");
    let kubeconfig = plane.kubeconfig(Some(&city.guard()));
    let annotation = |name: &str| {
        let lease = city.lease("guard-0")?;
        lease["metadata"]["annotations"][name].as_str().map(str::to_owned)
    };
    let mut first = Running::start(&city, "guard-0", &kubeconfig);
    eventually("the Lease has a checkpoint", || annotation("datashare.dev/checkpoint"));
    first.kill();
    let lost = annotation("datashare.dev/checkpoint").unwrap();
    let stream = annotation("datashare.dev/stream").unwrap();

    // another volume, with nothing on it
    let mut second = Running::start(&city, "guard-0", &kubeconfig);
    let earlier = eventually("the lost record is remembered", || annotation("datashare.dev/earlier-checkpoints"));
    assert_eq!(serde_json::from_str::<Vec<String>>(&earlier).unwrap(), std::slice::from_ref(&lost));
    let other = annotation("datashare.dev/stream").unwrap();
    assert!(other != stream && other.starts_with("guard-0-") && stream.starts_with("guard-0-"), "{stream} {other}");
    second.terminate();
    assert!(second.ended().success(), "{}", second.log());
    let told: Vec<Value> =
        second.entries("guard-0").into_iter().filter(|entry| entry["code"] == "record-lost").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let named = Signed::parse(&lost).unwrap().checkpoint;
    assert_eq!(told[0]["parameters"]["origin"], named.origin.as_str());
    assert_eq!(told[0]["parameters"]["entries"], named.size.to_string());
    assert_eq!(annotation("datashare.dev/earlier-checkpoints"), Some(earlier));
}

#[test]
fn settings_signers_and_tokens_take_effect_as_they_are_written() {
    let (plane, upstream) = (served(), Upstream::usual());
    let city = City::new(plane);
    city.settle("30s");
    city.resource(upstream.address);
    city.secret("s3cret");
    city.serving("deed-tax");
    let guard = Running::start(&city, "guard-0", &plane.kubeconfig(Some(&city.guard())));
    guard.until(&city, "deed-tax", "200");

    city.write(SIGNERS, "nobody@nowhere ssh-ed25519 AAAA\n");
    guard.until(&city, "deed-tax", "grant-suspended");
    city.write(SIGNERS, &city.signers());
    guard.until(&city, "deed-tax", "200");
    city.write(SETTINGS, "site: another-site\n");
    guard.until(&city, "deed-tax", "grant-suspended");
    // whatever of it is read anew first
    for _ in 0..8 {
        city.write(SETTINGS, "site: [\n");
        guard.until(&city, "deed-tax", "view-stale");
        city.write(SETTINGS, "site: test-site\n");
        guard.until(&city, "deed-tax", "200");
    }

    // tokens of another decision, and tokens that were replaced, are nobody's
    let old = city.token("deed-tax");
    city.credentials("deed-tax", &[("newer-token", None), (&old, Some("serial-before"))]);
    guard.until(&city, "deed-tax", "credential-invalid");
    assert_eq!(guard.call(&city, "newer-token").status, 200);
    city.credentials("deed-tax", &[(&old, Some("serial-deed-tax"))]);
    guard.until(&city, "deed-tax", "200");
    assert_eq!(guard.call(&city, "newer-token").code(), "credential-invalid");
    let uri = format!("{}/deed-tax", collection(Kind::AccessGrant, &city.provider));
    let object = plane.ask("GET", &uri, &Value::Null).body;
    plane.ask("DELETE", &uri, &Value::Null);
    guard.until(&city, "deed-tax", "credential-invalid");
    // exactly what was signed is back
    let back = json!({"apiVersion": object["apiVersion"], "kind": object["kind"],
        "metadata": {"name": "deed-tax"}, "spec": object["spec"]});
    assert_eq!(plane.ask("POST", &collection(Kind::AccessGrant, &city.provider), &back).status, 201);
    city.credentials("deed-tax", &[(&old, None)]);
    guard.until(&city, "deed-tax", "200");
}

#[test]
fn open_calls_end_before_the_lease_goes() {
    let plane = served();
    let (asked, let_go) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (seen, gate) = (asked.clone(), let_go.clone());
    let upstream = Upstream::new(move |_, stream| {
        seen.store(true, Ordering::SeqCst);
        while !gate.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::io::Write::write_all(stream, &upstream::json(upstream::OWNERS)).is_ok()
    });
    let city = City::new(plane);
    city.settle("30s");
    city.resource(upstream.address);
    city.secret("s3cret");
    city.serving("deed-tax");
    let mut guard = Running::start(&city, "guard-0", &plane.kubeconfig(Some(&city.guard())));
    eventually("the guard is ready", || guard.is_ready().then_some(()));
    std::thread::scope(|scope| {
        let open = scope.spawn(|| guard.until(&city, "deed-tax", "200"));
        eventually("the call is upstream", || asked.load(Ordering::SeqCst).then_some(()));
        guard.terminate();
        eventually("nobody new is answered", || std::net::TcpStream::connect(guard.address).is_err().then_some(()));
        assert!(city.lease("guard-0").is_some(), "a guard with an open call is alive");
        let_go.store(true, Ordering::SeqCst);
        assert_eq!(open.join().unwrap().status, 200);
    });
    assert!(guard.ended().success(), "{}", guard.log());
    assert_eq!(city.lease("guard-0").unwrap()["spec"]["holderIdentity"], Value::Null);
}

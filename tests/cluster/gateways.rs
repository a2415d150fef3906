//! From `kubectl apply` to an answer and from a Revocation to a refusal, through real gateways: the same case and the same
//! route before Envoy Gateway, in every run, and before Contour, in `make test-gateways`.

mod contour;
mod envoy_gateway;
mod example;
mod network;
mod programs;
mod site;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use datashare::api::v1alpha1::Kind;
use serde_json::{Value, json};

use crate::control_plane::eventually;
use crate::guard::upstream::{self, Upstream};
use crate::operator::credentials::token_in;
use crate::operator::world::condition;
use example::{CONSUMER, NAME, PROVIDER, RESOURCE};
use network::{STRANGER, inside};
use site::{API, Implementation, Site};

const PATH: &str = "/jinan-registration/property-ownership/properties/370102001001GB00001F00010001";

/// An answer with every field of the catalogue, and a few beyond it.
const ANSWER: &str = r#"{"code": 200, "trace": "CANARY-1", "data": [{
    "unitNumber": "CANARY-2", "certificateNumber": "鲁(2026)第0000001号", "propertyAddress": "示例路1号",
    "plannedUse": "住宅", "buildingArea": 88.50, "registeredOn": "CANARY-3", "internal": "CANARY-4",
    "owners": [{"name": "张示例", "idNumber": "CANARY-5", "share": "单独所有"}],
    "mortgage": {"registered": true, "mortgagee": "CANARY-6", "amount": 70},
    "seizure": {"registered": false, "authority": "CANARY-7", "endsOn": "CANARY-8"}}]}"#;

/// What of it the grant lets out.
const RELEASED: &str = r#"{"data":[{"certificateNumber":"鲁(2026)第0000001号","propertyAddress":"示例路1号",
    "plannedUse":"住宅","buildingArea":88.50,"owners":[{"name":"张示例","share":"单独所有"}]}]}"#;

#[test]
fn through_envoy_gateway_what_was_signed_is_answered_until_it_is_revoked() {
    inside("gateways::through_envoy_gateway_what_was_signed_is_answered_until_it_is_revoked", || {
        from_apply_to_refusal(Implementation::EnvoyGateway);
    });
}

#[test]
#[ignore = "a second gateway to build: make test-gateways"]
fn through_contour_what_was_signed_is_answered_until_it_is_revoked() {
    inside("gateways::through_contour_what_was_signed_is_answered_until_it_is_revoked", || {
        from_apply_to_refusal(Implementation::Contour);
    });
}

fn from_apply_to_refusal(implementation: Implementation) {
    let upstream = Upstream::sending(upstream::json(ANSWER));
    let site = Site::start(implementation);
    example::objects(upstream.address).iter().for_each(|object| site.apply(object));
    site.ready(Kind::SharedResource, PROVIDER, RESOURCE, "Serving");
    site.ready(Kind::AccessGrant, PROVIDER, NAME, "Serving");
    taken(&site, implementation);

    let secret = format!("/api/v1/namespaces/{CONSUMER}/secrets/datashare-{NAME}");
    let token = token_in(&eventually("the consumer has its token", || site.get(&secret)));
    answered(&site, &token);
    let line = "GET /api/v2/properties/370102001001GB00001F00010001 HTTP/1.1\r\n";
    assert!(upstream.asked().iter().all(|head| head.starts_with(line)), "{:?}", upstream.asked());
    refused(&site, &token);
    assert!(long_answers_pass(&site), "the gateway would cut a long answer");

    let before = upstream.asked().len();
    site.apply(&example::revocation());
    let told = site.ready(Kind::Revocation, PROVIDER, "end-deed-tax", "Enforced");
    assert!(told["status"]["enforcedAt"].is_string());
    let reply = site.call(network::CONSUMER, PATH, &head(&token, "")).unwrap();
    assert_eq!((reply.status, reply.code()), (403, "grant-revoked"), "not one call after the status says so");
    assert_eq!(upstream.asked().len(), before);
    recorded(&site, &reply.head, "refused");
}

fn head(token: &str, more: &str) -> String {
    let named = "Datashare-User: t-1\r\nDatashare-Case: QS-1\r\nDatashare-Consent: SQ-1\r\n";
    format!("Authorization: Bearer {token}\r\n{named}{more}Connection: close\r\n")
}

/// The route is the same whatever gateway takes it, and this one says that it did.
fn taken(site: &Site, implementation: Implementation) {
    let route = site.get(&format!("{API}/namespaces/{PROVIDER}/httproutes/datashare-{RESOURCE}")).unwrap();
    let parent =
        json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "gateways", "name": "city"});
    let path = json!({"type": "PathPrefix", "value": format!("/{PROVIDER}/{RESOURCE}")});
    let guard = json!({"group": "", "kind": "Service", "namespace": "datashare-system", "name": "datashare-guard",
        "port": 8080, "weight": 1});
    let rule = json!({"matches": [{"path": path}], "backendRefs": [guard], "timeouts": {"request": "0s"}});
    assert_eq!(route["spec"], json!({"parentRefs": [parent], "rules": [rule]}));
    let parents = route["status"]["parents"].as_array().unwrap();
    let ours = parents.iter().find(|parent| parent["controllerName"] == implementation.controller()).unwrap();
    let says = |kind: &str| condition(&json!({"status": ours}), kind)["status"].clone();
    assert_eq!((says("Accepted"), says("ResolvedRefs")), (json!("True"), json!("True")), "{ours:#}");
    eventually("the Gateway is programmed", || {
        let gateway = site.get(&format!("{API}/namespaces/gateways/gateways/city"))?;
        (condition(&gateway, "Programmed")["status"] == "True").then_some(())
    });
}

fn answered(site: &Site, token: &str) {
    let reply = eventually("an answer through the gateway", || {
        // a gateway that has just said so may take a moment to do so
        site.call(network::CONSUMER, PATH, &head(token, "")).filter(|reply| !matches!(reply.status, 404 | 503))
    });
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body, serde_json::from_str::<Value>(RELEASED).unwrap());
    assert!(!format!("{reply:?}").contains("CANARY") && !reply.head.contains("canary"), "{reply:?}");
    recorded(site, &reply.head, "released");
    let may = eventually("the consumer asks what it may do", || {
        let reply = site.call(network::CONSUMER, "/.well-known/datashare/grant", &head(token, ""))?;
        (reply.status == 200).then_some(reply.body)
    });
    assert_eq!((&may["grant"]["name"], &may["operations"]), (&json!(NAME), &json!(["by-unit", "by-owner"])));
}

fn refused(site: &Site, token: &str) {
    // whoever calls from elsewhere may write into this header what he likes
    for forged in [
        "",
        "X-Forwarded-For: 10.20.0.9\r\n",
        "X-Forwarded-For: 10.20.0.9, 10.231.0.1\r\n",
        "Forwarded: for=10.20.0.9\r\nX-Real-IP: 10.20.0.9\r\nX-Envoy-External-Address: 10.20.0.9\r\n",
    ] {
        let reply = site.call(STRANGER, PATH, &head(token, forged)).unwrap();
        assert_eq!((reply.status, reply.code()), (403, "source-refused"), "{forged}: {reply:?}");
    }
    let reply = site.call(network::CONSUMER, PATH, &head("dst_nobody", "")).unwrap();
    assert_eq!((reply.status, reply.code()), (401, "credential-invalid"), "{reply:?}");
    let reply = site.call(network::CONSUMER, "/jinan-registration/property-ownershipX/properties/1", &head(token, ""));
    assert_eq!(reply.unwrap().status, 404, "what no route is for does not reach a guard");
}

/// The receipt names an entry of the record.
fn recorded(site: &Site, head: &str, outcome: &str) {
    let receipt = head.lines().find_map(|line| line.strip_prefix("datashare-record: ")).unwrap();
    let (stream, index) = receipt.split_once('/').unwrap();
    let (entries, index) = (site.entries(), index.parse::<u64>().unwrap());
    let entry = entries.iter().find(|entry| entry["index"] == index).unwrap();
    assert!(stream.starts_with("guard-0-") && entry["outcome"] == outcome, "{entry}");
}

/// Envoy's own limit of 15 s for a whole answer is off where our routes are.
fn long_answers_pass(site: &Site) -> bool {
    let mut stream = UnixStream::connect(site.folder.path().join("admin")).unwrap();
    stream
        .write_all(
            b"GET /config_dump?resource=dynamic_route_configs HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n",
        )
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let words: String = answer.split_whitespace().collect();
    let ours = words.split("\"match\":").filter(|route| route.contains("/jinan-registration/property-ownership"));
    let limits: Vec<bool> = ours.map(|route| route.contains("\"timeout\":\"0s\"")).collect();
    !limits.is_empty() && limits.iter().all(|off| *off)
}

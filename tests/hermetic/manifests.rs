//! The manifests of the example, with and without a gateway, and what is made of a gateway's answer. The files beside
//! this one are what must come out; run with UPDATE_GOLDEN=1 to write them anew.

use std::fs;
use std::path::Path;

use datashare::api::gateway::HttpRoute;
use datashare::cli::world::World;
use datashare::judge::build::{Layout, introspection, leave, route, state, trust};
use datashare::judge::facts::Key;
use datashare::judge::ledger::Ledger;
use datashare::judge::status::{Observed, Route, View};
use jiff::Timestamp;
use serde_json::{Value, json};

fn world() -> World {
    World::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan"), Ledger::default(), now()).unwrap()
}

fn now() -> Timestamp {
    "2026-11-24T04:00:00Z".parse().unwrap()
}

fn layout(gateway: bool, tls: bool) -> Layout {
    Layout {
        namespace: "datashare-system".to_owned(),
        service: "datashare-guard".to_owned(),
        port: 8080,
        gateway: gateway.then(|| ("gateways".to_owned(), "city".to_owned())),
        guard_ca: tls.then(|| "guard-ca".to_owned()),
    }
}

fn golden(name: &str, fresh: &Value) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hermetic/manifests").join(name);
    let fresh = datashare::source::yaml::emit(fresh).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &fresh).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == fresh,
        "{} is stale: look at it, then run the test with UPDATE_GOLDEN=1\n{fresh}",
        file.display()
    );
}

#[test]
fn every_resource_that_may_be_called_has_one_route_and_no_other_has_any() {
    let world = world();
    let mut resources: Vec<_> = world.index.resources().cloned().collect();
    resources.sort_by(|a, b| a.key.cmp(&b.key));
    let layout = layout(true, true);
    let routes: Vec<_> = resources.iter().filter_map(|r| route(r, "uid-of-the-resource", &layout)).collect();
    assert_eq!(routes.len(), resources.len(), "all of the example are interfaces");
    let property = routes.iter().find(|route| route.metadata.name.as_deref() == Some("datashare-property-ownership"));
    golden("route.yaml", &serde_json::to_value(property.unwrap()).unwrap());
    golden("leave.yaml", &serde_json::to_value(leave("jinan-registration", &layout)).unwrap());
    golden("introspection.yaml", &serde_json::to_value(introspection(&layout).unwrap()).unwrap());
    golden("trust.yaml", &serde_json::to_value(trust(&layout).unwrap()).unwrap());
    let mut kept = (*resources[0]).clone();
    let mut spec = (*kept.spec).clone();
    spec.sharing = datashare::api::v1alpha1::shared_resource::Sharing::NotShared;
    kept.spec = spec.into();
    assert_eq!(route(&kept, "uid", &layout), None, "nobody may be granted it");
}

#[test]
fn without_a_gateway_nothing_is_written() {
    let world = world();
    let layout = layout(false, true);
    assert!(world.index.resources().all(|resource| route(resource, "uid", &layout).is_none()));
    assert_eq!((introspection(&layout), trust(&layout)), (None, None));
}

#[test]
fn guards_without_tls_need_no_policy() {
    assert_eq!(trust(&layout(true, false)), None);
}

fn answered(conditions: &[(&str, &str, i64)], gateway: &str) -> Route {
    let world = world();
    let resource = world.index.resource(&Key::new("jinan-registration", "property-ownership")).unwrap();
    let mut route: HttpRoute = route(resource, "uid", &layout(true, false)).unwrap();
    route.metadata.generation = Some(2);
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(kind, status, generation)| {
            json!({"type": kind, "status": status, "reason": "Said", "message": "so", "observedGeneration": generation,
                "lastTransitionTime": "2026-11-24T04:00:00Z"})
        })
        .collect();
    let parent = json!({"parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "gateways", "name": gateway},
        "controllerName": "example.com/gateway", "conditions": conditions});
    route.status = Some(serde_json::from_value(json!({"parents": [parent]})).unwrap());
    state(&route, &layout(true, false))
}

#[test]
fn a_route_is_taken_when_our_gateway_says_so_of_what_we_wrote_last() {
    let waits = |route: Route, reason: &str| matches!(&route, Route::Waiting { reason: said, .. } if said == reason);
    assert_eq!(answered(&[("Accepted", "True", 2), ("ResolvedRefs", "True", 2)], "city"), Route::Taken);
    assert_eq!(answered(&[("Accepted", "True", 2), ("Programmed", "True", 2)], "city"), Route::Taken);
    assert!(waits(answered(&[("Accepted", "True", 2), ("ResolvedRefs", "False", 2)], "city"), "Said"));
    assert!(waits(answered(&[("Accepted", "False", 2)], "city"), "Said"));
    assert!(waits(answered(&[("Accepted", "True", 1)], "city"), "RoutePending"), "of an older route");
    assert!(waits(answered(&[("Accepted", "True", 2)], "other"), "RoutePending"), "another gateway");
    assert!(waits(answered(&[], "city"), "RoutePending"));
}

#[test]
fn statuses_of_the_example_tell_of_guards_and_gateway() {
    let world = world();
    let key = Key::new("jinan-registration", "property-ownership");
    let grant = Key::new("jinan-registration", "deed-tax");
    let told = |observed: &Observed| {
        let view = View { index: &world.index, observed, now: now() };
        json!({"resource": view.resource(&key), "grant": view.grant(&grant)})
    };
    let mut observed = Observed { guards: 2, current: 2, ..Observed::default() };
    let token = datashare::judge::status::Token {
        serial: world.index.grant(&grant).unwrap().serial.clone(),
        hash: datashare::api::v1alpha1::status::CredentialHash {
            id: "c1".to_owned(),
            serial: Some("济登共享〔2026〕12号".to_owned()),
            sha256: "0".repeat(64),
            not_before: "2026-11-24T00:00:00Z".to_owned(),
            not_after: "2027-02-23T00:00:00Z".to_owned(),
            asked: None,
            request_uid: None,
        },
        not_before: "2026-11-24T00:00:00Z".parse().unwrap(),
        not_after: "2027-02-23T00:00:00Z".parse().unwrap(),
    };
    observed.credentials.insert(grant.clone(), vec![token]);
    observed.url = Some("https://share.example".to_owned());
    observed.routes.insert(key.clone(), Route::Taken);
    let serving = told(&observed);
    observed.behind.insert((datashare::api::v1alpha1::Kind::AccessGrant, grant.clone()), 1);
    let waiting = told(&observed);
    observed.behind.clear();
    observed
        .routes
        .insert(key.clone(), Route::Waiting { reason: "RoutePending".to_owned(), message: "not yet".to_owned() });
    let pending = told(&observed);
    (observed.guards, observed.current) = (0, 0);
    let unguarded = told(&observed);
    golden(
        "statuses.yaml",
        &json!({"serving": serving, "oneGuardBehind": waiting, "routePending": pending, "noGuard": unguarded}),
    );
}

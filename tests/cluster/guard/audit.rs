//! The record of a cluster's guards, asked for by people as themselves: who may is told, and is on record for having
//! asked; who may not, and who is nobody, is told nothing; and a part is never taken for the whole.

mod copies;
mod door;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use datashare::guard::inquiry::wire::Door;
use serde_json::{Value, json};

use super::city::City;
use super::running::Running;
use super::upstream::Upstream;
use crate::charts::roles::rules;
use crate::control_plane::{ControlPlane, eventually};
use crate::definitions::{apply_to, served};
use crate::pods;
use crate::source::create;
use door::put;

/// Somebody with a token of their own.
pub struct Account {
    name: String,
    token: String,
}

/// A service account of the product's namespace, with a token and no right.
pub fn account(city: &City<'_>, name: &str) -> Account {
    let uri = format!("/api/v1/namespaces/{}/serviceaccounts", city.system);
    create(city.plane, &uri, &json!({"metadata": {"name": name}}));
    let token = city.plane.ask("POST", &format!("{uri}/{name}/token"), &json!({"spec": {}}));
    assert_eq!(token.status, 201, "{token:?}");
    Account { name: name.to_owned(), token: token.body["status"]["token"].as_str().unwrap().to_owned() }
}

/// Gives somebody one of the chart's roles, everywhere or in one namespace.
pub fn bind(city: &City<'_>, role: &str, who: &Account, namespace: Option<&str>) {
    let subject = json!([{"kind": "ServiceAccount", "name": who.name, "namespace": city.system}]);
    grant(city, role, &who.name, &subject, namespace);
}

fn grant(city: &City<'_>, role: &str, name: &str, subjects: &Value, namespace: Option<&str>) {
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let own = format!("{role}-{name}-{}-{}", city.system, namespace.unwrap_or("everywhere"));
    let role = json!({"metadata": {"name": own}, "rules": rules("ClusterRole", role)});
    create(city.plane, &format!("{rbac}/clusterroles"), &role);
    let of = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": own});
    let binding = json!({"metadata": {"name": own}, "roleRef": of, "subjects": subjects});
    let uri = match namespace {
        Some(namespace) => format!("{rbac}/namespaces/{namespace}/rolebindings"),
        None => format!("{rbac}/clusterrolebindings"),
    };
    create(city.plane, &uri, &binding);
}

/// The door that a guard's Lease tells of.
fn door_of(city: &City<'_>, guard: &str) -> Door {
    eventually("the Lease tells where auditors are answered", || {
        let lease = city.lease(guard)?;
        serde_json::from_str(lease["metadata"]["annotations"]["datashare.dev/audit"].as_str()?).ok()
    })
}

/// Asks one guard until it answers so: RBAC takes a moment.
pub fn until(city: &City<'_>, guard: &str, who: &Account, question: &str, status: u16) -> String {
    let door = door_of(city, guard);
    eventually("the guard answers so", || {
        let answer = put(&door, &[("Authorization", &format!("Bearer {}", who.token))], question);
        (answer.status == status).then_some(answer.body)
    })
}

/// The program as the person with a kubeconfig runs it.
fn datashare(city: &City<'_>, kubeconfig: &Path, words: &[&str]) -> Output {
    audit(city, kubeconfig, "query", &[&["-o", "json"], words].concat())
}

fn audit(city: &City<'_>, kubeconfig: &Path, command: &str, words: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_datashare"));
    program.args(["audit", command, "--cluster", "--system", &city.system]).args(words);
    program.env("KUBECONFIG", kubeconfig).output().unwrap()
}

fn entries(output: &Output) -> Vec<Value> {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn kubeconfig(city: &City<'_>, who: &Account) -> PathBuf {
    pods::kubeconfig(city.plane, &format!("{}-{}", who.name, city.system), &who.token)
}

/// An auditor of a city with two guards, whose role counts at both, and their kubeconfig.
fn auditor(city: &City<'_>) -> (Account, PathBuf) {
    let auditor = account(city, "auditor");
    bind(city, "datashare-auditor", &auditor, None);
    for guard in ["guard-0", "guard-1"] {
        until(city, guard, &auditor, "{}", 200);
    }
    let own = kubeconfig(city, &auditor);
    (auditor, own)
}

/// A city whose guards of these names have each answered one call.
fn asked_city<'p>(plane: &'p ControlPlane, names: &[&str], upstream: &Upstream) -> (City<'p>, Vec<Running>) {
    let city = City::new(plane);
    city.settle("30s");
    city.resource(upstream.address);
    city.secret("s3cret");
    city.serving("deed-tax");
    let start = |name: &&str| Running::start(&city, name, &plane.kubeconfig(Some(&city.guard())));
    let guards: Vec<Running> = names.iter().map(start).collect();
    for guard in &guards {
        guard.until(&city, "deed-tax", "200");
    }
    (city, guards)
}

#[test]
fn an_auditor_sees_what_all_guards_recorded_and_is_on_record_for_having_asked() {
    let upstream = Upstream::usual();
    let (city, guards) = asked_city(served(), &["guard-0", "guard-1"], &upstream);
    let (_, own) = auditor(&city);
    let told = entries(&datashare(&city, &own, &["--outcome", "released", "--event", "call"]));
    let mut recorded: Vec<Value> = Vec::new();
    for (guard, name) in guards.iter().zip(["guard-0", "guard-1"]) {
        let calls = guard.entries(name).into_iter().filter(|e| e["event"] == "call" && e["outcome"] == "released");
        recorded.extend(calls);
    }
    recorded.sort_by_key(|entry| entry["time"].as_str().unwrap().to_owned());
    assert!(recorded.len() >= 2);
    assert_eq!(told, recorded);
    assert_eq!(entries(&datashare(&city, &own, &["--event", "call", "--limit", "1"])), recorded[recorded.len() - 1..]);
    // kubectl's plugin asks the cluster without being told to
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-datashare");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_datashare"), &plugin).unwrap();
    let mut plugin = Command::new(plugin);
    plugin.args(["audit", "query", "--system", &city.system, "--event", "call", "--limit", "1", "-o", "json"]);
    let output = plugin.env("KUBECONFIG", &own).current_dir(folder.path()).output().unwrap();
    assert_eq!(entries(&output), recorded[recorded.len() - 1..]);
    // a person is found by the plain value, which the record does not have
    let looked_up = entries(&datashare(&city, &own, &["--person", "370102", "--event", "call"]));
    assert!(!looked_up.is_empty());
    assert!(looked_up.iter().all(|entry| entry["parameters"]["id"].as_str().unwrap().starts_with("hmac-sha256:")));
    assert_eq!(entries(&datashare(&city, &own, &["--person", "999999", "--event", "call"])), Vec::<Value>::new());

    let user = format!("system:serviceaccount:{}:auditor", city.system);
    for (guard, name) in guards.iter().zip(["guard-0", "guard-1"]) {
        let asked: Vec<Value> = guard.entries(name).into_iter().filter(|entry| entry["event"] == "audit").collect();
        let about: Vec<&Value> = asked.iter().filter(|entry| !entry["parameters"]["person"].is_null()).collect();
        assert_eq!(about.len(), 2, "{asked:?}");
        for entry in &asked {
            assert_eq!((&entry["user"], &entry["operation"]), (&json!(user), &json!("query")));
            assert_eq!((&entry["outcome"], &entry["source"]), (&json!("released"), &json!("127.0.0.1")));
            assert!(entry["retain"].is_string());
        }
        let person = about[0]["parameters"]["person"].as_str().unwrap();
        assert!(person.starts_with("hmac-sha256:"), "{person}");
        assert_eq!(about[0]["parameters"]["event"], "call");
        // nobody's number is in the record because somebody asked for it
        assert!(!asked.iter().any(|entry| entry.to_string().contains("370102")));
    }
}

#[test]
fn who_may_not_is_told_nothing_and_who_is_nobody_is_not_even_on_record() {
    let upstream = Upstream::usual();
    let (city, guards) = asked_city(served(), &["guard-0"], &upstream);
    let consumer = account(&city, "consumer");
    bind(&city, "datashare-consumer", &consumer, None);
    let door = door_of(&city, "guard-0");
    let bearer = format!("Bearer {}", consumer.token);
    let refused = put(&door, &[("Authorization", &bearer)], r#"{"user":"p-1"}"#);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(
        refused.body.contains(&format!("system:serviceaccount:{}:consumer may not get", city.system)),
        "{refused:?}"
    );
    assert!(refused.body.contains("auditrecords.datashare.dev"), "{refused:?}");
    assert!(!refused.body.contains("\"v\":1"), "{refused:?}");
    let audits = || guards[0].entries("guard-0").into_iter().filter(|e| e["event"] == "audit").collect::<Vec<_>>();
    let recorded = audits();
    assert_eq!(recorded.len(), 1);
    assert_eq!((&recorded[0]["outcome"], &recorded[0]["code"]), (&json!("refused"), &json!("forbidden")));
    assert_eq!(recorded[0]["parameters"], json!({"user": "p-1"}));

    assert_eq!(put(&door, &[], "{}").status, 401, "nobody");
    assert_eq!(put(&door, &[("Authorization", "Bearer nonsense")], "{}").status, 401, "unknown");
    assert_eq!(put(&door, &[("Authorization", "Basic YTpi")], "{}").status, 401);
    let twice = [("Authorization", bearer.as_str()), ("Authorization", "Bearer x")];
    assert_eq!(put(&door, &twice, "{}").status, 401, "two tokens");
    let another = [("Authorization", bearer.as_str()), ("Impersonate-User", "admin")];
    let impersonated = put(&door, &another, "{}");
    assert!(impersonated.status == 400 && impersonated.body.contains("--as"), "{impersonated:?}");
    for wrong in ["", "[]", "{\"usr\":\"x\"}", "{\"limit\":0}"] {
        assert_eq!(put(&door, &[("Authorization", &bearer)], wrong).status, 400, "{wrong}");
    }
    assert_eq!(audits().len(), 1);
    // whoever asks again and again is not put on record each time
    eventually("it is refused without a record", || {
        (put(&door, &[("Authorization", &bearer)], "{}").status == 429).then_some(())
    });
    assert!(audits().len() <= 60, "{}", audits().len());
    // the program says whom to ask for the right
    let output = datashare(&city, &kubeconfig(&city, &consumer), &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{output:?}");
    assert!(said(&output).contains("allowed to list Leases"), "{}", said(&output));
}

#[test]
fn a_right_in_one_namespace_shows_that_ones_entries_only() {
    let upstream = Upstream::usual();
    let (city, guards) = asked_city(served(), &["guard-0"], &upstream);
    let supervisor = account(&city, "supervisor");
    bind(&city, "datashare-supervisor", &supervisor, Some(&city.provider));
    bind(&city, "datashare-supervisor", &supervisor, Some(&city.system));
    let question = format!("{{\"namespace\":\"{}\"}}", city.provider);
    until(&city, "guard-0", &supervisor, &question, 200);
    let own = kubeconfig(&city, &supervisor);
    let told = entries(&datashare(&city, &own, &["--namespace", &city.provider]));
    let of = |entry: &Value| entry["resource"]["namespace"] == city.provider.as_str();
    assert!(!told.is_empty() && told.iter().all(of), "{told:?}");
    assert!(guards[0].entries("guard-0").iter().any(|entry| !of(entry)), "the rest is not shown");
    for words in [&[][..], &["--namespace", &city.consumer][..]] {
        eventually("it is refused, and has not been too often in the last moments", || {
            let output = datashare(&city, &own, words);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
            said(&output).contains("may not get auditrecords").then_some(())
        });
    }
}

#[test]
fn a_part_is_never_shown_as_the_whole() {
    // which guards there were is told of all of a cluster
    let plane = ControlPlane::start();
    apply_to(&plane);
    let upstream = Upstream::usual();
    let (city, mut guards) = asked_city(&plane, &["guard-0", "guard-1"], &upstream);
    let auditor = account(&city, "auditor");
    bind(&city, "datashare-auditor", &auditor, None);
    until(&city, "guard-0", &auditor, "{}", 200);
    let own = kubeconfig(&city, &auditor);
    guards[1].kill();
    let output = datashare(&city, &own, &["--event", "call"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
    assert!(said(&output).contains("guard guard-1 does not answer: cannot be reached"), "{}", said(&output));
    let output = datashare(&city, &own, &["--event", "call", "--without", "guard-1"]);
    assert!(entries(&output).iter().all(|entry| entry["stream"].as_str().unwrap().starts_with("guard-0-")));
    assert!(said(&output).contains("not the whole record"), "{}", said(&output));
    // reached by another way, it is still the same guard or none
    let way = format!("guard-1={}", door_of(&city, "guard-0").address.unwrap());
    let output = datashare(&city, &own, &["--guard-url", &way]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "another guard's answer is not its own");

    // a guard that was laid down in good order left its part of the record behind
    let policy = json!({"apiVersion": "datashare.dev/v1alpha1", "kind": "AuditPolicy", "metadata": {"name": "default"},
        "spec": {"retention": {"period": "184d", "personal": "1096d"}}});
    let uri = format!("/apis/datashare.dev/v1alpha1/namespaces/{}/auditpolicies", city.provider);
    create(city.plane, &uri, &policy);
    let seen = json!({"status": {"streams": ["guard-7"]}});
    assert_eq!(city.plane.ask("PATCH", &format!("{uri}/default/status"), &seen).status, 200);
    let output = datashare(&city, &own, &["--without", "guard-1"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
    assert!(said(&output).contains("guard guard-7 does not answer: it is gone"), "{}", said(&output));
}

#[test]
fn a_client_certificate_is_as_good_as_a_token_and_an_unknown_one_is_nobody() {
    let upstream = Upstream::usual();
    let (city, guards) = asked_city(served(), &["guard-0"], &upstream);
    let subjects = json!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": city.system}]);
    grant(&city, "datashare-auditor", "group", &subjects, None);
    let own = city.plane.kubeconfig_of_certificate("zhao", &city.system);
    let output = eventually("the role counts", || {
        let output = datashare(&city, &own, &["--event", "call"]);
        (output.status.code() == Some(0)).then_some(output)
    });
    assert!(!entries(&output).is_empty());
    let mut audits = guards[0].entries("guard-0").into_iter().filter(|entry| entry["event"] == "audit");
    assert!(audits.next_back().is_some_and(|entry| entry["user"] == "zhao"));
    let stranger = city.plane.kubeconfig_of_certificate("stranger", "nobody");
    let output = datashare(&city, &stranger, &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{output:?}");
}

//! What needs the record itself, asked of a cluster: an auditor verifies, proves, inspects and reports on their own
//! machine, from copies that the guards give.

use std::fs;
use std::process::{Command, Output};

use datashare::audit::note::{SigningKey, VerifyingKey};
use datashare::operator::RECORD_KEYS;
use serde_json::{Value, json};

use super::{asked_city, audit, auditor, bind, said};
use crate::control_plane::{ControlPlane, eventually};
use crate::definitions::apply_to;
use crate::guard::city::RESOURCE;
use crate::guard::upstream::Upstream;
use crate::source::create;

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn an_auditor_verifies_and_proves_what_guards_have_with_a_program_of_their_own() {
    // which guards there were is told of all of a cluster
    let plane = ControlPlane::start();
    apply_to(&plane);
    let upstream = Upstream::usual();
    let (city, guards) = asked_city(&plane, &["guard-0", "guard-1"], &upstream);
    let (_, own) = auditor(&city);
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let verify = |words: &[&str]| {
        audit(&city, &own, "verify", &[&["--seen", seen.to_str().unwrap(), "-o", "json"], words].concat())
    };
    let output = verify(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = json_of(&output);
    let streams: Vec<&Value> = told["streams"].as_array().unwrap().iter().collect();
    let names: Vec<&str> = streams.iter().map(|stream| stream["stream"].as_str().unwrap()).collect();
    assert!(names.len() == 2 && names[0].starts_with("guard-0-") && names[1].starts_with("guard-1-"), "{told}");
    let copies = guards[0].entries("guard-0").into_iter().filter(|entry| entry["operation"] == "copy");
    assert_eq!(copies.count(), 1, "who copied the record is on record");

    // one entry, as evidence that needs no cluster any more
    let call = guards[1].entries("guard-1").into_iter().find(|entry| entry["event"] == "call").unwrap();
    let receipt = format!("{}/{}", call["stream"].as_str().unwrap(), call["index"]);
    let proof = folder.path().join("proof");
    let proven = eventually("the entry is signed", || {
        let output = audit(&city, &own, "prove", &[&receipt, "--out", proof.to_str().unwrap()]);
        (output.status.code() == Some(0)).then_some(output)
    });
    assert!(proven.stdout.is_empty());
    let keys = guards[1].stream("guard-1").join("keys");
    let mut program = Command::new(env!("CARGO_BIN_EXE_datashare"));
    let output = program.args(["audit", "verify-proof"]).arg(&proof).arg("--key").arg(&keys).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(json_of(&output), call);

    // a record that begins with another key than was published is not the one that was begun
    let told = eventually("the key is in the Lease", || {
        let told = city.lease("guard-0")?["metadata"]["annotations"].take();
        told["datashare.dev/keys"].is_string().then_some(told)
    });
    let stream = told["datashare.dev/stream"].as_str().unwrap();
    let own_key: VerifyingKey = told["datashare.dev/keys"].as_str().unwrap().lines().next().unwrap().parse().unwrap();
    let other = SigningKey::generate(own_key.name()).unwrap();
    let map =
        json!({"metadata": {"name": RECORD_KEYS}, "data": {(stream): format!("{}\n{own_key}\n", other.public())}});
    create(city.plane, &format!("/api/v1/namespaces/{}/configmaps", city.system), &map);
    let output = verify(&["--stream", stream]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let finding = json_of(&output)["streams"][0]["findings"][0].take();
    assert_eq!((&finding["kind"], &finding["file"]), (&json!("forged"), &json!(format!("{stream}/keys"))));
    assert!(finding["says"].as_str().unwrap().contains("the ConfigMap datashare-record-keys has it begin with"));
    let map =
        json!({"metadata": {"name": RECORD_KEYS}, "data": {(stream): format!("{own_key}\n{}\n", other.public())}});
    let uri = format!("/api/v1/namespaces/{}/configmaps/{RECORD_KEYS}", city.system);
    assert_eq!(city.plane.ask("PATCH", &uri, &map).status, 200);
    let output = verify(&["--stream", stream]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    // a guard that changes what it wrote is found out by whoever looked before
    let entries = guards[1].stream("guard-1").join("entries/00000000000000000000.jsonl");
    let text = fs::read_to_string(&entries).unwrap();
    fs::write(&entries, text.replacen("\"deed-tax\"", "\"deed-tux\"", 1)).unwrap();
    let output = verify(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = json_of(&output);
    let bad: Vec<&Value> = told["streams"].as_array().unwrap().iter().filter(|s| s["findings"] != json!([])).collect();
    assert!(bad.len() == 1 && bad[0]["stream"] == call["stream"], "{told}");
    let output = verify(&["--without", "guard-1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(said(&output).contains("not the whole record"), "{}", said(&output));
}

#[test]
fn a_report_and_an_inspection_are_of_all_guards_and_of_the_site_as_it_is() {
    // which guards there were is told of all of a cluster
    let plane = ControlPlane::start();
    apply_to(&plane);
    let upstream = Upstream::usual();
    let (city, guards) = asked_city(&plane, &["guard-0", "guard-1"], &upstream);
    let policy = json!({"apiVersion": "datashare.dev/v1alpha1", "kind": "AuditPolicy", "metadata": {"name": "default"},
        "spec": {"retention": {"period": "184d", "personal": "1096d"}, "inspection": {"schedule": "0 3 1 * *", "sample": 5}}});
    create(city.plane, &format!("/apis/datashare.dev/v1alpha1/namespaces/{}/auditpolicies", city.provider), &policy);
    let kept = json!({"spec": {"auditPolicyRef": {"name": "default"}}});
    let resource = format!("/apis/datashare.dev/v1alpha1/namespaces/{}/sharedresources/{RESOURCE}", city.provider);
    assert_eq!(city.plane.ask("PATCH", &resource, &kept).status, 200);
    let (auditor, own) = auditor(&city);
    let month = guards[0].entries("guard-0")[0]["time"].as_str().unwrap()[..7].to_owned();
    let output = audit(&city, &own, "report", &["--month", &month, "--lang", "en"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{output:?}");
    assert!(said(&output).contains("datashare-site"), "who may not read the settings is told what it takes");

    bind(&city, "datashare-site", &auditor, Some(&city.system));
    let output = eventually("the role counts", || {
        let output = audit(&city, &own, "report", &["--month", &month, "--lang", "en"]);
        println!("{}", said(&output));
        (output.status.code() == Some(0)).then_some(output)
    });
    let page = String::from_utf8(output.stdout).unwrap();
    for guard in ["guard-0", "guard-1"] {
        assert!(page.contains(guard), "the page tells of {guard}");
    }
    let policy = format!("{}/default", city.provider);
    let output = audit(&city, &own, "inspect", &["--policy", &policy, "-o", "json"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    let inspected = json_of(&output);
    let sample = inspected[0]["sample"].as_array().unwrap();
    assert!(inspected[0]["entries"].as_u64().unwrap() >= 2 && sample.len() >= 2, "{inspected}");
}

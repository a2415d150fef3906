//! The example's signatures, checked without the product's own code.

use std::collections::{BTreeMap, BTreeSet};

use datashare::api::v1alpha1::common::Mode;
use datashare::approval::digests;
use datashare::approval::signers::Signers;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ssh_key::{PublicKey, SshSig};

use super::{objects, root, texts};

fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap()
}

fn digest(value: &Value) -> String {
    let hex: String = Sha256::digest(canonical(value)).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn typed<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn named<'a>(all: &'a [(std::path::PathBuf, Value)], namespace: &Value, name: &Value) -> &'a Value {
    all.iter()
        .map(|(_, object)| object)
        .find(|object| object["metadata"]["namespace"] == *namespace && object["metadata"]["name"] == *name)
        .unwrap_or_else(|| panic!("no {namespace}/{name}"))
}

/// Only these members of only these items, sorted by name.
fn sliced(list: &Value, names: &[&str], members: &[&str]) -> Value {
    let keep = |item: &Value| -> Value {
        members
            .iter()
            .filter(|member| item.get(**member).is_some())
            .map(|member| ((*member).to_owned(), item[*member].clone()))
            .collect()
    };
    let mut items: BTreeMap<&str, Value> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["name"].as_str().unwrap(), keep(item)))
        .filter(|(name, _)| names.contains(name))
        .collect();
    for item in items.values_mut() {
        if let Some(parameters) = item.get_mut("parameters").and_then(Value::as_array_mut) {
            parameters.sort_by_key(|parameter| parameter["name"].as_str().unwrap().to_owned());
        }
    }
    items.into_values().collect()
}

fn signers() -> BTreeMap<String, PublicKey> {
    std::fs::read_to_string(root().join("allowed_signers"))
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (principal, rest) = line.split_once(' ').unwrap();
            let (_, key) = rest.split_once(' ').unwrap();
            (principal.to_owned(), PublicKey::from_openssh(key).unwrap())
        })
        .collect()
}

#[test]
fn grants_name_what_lies_beside_them() {
    let (requests, resources) = (objects("DataShareRequest"), objects("SharedResource"));
    let mut serials = BTreeSet::new();
    for (path, grant) in objects("AccessGrant") {
        let file = path.display();
        let spec = &grant["spec"];
        assert!(serials.insert(spec["serial"].as_str().unwrap().to_owned()), "{file}: serial twice");
        let request = named(&requests, &spec["requestRef"]["namespace"], &spec["requestRef"]["name"]);
        let resource = named(&resources, &grant["metadata"]["namespace"], &spec["resourceRef"]["name"]);
        let identity =
            |object: &Value| json!({"namespace": object["metadata"]["namespace"], "name": object["metadata"]["name"]});
        let reviewed = json!({
            "apiVersion": request["apiVersion"], "kind": request["kind"],
            "metadata": identity(request), "spec": request["spec"],
        });
        assert_eq!(spec["requestRef"]["digest"], digest(&reviewed), "{file}: run make-grants.sh");
        let ours = digests::request(
            text(&reviewed["metadata"]["namespace"]),
            text(&reviewed["metadata"]["name"]),
            &typed(&request["spec"]),
        );
        assert_eq!(ours.unwrap().to_string(), digest(&reviewed), "{file}");
        let slice = json!({
            "metadata": identity(resource),
            "direction": resource["spec"]["direction"],
            "sharing": resource["spec"]["sharing"],
            "provider": {"code": resource["spec"]["provider"]["code"]},
            "fields": sliced(&resource["spec"]["fields"], &texts(&spec["fields"]), &["name", "path", "type", "class"]),
            "operations": sliced(
                &resource["spec"]["interface"]["operations"],
                &texts(&spec["operations"]),
                &["name", "method", "path", "parameters"],
            ),
        });
        assert_eq!(spec["resourceRef"]["digest"], digest(&slice), "{file}: run make-grants.sh");
        let ours = digests::slice(
            text(&slice["metadata"]["namespace"]),
            text(&slice["metadata"]["name"]),
            &typed(&resource["spec"]),
            &texts(&spec["fields"]),
            &texts(&spec["operations"]),
            Mode::Interface,
        );
        assert_eq!(ours.unwrap().to_string(), digest(&slice), "{file}");
        for list in ["fields", "operations", "users"] {
            let asked = texts(&request["spec"][list]);
            assert!(asked.is_empty() || texts(&spec[list]).iter().all(|item| asked.contains(item)), "{file}: {list}");
        }
    }
}

#[test]
fn every_signature_is_good_and_given_in_time() {
    let (signers, requests) = (signers(), objects("DataShareRequest"));
    let settings: Value =
        serde_yaml::from_str(&std::fs::read_to_string(root().join("datashare.yaml")).unwrap()).unwrap();
    let mut count = 0;
    for (path, grant) in objects("AccessGrant") {
        let file = path.display();
        let mut terms = grant["spec"].clone();
        let approvals = terms.as_object_mut().unwrap().remove("approvals").unwrap();
        let request = named(&requests, &terms["requestRef"]["namespace"], &terms["requestRef"]["name"]);
        for approval in approvals.as_array().unwrap() {
            let statement = json!({
                "type": "datashare.dev/approval/v1",
                "site": settings["site"],
                "role": approval["role"],
                "principal": approval["principal"],
                "approvedAt": approval["approvedAt"],
                "grant": {"namespace": grant["metadata"]["namespace"], "name": grant["metadata"]["name"]},
                "terms": terms,
            });
            let mut signed = canonical(&statement);
            signed.push(b'\n');
            let signature = SshSig::from_pem(approval["signature"].as_str().unwrap()).unwrap();
            let key = &signers[approval["principal"].as_str().unwrap()];
            key.verify("approval@datashare.dev", &signed, &signature)
                .unwrap_or_else(|error| panic!("{file}: {}: {error}: run make-grants.sh", approval["principal"]));
            assert_ne!(approval["principal"], request["spec"]["receivedBy"], "{file}");
            let at: Timestamp = approval["approvedAt"].as_str().unwrap().parse().unwrap();
            let asked: Timestamp =
                format!("{}T00:00:00+08:00", request["spec"]["date"].as_str().unwrap()).parse().unwrap();
            let made: Timestamp = "2026-11-24T00:00:00+08:00".parse().unwrap();
            assert!(asked <= at && at <= made, "{file}: {at}");
            count += 1;
        }
    }
    assert_eq!(count, 17);
}

#[test]
fn the_keys_say_that_they_are_worthless() {
    let (listed, issues) = Signers::parse(&std::fs::read_to_string(root().join("allowed_signers")).unwrap());
    assert!(issues.is_empty(), "{issues:?}");
    for (principal, key) in signers() {
        assert!(listed.knows(&principal));
        assert_eq!(key.comment().to_string(), format!("WORTHLESS demo key of {principal}"));
    }
}

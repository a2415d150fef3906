//! `kubectl datashare who-can`: the cluster's answer, with the rights of whoever asks and no others.

use std::process::{Command, Output};

use serde_json::{Value, json};

use super::credentials::{granted, handed};
use super::world::World;
use crate::charts::roles::rules;
use crate::control_plane::{Identity, eventually};

fn ask(world: &World, who: &Identity, words: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_datashare"));
    program.args(["who-can", "--cluster", "-n", &world.scene.provider, "ownership", "-o", "json"]).args(words);
    program.env("KUBECONFIG", world.plane.kubeconfig(Some(who))).output().unwrap()
}

/// Somebody with one of the chart's roles in these namespaces.
fn persona(world: &World, role: &str, namespaces: &[&String]) -> Identity {
    let who = Identity::user(&format!("{role}@{}", world.own));
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let name = format!("{role}-{}", world.own);
    let own = json!({"metadata": {"name": name}, "rules": rules("ClusterRole", &format!("datashare-{role}"))});
    assert_eq!(world.plane.ask("POST", &format!("{rbac}/clusterroles"), &own).status, 201);
    for namespace in namespaces {
        let binding = json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": who.user}],
        });
        let uri = format!("{rbac}/namespaces/{namespace}/rolebindings");
        assert_eq!(world.plane.ask("POST", &uri, &binding).status, 201);
    }
    who
}

#[test]
fn who_can_read_is_told_to_whom_may_know_and_to_nobody_else() {
    let world = World::new("who-can");
    let _operator = world.operator("a");
    world.guard("guard-0", u64::MAX);
    let (_, grant) = granted(&world, "deed-tax");
    handed(&world, &grant, 1, "");
    world.condition(&grant, "Ready", "True", "Serving");
    let (provider, consumer) = (&world.scene.provider, &world.scene.consumer);
    let auditor = persona(&world, "auditor", &[provider, consumer]);
    let told = |who: &Identity, words: &[&str]| {
        eventually("the role counts", || {
            let output = ask(&world, who, words);
            (output.status.code() == Some(0)).then(|| {
                let rights: Value = serde_json::from_slice(&output.stdout).unwrap();
                (rights, String::from_utf8(output.stderr).unwrap())
            })
        })
    };
    let (rights, said) = told(&auditor, &[]);
    assert_eq!(said, "");
    let right = &rights[0];
    assert_eq!(rights.as_array().unwrap().len(), 1);
    assert_eq!((&right["unit"]["name"], &right["system"]), (&json!("tax"), &json!("deed-tax-system")));
    assert_eq!((&right["fields"], &right["serial"]), (&json!(["owner", "use"]), &json!("S-deed-tax")));
    assert_eq!(right["approvedBy"], json!(["director@registration.jinan"]));
    assert_eq!(right["request"], json!({"namespace": consumer, "name": "deed-tax"}));
    assert_eq!(told(&auditor, &["--field", "use"]).0, rights);
    assert_eq!(told(&auditor, &["--field", "birthday"]).0, json!([]));

    // who sees the decision and not the application is not told whose it is
    let approver = persona(&world, "approver", &[provider]);
    let (rights, said) = told(&approver, &[]);
    assert_eq!((&rights[0]["serial"], rights[0].get("unit")), (&json!("S-deed-tax"), None));
    assert!(said.contains("the requests cannot be read"), "{said}");

    let consumers = persona(&world, "consumer", &[consumer]);
    let output = ask(&world, &consumers, &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot be read") && said.contains("datashare-auditor"), "{said}");

    world.put(&world.scene.revocation("end", &json!({"grant": {"serial": "S-deed-tax"}})));
    eventually("what is over is not told", || (told(&auditor, &[]).0 == json!([])).then_some(()));
}

//! The control plane itself: RBAC holds, kubeconfigs speak for whom they say, controllers work, and nothing outlives
//! the tests however they end.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::control_plane::{Identity, Process, Programs, eventually, shared};

#[test]
fn a_service_account_may_do_what_its_roles_say_and_nothing_else() {
    let plane = shared();
    let namespace = plane.namespace("rbac");
    let guard = Identity::service_account(&namespace, "guard");
    let client = plane.client(Some(&guard));
    let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
    let listed = || plane.ask_as(&client, "GET", &maps, "application/json", &Value::Null);
    let refused = listed();
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.message().contains(&guard.user), "{}", refused.message());

    let rbac = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}");
    let role = json!({"metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]});
    let binding = json!({"metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": "guard"}]});
    assert_eq!(plane.ask("POST", &format!("{rbac}/roles"), &role).status, 201);
    assert_eq!(plane.ask("POST", &format!("{rbac}/rolebindings"), &binding).status, 201);
    eventually("the role counts", || (listed().status == 200).then_some(()));
    let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
    assert_eq!(plane.ask_as(&client, "GET", &secrets, "application/json", &Value::Null).status, 403);
}

#[test]
fn a_kubeconfig_speaks_for_whom_it_names() {
    let plane = shared();
    let whoami = |identity: Option<&Identity>| {
        let mut kubectl = Command::new(Programs::installed().find("kubectl"));
        kubectl.args(["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]);
        let output = kubectl.env("KUBECONFIG", plane.kubeconfig(identity)).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(whoami(None), "admin");
    assert_eq!(whoami(Some(&Identity::user("zhao"))), "zhao");
    let account = Identity::service_account("datashare-system", "operator");
    assert_eq!(whoami(Some(&account)), "system:serviceaccount:datashare-system:operator");
}

#[test]
fn controllers_clear_a_namespace_that_is_deleted() {
    let plane = shared().with_controllers();
    let namespace = plane.namespace("cleared");
    let map = json!({"metadata": {"name": "left"}, "data": {"a": "b"}});
    assert_eq!(plane.ask("POST", &format!("/api/v1/namespaces/{namespace}/configmaps"), &map).status, 201);
    let uri = format!("/api/v1/namespaces/{namespace}");
    assert_eq!(plane.ask("DELETE", &uri, &Value::Null).status, 200);
    eventually("the namespace is gone", || (plane.ask("GET", &uri, &Value::Null).status == 404).then_some(()));
}

#[test]
fn definitions_of_gateway_api_are_there() {
    let folder = Programs::installed().find("gateway-api");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    for kind in ["httproutes", "gateways", "gatewayclasses", "referencegrants", "backendtlspolicies"] {
        let name = format!("gateway.networking.k8s.io_{kind}.yaml");
        assert!(files.iter().any(|file| *file == *name), "no {name} in {files:?}");
    }
    let applied = shared().kubectl(&["apply", "--server-side", "-f", folder.to_str().unwrap()]);
    assert!(applied.ok, "{}", applied.err);
}

/// Set for the copy of this test that is killed.
const HOLDING: &str = "CLUSTER_SUITE_HOLDS";

#[test]
fn a_program_ends_with_the_tests_however_they_end() {
    let program = ["-c", "echo $$; exec sleep 1000"].map(str::to_owned);
    if let Some(folder) = std::env::var_os(HOLDING) {
        let _held = Process::start(Path::new("/bin/sh"), Path::new(&folder), &program);
        loop {
            std::thread::park();
        }
    }
    let root = tempfile::tempdir().unwrap();
    let pid = |folder: &Path| {
        eventually("the program says its number", || {
            fs::read_to_string(folder.join("log")).ok()?.trim().parse::<u32>().ok()
        })
    };
    let gone = |pid: u32, folder: &Path| {
        eventually("program and folder are gone", || {
            (!Path::new(&format!("/proc/{pid}")).exists() && !folder.exists()).then_some(())
        });
    };

    let folder = root.path().join("orderly/program");
    let process = Process::start(Path::new("/bin/sh"), &folder, &program);
    let number = pid(&folder);
    drop(process);
    gone(number, &folder);

    let folder = root.path().join("killed/program");
    let mut copy = Command::new(std::env::current_exe().unwrap());
    copy.args(["--exact", "harness::a_program_ends_with_the_tests_however_they_end"]).env(HOLDING, &folder);
    let mut copy = copy.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let number = pid(&folder);
    copy.kill().unwrap();
    copy.wait().unwrap();
    gone(number, &folder);
}

//! helm as people run it, with no state but its own folder, and what it renders as objects.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::control_plane::{ControlPlane, Programs, Said};

/// Where a chart lies.
pub fn chart(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts").join(name).display().to_string()
}

fn home() -> &'static TempDir {
    static HOME: OnceLock<TempDir> = OnceLock::new();
    HOME.get_or_init(|| tempfile::tempdir().unwrap())
}

/// Runs helm; without a control plane it reaches none.
pub fn helm(plane: Option<&ControlPlane>, arguments: &[&str]) -> Said {
    said(command(plane).args(arguments))
}

/// helm, ready for its arguments.
pub fn command(plane: Option<&ControlPlane>) -> Command {
    let mut command = Command::new(Programs::installed().find("helm"));
    command.env("HOME", home().path()).stdin(Stdio::null());
    for folder in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(folder, home().path().join(folder));
    }
    let kubeconfig = plane.map(|plane| plane.kubeconfig(None));
    command.env("KUBECONFIG", kubeconfig.unwrap_or_else(|| home().path().join("none")));
    command
}

pub fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

/// What a chart makes of values, as text.
pub fn template(name: &str, values: &str) -> Said {
    template_for(super::NAMESPACE, name, values)
}

/// The same for another namespace than the usual one.
pub fn template_for(namespace: &str, name: &str, values: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    fs::write(&file, values).unwrap();
    let file = file.to_str().unwrap();
    helm(None, &["template", name, &chart(name), "--namespace", namespace, "--values", file])
}

/// What a chart makes of values, as objects.
pub fn render(name: &str, values: &str) -> Vec<Value> {
    let said = template(name, values);
    assert!(said.ok, "{values}: {}", said.err);
    objects(&said.out)
}

/// The objects of a stream of YAML documents.
pub fn objects(text: &str) -> Vec<Value> {
    // ours refuses what helm may write, and Kubernetes takes: plain text that begins with a colon
    let documents = serde_yaml::Deserializer::from_str(text);
    let values = documents.map(|document| Value::deserialize(document).unwrap_or_else(|e| panic!("{e}\n{text}")));
    values.filter(|value| !value.is_null()).collect()
}

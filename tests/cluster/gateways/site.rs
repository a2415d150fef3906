//! One installation before any gateway: a control plane of its own with the charts, the Gateway that the routes hang on,
//! and the programs operator and guard with the service accounts and rights of the chart. The Service of the guards
//! leads to the guard that runs here.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use datashare::api::v1alpha1::Kind;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::network::{GATEWAY, get_from};
use super::programs::Program;
use super::{contour, envoy_gateway, example};
use crate::charts::helm::{chart, helm};
use crate::charts::installed::NAMESPACE;
use crate::control_plane::{ControlPlane, Programs, eventually};
use crate::definitions::collection;
use crate::guard::running::Reply;
use crate::operator::world::condition;

pub const API: &str = "/apis/gateway.networking.k8s.io/v1";
/// Where the guard answers; gateways take its usual port themselves.
const GUARD: u16 = 8180;
const URL: &str = "http://share.example";

/// An implementation of Gateway API.
#[derive(Clone, Copy, Debug)]
pub enum Implementation {
    EnvoyGateway,
    Contour,
}

impl Implementation {
    /// What it is called in classes and statuses.
    pub const fn controller(self) -> &'static str {
        match self {
            Self::EnvoyGateway => envoy_gateway::CONTROLLER,
            Self::Contour => contour::CONTROLLER,
        }
    }

    /// Where it opens the Gateway's port 80.
    pub const fn port(self) -> u16 {
        match self {
            Self::EnvoyGateway => envoy_gateway::PORT,
            Self::Contour => contour::PORT,
        }
    }

    fn start(self, site: &Site) -> Vec<Program> {
        match self {
            Self::EnvoyGateway => envoy_gateway::start(site),
            Self::Contour => contour::start(site),
        }
    }
}

/// What stands first goes first.
pub struct Site {
    programs: Vec<Program>,
    pub folder: TempDir,
    pub plane: ControlPlane,
    implementation: Implementation,
}

impl Site {
    pub fn start(implementation: Implementation) -> Self {
        let (plane, folder) = (ControlPlane::start(), tempfile::tempdir().unwrap());
        let mut site = Self { programs: Vec::new(), folder, plane, implementation };
        let definitions = Programs::installed().find("gateway-api");
        site.define(&definitions);
        site.install();
        site.make_gateway();
        let ours = [site.operator(), site.guard()];
        site.programs.extend(implementation.start(&site));
        site.programs.extend(ours);
        site
    }

    fn install(&self) {
        let values = json!({
            "gateway": {"namespace": "gateways", "name": "city", "url": URL},
            "settings": {"site": "jinan-demo", "maxStaleness": "30s", "trustedGateways": [format!("{GATEWAY}/32")]},
            "signers": fs::read_to_string(example::folder().join("allowed_signers")).unwrap(),
        });
        let file = self.write("values.yaml", &values);
        for (name, more) in [("datashare-crds", "--create-namespace"), ("datashare", "--hide-notes")] {
            let words = ["install", name, &chart(name), "--namespace", NAMESPACE, more];
            let values: &[&str] = if name == "datashare" { &["--values", &file] } else { &[] };
            let said = helm(Some(&self.plane), &[&words, values].concat());
            assert!(said.ok, "{}", said.err);
        }
        for namespace in [example::PROVIDER, example::CONSUMER, "gateways"] {
            self.plane.named_namespace(namespace);
        }
        // no pods run here: this is what would be known of one
        self.apply(&json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "datashare-guard-0", "namespace": NAMESPACE,
                "labels": {"kubernetes.io/service-name": "datashare-guard"}},
            "ports": [{"name": "calls", "port": GUARD, "protocol": "TCP"}],
            "endpoints": [{"addresses": [GATEWAY.to_string()], "conditions": {"ready": true}}],
        }));
    }

    fn make_gateway(&self) {
        self.apply(&json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "real"},
            "spec": {"controllerName": self.implementation.controller()},
        }));
        self.apply(&json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": "city", "namespace": "gateways"},
            "spec": {"gatewayClassName": "real", "listeners": [{
                "name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}},
            }]},
        }));
    }

    fn operator(&self) -> Program {
        let words = ["--gateway=gateways/city", "--name=operator-0", "--metrics=127.0.0.1:0"];
        self.ours("operator", &[&words[..], &[&format!("--url={URL}")]].concat())
    }

    fn guard(&self) -> Program {
        let record = self.record().display().to_string();
        let listen = format!("--listen={GATEWAY}:{GUARD}");
        self.ours("guard", &["--name=guard-0", &listen, "--metrics=127.0.0.1:0", "--threads=1", "--log", &record])
    }

    /// One of our own programs, with the token of its service account that its pod would have.
    fn ours(&self, role: &str, words: &[&str]) -> Program {
        let (account, pod) = (format!("datashare-{role}"), format!("{role}-0"));
        let spec = json!({"serviceAccountName": account, "containers": [{"name": role, "image": "datashare"}]});
        let object = json!({"metadata": {"name": pod}, "spec": spec});
        eventually("the service account counts", || {
            let made = self.plane.ask("POST", &format!("/api/v1/namespaces/{NAMESPACE}/pods"), &object);
            (made.status == 201).then_some(())
        });
        let bound = ["--bound-object-kind=Pod", "--bound-object-name", &pod];
        let token =
            self.plane.kubectl(&[&["create", "token", &account, "--namespace", NAMESPACE], &bound[..]].concat());
        assert!(token.ok, "{}", token.err);
        let config = fs::read_to_string(self.plane.kubeconfig(None)).unwrap();
        let mut config: Value = serde_json::from_str(&config).unwrap();
        config["users"][0]["user"]["token"] = json!(token.out.trim());
        let kubeconfig = format!("KUBECONFIG={}", self.write(&format!("{role}.kubeconfig"), &config));
        let program = [env!("CARGO_BIN_EXE_datashare"), role, "--namespace", NAMESPACE];
        let command: Vec<String> = program.iter().chain(words).map(|word| (*word).to_owned()).collect();
        Program::start(&self.folder.path().join(role), &[kubeconfig], &command)
    }

    fn record(&self) -> std::path::PathBuf {
        self.folder.path().join("record/log")
    }

    /// Every entry of the guard's record so far.
    pub fn entries(&self) -> Vec<Value> {
        let streams = datashare::audit::stream_names(&self.record()).unwrap();
        let folder = self.record().join(&streams[0]).join("entries");
        let mut segments: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        segments.sort();
        let text: String = segments.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn write(&self, name: &str, value: &Value) -> String {
        let file = self.folder.path().join(name);
        fs::write(&file, value.to_string()).unwrap();
        file.display().to_string()
    }

    /// As people do it.
    pub fn apply(&self, object: &Value) {
        let file = self.write("object.yaml", object);
        self.apply_files(Path::new(&file));
    }

    /// A file, or all files of a folder.
    pub fn apply_files(&self, place: &Path) {
        let said = self.plane.kubectl(&["apply", "--server-side", "-f", place.to_str().unwrap()]);
        assert!(said.ok, "{}", said.err);
    }

    /// Definitions, until all that they define is found by whoever asks what there is.
    pub fn define(&self, place: &Path) {
        self.apply_files(place);
        let all = self.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").unwrap();
        for definition in all["items"].as_array().unwrap() {
            let (spec, text) = (&definition["spec"], |value: &Value| value.as_str().unwrap().to_owned());
            let version =
                spec["versions"].as_array().unwrap().iter().find(|version| version["served"] == true).unwrap();
            let uri = format!("/apis/{}/{}", text(&spec["group"]), text(&version["name"]));
            eventually(&format!("{uri} has {}", spec["names"]["plural"]), || {
                let found = self.get(&uri)?;
                let mut found = found["resources"].as_array()?.iter();
                found.any(|resource| resource["name"] == spec["names"]["plural"]).then_some(())
            });
        }
    }

    pub fn get(&self, uri: &str) -> Option<Value> {
        let answer = self.plane.ask("GET", uri, &Value::Null);
        (answer.status == 200).then_some(answer.body)
    }

    /// Waits until one of ours says so of itself.
    pub fn ready(&self, kind: Kind, namespace: &str, name: &str, reason: &str) -> Value {
        let uri = format!("{}/{name}", collection(kind, namespace));
        let mut last = Value::Null;
        eventually(&format!("{} {name} is ready: {reason}", kind.name()), || {
            let there = self.get(&uri)?;
            let said = condition(&there, "Ready");
            if said != last {
                println!("{} {name}: {said}", kind.name());
                last = said.clone();
            }
            (said["status"] == "True" && said["reason"] == reason).then_some(there)
        })
    }

    /// A call through the gateway; nothing before it listens.
    pub fn call(&self, from: Ipv4Addr, path: &str, head: &str) -> Option<Reply> {
        let to = SocketAddr::from((GATEWAY, self.implementation.port()));
        self.plane.run(get_from(from, to, path, head))
    }
}

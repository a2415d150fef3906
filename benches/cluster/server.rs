//! The API server: what is installed in it, what it was asked to write, and whether it is still being asked.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hyper::Request;
use serde_json::{Value, json};

use crate::suite::control_plane::{ControlPlane, Programs};
use crate::world;

pub const NAMESPACE: &str = "datashare-system";
const VERBS: [&str; 5] = ["POST", "PUT", "PATCH", "APPLY", "DELETE"];
/// Proofs of life, and what is said to people: neither is part of a grant's way.
const ASIDE: [&str; 2] = ["leases", "events"];

/// Both charts as people install them, with a site and its one signer.
pub fn install(plane: &ControlPlane, folder: &Path, signers: &str) {
    let values = json!({"settings": {"site": world::SITE, "timeZone": "UTC"}, "signers": signers,
        "admission": {"enabled": true}});
    let file = folder.join("values.yaml");
    std::fs::write(&file, values.to_string()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let definitions = Programs::installed().find("gateway-api");
    let said = plane.kubectl(&["apply", "--server-side", "-f", definitions.to_str().unwrap()]);
    assert!(said.ok, "{}", said.err);
    for (name, values) in [("datashare-crds", None), ("datashare", Some(&file))] {
        let mut helm = Command::new(Programs::installed().find("helm"));
        helm.args(["install", name, "--namespace", NAMESPACE, "--create-namespace"])
            .arg(root.join("charts").join(name));
        if let Some(file) = values {
            helm.arg("--values").arg(file);
        }
        helm.env("KUBECONFIG", plane.kubeconfig(None)).env("HOME", folder).stdin(Stdio::null());
        let output = helm.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    for namespace in ["provider", "consumer"] {
        plane.named_namespace(namespace);
    }
}

/// For a program of ours: the token of its service account that its pod would have.
pub fn kubeconfig(plane: &ControlPlane, role: &str) -> PathBuf {
    let (account, pod) = (format!("datashare-{role}"), format!("{role}-0"));
    let spec = json!({"serviceAccountName": account, "containers": [{"name": role, "image": "datashare"}]});
    let object = json!({"metadata": {"name": pod}, "spec": spec});
    // a second one of that name finds it there
    plane.ask("POST", &format!("/api/v1/namespaces/{NAMESPACE}/pods"), &object);
    let words = ["create", "token", &account, "--namespace", NAMESPACE, "--duration=24h"];
    let bound = ["--bound-object-kind=Pod", "--bound-object-name", &pod];
    let token = plane.kubectl(&[&words[..], &bound].concat());
    assert!(token.ok, "{}", token.err);
    let file = plane.kubeconfig(None);
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    config["users"][0]["user"] = json!({"token": token.out.trim()});
    let own = file.with_file_name(format!("{role}.kubeconfig"));
    std::fs::write(&own, config.to_string()).unwrap();
    own
}

/// Writes by what was written, as the server counts them.
pub struct Writes(BTreeMap<String, u64>);

impl Writes {
    pub fn of(plane: &ControlPlane) -> Self {
        let request = Request::get("/metrics").body(Vec::new()).unwrap();
        let text = plane.run(plane.client(None).request_text(request)).unwrap();
        let mut all = BTreeMap::new();
        for line in text.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
            let label = |name: &str| {
                let (_, after) = line.split_once(&format!(",{name}=\""))?;
                after.split('"').next()
            };
            let (verb, resource) = (label("verb").unwrap_or_default(), label("resource").unwrap_or_default());
            // nothing is written by an attempt that is only to tell whether it would succeed
            if label("dry_run").is_some_and(|dry| !dry.is_empty())
                || !VERBS.contains(&verb)
                || ASIDE.contains(&resource)
                || resource.is_empty()
            {
                continue;
            }
            let below = label("subresource").filter(|below| !below.is_empty());
            let what = below.map_or_else(|| resource.to_owned(), |below| format!("{resource}/{below}"));
            let count: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            *all.entry(format!("{what} {}", verb.to_lowercase())).or_default() += count as u64;
        }
        Self(all)
    }

    pub fn since(&self, before: &Self) -> Vec<(String, u64)> {
        let new = |(what, count): (&String, &u64)| (what.clone(), count - before.0.get(what).unwrap_or(&0));
        self.0.iter().map(new).filter(|(_, count)| *count > 0).collect()
    }
}

/// Waits until nothing has been written for this long; gives when the last was, from now.
pub fn quiet(plane: &ControlPlane, still: Duration, longest: Duration) -> Option<Duration> {
    let begun = Instant::now();
    let (mut last, mut at) = (Writes::of(plane), begun);
    while at == begun || at.elapsed() < still {
        if begun.elapsed() > longest {
            return None;
        }
        std::thread::sleep(Duration::from_millis(500));
        let now = Writes::of(plane);
        if !now.since(&last).is_empty() {
            (last, at) = (now, Instant::now());
        }
    }
    Some(at - begun)
}

/// The grants that say that they serve.
pub fn serving(plane: &ControlPlane) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let uri = format!("/apis/datashare.dev/v1alpha1/namespaces/provider/accessgrants?limit=500&continue={next}");
        let page = plane.ask("GET", &uri, &Value::Null).body;
        let serves = |grant: &&Value| {
            let conditions = grant["status"]["conditions"].as_array();
            conditions.into_iter().flatten().any(|said| said["type"] == "Ready" && said["status"] == "True")
        };
        let names = page["items"].as_array().unwrap().iter().filter(serves);
        all.extend(names.map(|grant| grant["metadata"]["name"].as_str().unwrap().to_owned()));
        match page["metadata"]["continue"].as_str() {
            Some(more) if !more.is_empty() => more.clone_into(&mut next),
            _ => return all,
        }
    }
}

/// Status and body of a short answer.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

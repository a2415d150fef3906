//! A control plane of a test's own, that is made to forget, to restart, and to take what it should not.

use std::io::{Read, Write};
use std::net::TcpStream;

use datashare::api::v1alpha1::{Kind, definition};
use datashare::source::change::Version;
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, eventually};
use crate::definitions;

pub struct Outage(ControlPlane);

impl Outage {
    /// With the five kinds.
    pub fn start() -> Self {
        let plane = ControlPlane::start();
        definitions::apply_to(&plane);
        Self(plane)
    }

    pub fn plane(&self) -> &ControlPlane {
        &self.0
    }

    /// The API server goes away and comes back.
    pub fn restart(&self) {
        self.0.restart_api_server();
    }

    /// Makes the store forget everything before a version.
    pub fn compact(&self, version: Version) {
        let body = json!({"revision": version.to_string(), "physical": true}).to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.0.store_port())).unwrap();
        let head = format!(
            "POST /v3/kv/compaction HTTP/1.1\r\nHost: store\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Takes the rules of a kind away, as a definition of another release might have others.
    pub fn accept_anything(&self, kind: Kind) {
        let uri = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}", definition::name(kind));
        let mut held = self.0.ask("GET", &uri, &Value::Null).body;
        let schema = &mut held["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        *schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let answer = self.0.ask("PUT", &uri, &held);
        assert_eq!(answer.status, 200, "{answer:?}");
        let probe = json!({"apiVersion": "datashare.dev/v1alpha1", "kind": kind.name(),
            "metadata": {"name": "probe"}, "spec": {"anything": true}});
        let dry = format!("{}?dryRun=All", definitions::collection(kind, "default"));
        eventually("anything is accepted", || (self.0.ask("POST", &dry, &probe).status == 201).then_some(()));
    }
}

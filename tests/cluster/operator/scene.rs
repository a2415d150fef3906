//! What a test writes: one resource, requests for it, grants that are really signed, and Revocations.

use std::path::Path;

use datashare::api::v1alpha1::common::Mode;
use datashare::api::v1alpha1::{API_VERSION, AccessGrantSpec, DataShareRequestSpec, Kind, SharedResourceSpec};
use datashare::approval::digests;
use datashare::approval::signing::SigningKey;
use datashare::approval::statement::Statement;
use serde_json::{Value, json};

pub const SITE: &str = "test";
const RESOURCE: &str = "ownership";
const UNIT: &str = "11370100DEM000268Y";
const SIGNER: &str = "director@registration.jinan";
const FIELDS: [&str; 2] = ["owner", "use"];

/// The namespaces of one test.
#[derive(Clone, Debug)]
pub struct Scene {
    pub provider: String,
    pub consumer: String,
}

fn key() -> SigningKey {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan/demo-keys");
    SigningKey::open(&folder.join(SIGNER), None, &mut |_| None).unwrap()
}

/// The one person who may approve.
pub fn signers() -> String {
    format!("{SIGNER} namespaces=\"approval@datashare.dev\" {}\n", key().public_line())
}

fn object(kind: Kind, namespace: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": API_VERSION, "kind": kind.name(), "metadata": {"namespace": namespace, "name": name}, "spec": spec})
}

impl Scene {
    pub fn resource(&self) -> Value {
        let field = |name: &&str| json!({"name": name, "title": name, "path": format!("$.data[*].{name}"), "type": "String", "class": "Internal"});
        object(
            Kind::SharedResource,
            &self.provider,
            RESOURCE,
            &json!({
                "title": "ownership", "direction": "Out", "sharing": "Conditional",
                "provider": {"name": "registration", "code": "12370100DEM000284H"},
                "channel": {"tier": "City", "platform": "city platform"},
                "fields": FIELDS.iter().map(field).collect::<Value>(),
                "interface": {"standard": "s", "upstream": {"url": "https://upstream.example/v1", "timeout": "5s"},
                    "operations": [{"name": "by-id", "method": "GET", "path": "/properties/{id}",
                        "parameters": [{"name": "id", "in": "Path", "sensitive": true}]}]},
                "approval": [{"role": "Provider", "principals": [SIGNER], "threshold": 1}],
            }),
        )
    }

    pub fn request(&self, name: &str, recipient: Option<&str>) -> Value {
        let mut applicant = json!({
            "unit": {"name": "tax", "code": UNIT}, "person": "zhou", "phone": "0531-00000117",
            "system": {"name": "deed-tax-system", "sources": ["127.0.0.0/8"]},
        });
        if let Some(recipient) = recipient {
            applicant["recipient"] = recipient.into();
        }
        object(
            Kind::DataShareRequest,
            &self.consumer,
            name,
            &json!({
                "date": "2026-11-12", "applicant": applicant, "receivedBy": "intake@registration.jinan",
                "resourceRef": {"namespace": self.provider, "name": RESOURCE},
                "purpose": "deed tax", "legalBasis": "law",
                "fields": FIELDS, "mode": "Interface", "operations": ["by-id"], "notAfter": "2027-10-31",
                "form": {"uri": "https://scans.example/a.pdf", "sha256": "1".repeat(64)},
                "commitment": {"uri": "https://scans.example/b.pdf", "sha256": "2".repeat(64),
                    "accepts": ["ScopeOnly", "RotateCredentials", "ConsentProof", "NoCopy", "ThirdParty", "Recall", "Handover"]},
            }),
        )
    }

    /// A grant of a request as it was written, signed by the one person who may.
    pub fn grant(&self, name: &str, serial: &str, request: &Value, more: &Value) -> Value {
        let requested: DataShareRequestSpec = serde_json::from_value(request["spec"].clone()).unwrap();
        let resource: SharedResourceSpec = serde_json::from_value(self.resource()["spec"].clone()).unwrap();
        let asked = request["metadata"]["name"].as_str().unwrap();
        let slice = digests::slice(&self.provider, RESOURCE, &resource, &FIELDS, &["by-id"], Mode::Interface).unwrap();
        let mut spec = json!({
            "serial": serial, "decision": "Approved",
            "requestRef": {"namespace": self.consumer, "name": asked,
                "digest": digests::request(&self.consumer, asked, &requested).unwrap().to_string()},
            "resourceRef": {"name": RESOURCE, "digest": slice.to_string()},
            "provider": {"contact": "sun", "phone": "0531-00000100", "email": "s@x.example", "office": "1"},
            "fields": FIELDS, "operations": ["by-id"], "legalBasis": "law",
            "notBefore": "2026-11-20T00:00:00+08:00", "notAfter": "2027-10-31T00:00:00+08:00",
            "credential": {"rotateEvery": "30d", "overlap": "24h"},
        });
        for (member, value) in more.as_object().into_iter().flatten() {
            spec[member] = value.clone();
        }
        let unsigned: AccessGrantSpec = serde_json::from_value(spec.clone()).unwrap();
        let statement = Statement::new(SITE, &self.provider, name, &unsigned).unwrap();
        let at = "2026-11-18T10:00:00+08:00";
        let signature = key().sign(&statement.bytes("Provider", SIGNER, at).unwrap()).unwrap();
        spec["approvals"] =
            json!([{"role": "Provider", "principal": SIGNER, "approvedAt": at, "signature": signature}]);
        object(Kind::AccessGrant, &self.provider, name, &spec)
    }

    pub fn revocation(&self, name: &str, target: &Value) -> Value {
        object(
            Kind::Revocation,
            &self.provider,
            name,
            &json!({
                "target": target, "clause": "4.3.2", "reason": "leak", "decidedBy": "registration",
                "decidedAt": "2026-11-23T10:00:00+08:00",
                "evidence": {"uri": "https://scans.example/r.pdf", "sha256": "3".repeat(64)},
            }),
        )
    }

    pub fn revocation_of_unit(&self, name: &str) -> Value {
        self.revocation(name, &json!({"unit": {"code": UNIT}}))
    }
}

//! A small signed city on a real API server: one resource, and as many granted requests as a test wants. What the
//! operator would write, tombstones and the hashes of tokens, is written by hand.

use datashare::api::v1alpha1::{AccessGrantSpec, DataShareRequestSpec, Kind, SharedResourceSpec};
use datashare::approval::canonical::Digest;
use datashare::approval::digests;
use datashare::approval::signing::SigningKey;
use datashare::approval::statement::Statement;
use datashare::judge::ledger::{LedgerEntry, Scope};
use datashare::source::cluster::{SETTINGS, SIGNERS, TOMBSTONES};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::net::SocketAddr;

use crate::charts::roles::rules;
use crate::control_plane::{ControlPlane, Identity};
use crate::definitions::collection;
use crate::source::{create, map, maps};

const SITE: &str = "test-site";
const SIGNER: &str = "director@registration";
const UNIT: &str = "12370100DEM000284H";
pub const RESOURCE: &str = "property-ownership";
const HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub struct City<'p> {
    pub plane: &'p ControlPlane,
    pub system: String,
    pub provider: String,
    pub consumer: String,
    key: SigningKey,
    public: String,
}

/// What the chart allows a guard outside the product's own namespace.
fn everywhere_rules() -> Value {
    let mut all = rules("ClusterRole", "datashare-guard");
    let audit = rules("ClusterRole", "datashare-guard-audit");
    all.as_array_mut().unwrap().extend(audit.as_array().unwrap().iter().cloned());
    all
}

pub fn days(days: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * days)
}

/// Text of a time without fractions, as people write it.
pub fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl<'p> City<'p> {
    /// Namespaces and roles, and nothing else yet.
    pub fn new(plane: &'p ControlPlane) -> Self {
        let city = Self::around(plane, &plane.namespace("system"));
        city.allow();
        city
    }

    /// Namespaces around the product's own one, where the chart gives the rights.
    pub fn around(plane: &'p ControlPlane, system: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = ssh_key::PrivateKey::random(&mut ssh_key::rand_core::OsRng, ssh_key::Algorithm::Ed25519).unwrap();
        std::fs::write(&path, key.to_openssh(ssh_key::LineEnding::LF).unwrap().as_bytes()).unwrap();
        let key = SigningKey::open(&path, None, &mut |_| None).unwrap();
        let (provider, consumer) = (plane.namespace("provider"), plane.namespace("consumer"));
        let public = key.public_line().clone();
        Self { plane, system: system.to_owned(), provider, consumer, key, public }
    }

    /// The first token of a grant. Guards see every test's grants, so no two tests may have one token.
    pub fn token(&self, grant: &str) -> String {
        format!("token-of-{grant}-{}", self.provider)
    }

    pub fn guard(&self) -> Identity {
        Identity::service_account(&self.system, "datashare-guard")
    }

    fn rbac(&self, kind: &str) -> String {
        format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}/{kind}", self.system)
    }

    fn allow(&self) {
        let everywhere = "/apis/rbac.authorization.k8s.io/v1";
        let name = format!("guard-{}", self.system);
        let subjects = json!([{"kind": "ServiceAccount", "name": "datashare-guard", "namespace": self.system}]);
        let of = |kind: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
        let meta = json!({"name": name});
        let plane = self.plane;
        create(plane, &format!("{everywhere}/clusterroles"), &json!({"metadata": meta, "rules": everywhere_rules()}));
        let binding = json!({"metadata": meta, "roleRef": of("ClusterRole"), "subjects": subjects});
        create(plane, &format!("{everywhere}/clusterrolebindings"), &binding);
        create(plane, &self.rbac("roles"), &json!({"metadata": meta, "rules": rules("Role", "datashare-guard-own")}));
        let kube_system = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system";
        let role = json!({"metadata": meta, "rules": rules("Role", "datashare-guard-audit")});
        create(plane, &format!("{kube_system}/roles"), &role);
        let binding = json!({"metadata": meta, "roleRef": of("Role"), "subjects": subjects});
        create(plane, &format!("{kube_system}/rolebindings"), &binding);
        self.allow_at_home();
    }

    /// What the guard may do in the product's own namespace; the other half is taken for granted.
    pub fn allow_at_home(&self) {
        let name = format!("guard-{}", self.system);
        let subjects = json!([{"kind": "ServiceAccount", "name": "datashare-guard", "namespace": self.system}]);
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name});
        let binding = json!({"metadata": {"name": name}, "roleRef": role, "subjects": subjects});
        create(self.plane, &self.rbac("rolebindings"), &binding);
    }

    pub fn forbid_at_home(&self) {
        let uri = format!("{}/guard-{}", self.rbac("rolebindings"), self.system);
        assert_eq!(self.plane.ask("DELETE", &uri, &Value::Null).status, 200);
    }

    /// Settings and signers.
    pub fn settle(&self, max_staleness: &str) {
        let settings = format!("site: {SITE}\nmaxStaleness: {max_staleness}\n");
        create(self.plane, &maps(&self.system), &map(SETTINGS.0, "settings", SETTINGS.1, &settings));
        let signers = format!("{SIGNER} {}\n", self.public);
        create(self.plane, &maps(&self.system), &map(SIGNERS.0, "signers", SIGNERS.1, &signers));
    }

    /// Changes a text of settings or signers.
    pub fn write(&self, (name, key): (&str, &str), text: &str) {
        let uri = format!("{}/{name}", maps(&self.system));
        let answer = self.plane.ask("PATCH", &uri, &json!({"data": {key: text}}));
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    pub fn signers(&self) -> String {
        format!("{SIGNER} {}\n", self.public)
    }

    /// The resource, whose upstream wants a credential of ours.
    pub fn resource(&self, upstream: SocketAddr) {
        create(self.plane, &collection(Kind::SharedResource, &self.provider), &Self::resource_object(upstream));
    }

    /// The same, with other members.
    pub fn resource_with(&self, upstream: SocketAddr, more: &Value) {
        let mut object = Self::resource_object(upstream);
        for (member, value) in more.as_object().into_iter().flatten() {
            object["spec"][member] = value.clone();
        }
        create(self.plane, &collection(Kind::SharedResource, &self.provider), &object);
    }

    fn resource_object(upstream: SocketAddr) -> Value {
        let field = |name: &str, class: &str| json!({"name": name, "title": name, "path": format!("$.data[*].{name}"), "type": "String", "class": class});
        json!({
            "apiVersion": "datashare.dev/v1alpha1", "kind": "SharedResource", "metadata": {"name": RESOURCE},
            "spec": {
                "title": "不动产权属", "direction": "Out", "sharing": "Conditional",
                "provider": {"name": "登记中心", "code": UNIT}, "channel": {"tier": "City"},
                "fields": [field("ownerName", "Internal"), field("idNumber", "Personal")],
                "interface": {
                    "standard": "test",
                    "upstream": {"url": format!("http://{upstream}/api"), "timeout": "20s",
                        "credential": {"header": "X-App-Key", "secretRef": {"name": "app-key", "key": "token"}}},
                    "operations": [{"name": "by-id", "method": "GET", "path": "/owners/{id}",
                        "parameters": [{"name": "id", "in": "Path", "sensitive": true}]}],
                },
                "approval": [{"role": "Provider", "principals": [SIGNER]}],
            },
        })
    }

    pub fn secret(&self, value: &str) {
        let name = format!("{}.app-key", self.provider);
        let uri = format!("/api/v1/namespaces/{}/secrets", self.system);
        create(self.plane, &uri, &json!({"metadata": {"name": name}, "stringData": {"token": value}}));
    }

    /// A request and its signed grant; neither its tombstone nor its token.
    pub fn grant(&self, name: &str) -> AccessGrantSpec {
        self.grant_with(name, &json!({}))
    }

    /// The same, with more members in its terms.
    pub fn grant_with(&self, name: &str, more: &Value) -> AccessGrantSpec {
        self.grant_signed(name, more, days(-1))
    }

    /// The same, signed then, on a request of nine days before.
    pub fn grant_signed(&self, name: &str, more: &Value, at: Timestamp) -> AccessGrantSpec {
        let request = json!({
            "date": text(at - SignedDuration::from_hours(24 * 9)).get(..10).unwrap(),
            "applicant": {
                "unit": {"name": "税务局", "code": UNIT}, "person": "王", "phone": "1",
                "system": {"name": "契税征管", "sources": ["127.0.0.0/8"]},
            },
            "receivedBy": "intake@registration",
            "resourceRef": {"namespace": self.provider, "name": RESOURCE},
            "purpose": "tax", "fields": ["ownerName"], "mode": "Interface", "operations": ["by-id"],
            "notAfter": text(days(120)).get(..10).unwrap(),
            "form": {"uri": "file:///form", "sha256": HASH},
            "commitment": {"uri": "file:///commitment", "sha256": HASH, "accepts": [
                "ScopeOnly", "RotateCredentials", "ConsentProof", "NoCopy", "ThirdParty", "Recall", "Handover",
            ]},
        });
        let object = json!({"apiVersion": "datashare.dev/v1alpha1", "kind": "DataShareRequest",
            "metadata": {"name": name}, "spec": request});
        create(self.plane, &collection(Kind::DataShareRequest, &self.consumer), &object);
        let request: DataShareRequestSpec = serde_json::from_value(request).unwrap();
        let resource = Self::resource_object(([127, 0, 0, 1], 1).into());
        let resource: SharedResourceSpec = serde_json::from_value(resource["spec"].clone()).unwrap();
        let slice = digests::slice(&self.provider, RESOURCE, &resource, &["ownerName"], &["by-id"], request.mode);
        let digest = digests::request(&self.consumer, name, &request).unwrap();
        let mut spec = json!({
            "serial": format!("serial-{name}"), "decision": "Approved", "provider": {"contact": "李"},
            "requestRef": {"namespace": self.consumer, "name": name, "digest": digest},
            "resourceRef": {"name": RESOURCE, "digest": slice.unwrap()},
            "fields": ["ownerName"], "operations": ["by-id"],
            "notBefore": text(days(-2)), "notAfter": text(days(100)),
        });
        for (member, value) in more.as_object().into_iter().flatten() {
            spec[member] = value.clone();
        }
        let mut spec: AccessGrantSpec = serde_json::from_value(spec).unwrap();
        let at = text(at);
        let statement = Statement::new(SITE, &self.provider, name, &spec).unwrap();
        let signature = self.key.sign(&statement.bytes("Provider", SIGNER, &at).unwrap()).unwrap();
        let approval = json!([{"role": "Provider", "principal": SIGNER, "approvedAt": at, "signature": signature}]);
        spec.approvals = serde_json::from_value(approval).unwrap();
        let object = json!({"apiVersion": "datashare.dev/v1alpha1", "kind": "AccessGrant",
            "metadata": {"name": name}, "spec": spec});
        create(self.plane, &collection(Kind::AccessGrant, &self.provider), &object);
        spec
    }

    /// What the operator writes down before a grant serves.
    pub fn enforce(&self, number: u32, spec: &AccessGrantSpec) {
        let entry = LedgerEntry::Enforced {
            namespace: self.provider.as_str().into(),
            serial: spec.serial.as_str().into(),
            digest: digests::terms(spec).unwrap(),
            scope: Scope { resource: RESOURCE.into(), unit: UNIT.into(), system: "契税征管".into() },
            not_after: spec.not_after.as_ref().unwrap().parse().unwrap(),
            at: Timestamp::now(),
        };
        let name = format!("datashare-tombstones-{number:05}");
        let line = serde_json::to_string(&entry).unwrap() + "\n";
        create(self.plane, &maps(&self.system), &map(&name, TOMBSTONES.0, TOMBSTONES.1, &line));
    }

    /// Makes these the tokens of a grant.
    pub fn credentials(&self, grant: &str, tokens: &[(&str, Option<&str>)]) -> Value {
        let hash = |(token, serial): &(&str, Option<&str>)| {
            let sha256 = Digest::of(token.as_bytes()).to_string();
            let mut hash = json!({"id": token.get(..5).unwrap(), "sha256": sha256.strip_prefix("sha256:").unwrap(),
                "notBefore": text(days(-1)), "notAfter": text(days(50))});
            if let Some(serial) = serial {
                hash["serial"] = json!(serial);
            }
            hash
        };
        let all: Vec<Value> = tokens.iter().map(hash).collect();
        let uri = format!("{}/{grant}/status", collection(Kind::AccessGrant, &self.provider));
        let answer = self.plane.ask("PATCH", &uri, &json!({"status": {"credentials": all}}));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// A grant that serves.
    pub fn serving(&self, name: &str) {
        let spec = self.grant(name);
        self.enforce(1, &spec);
        self.credentials(name, &[(&self.token(name), None)]);
    }

    pub fn revoke(&self, grant: &str) -> Value {
        let object = json!({
            "apiVersion": "datashare.dev/v1alpha1", "kind": "Revocation", "metadata": {"name": format!("end-{grant}")},
            "spec": {"target": {"grant": {"serial": format!("serial-{grant}")}}, "clause": "End", "reason": "over",
                "decidedBy": "office", "decidedAt": text(Timestamp::now())},
        });
        create(self.plane, &collection(Kind::Revocation, &self.provider), &object)
    }

    pub fn path(&self) -> String {
        format!("/{}/{RESOURCE}/owners/370102", self.provider)
    }

    pub fn lease(&self, guard: &str) -> Option<Value> {
        let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/datashare-guard-{guard}", self.system);
        let answer = self.plane.ask("GET", &uri, &Value::Null);
        (answer.status == 200).then_some(answer.body)
    }

    /// How far a guard says it has come.
    pub fn applied(&self, guard: &str, watched: &str) -> u64 {
        let Some(lease) = self.lease(guard) else { return 0 };
        let text = lease["metadata"]["annotations"]["datashare.dev/applied"].as_str().unwrap();
        let applied: Value = serde_json::from_str(text).unwrap();
        applied[watched].as_str().map_or(0, |version| version.parse().unwrap())
    }
}

//! A small world: one resource, one request, one grant that is really signed, and what to make of them.

use datashare::api::v1alpha1::audit_policy::Check;
use datashare::api::v1alpha1::common::Mode;
use datashare::api::v1alpha1::{AccessGrantSpec, DataShareRequestSpec, RevocationSpec, SharedResourceSpec};
use datashare::approval::canonical::Digest;
use datashare::approval::digests;
use datashare::approval::signers::Signers;
use datashare::approval::sshsig;
use datashare::approval::statement::Statement;
use datashare::judge::facts::{Grant, Key, Request, Resource, Revocation, Site};
use datashare::judge::index::{Change, Effects, Index, Standing, TokenHash};
use datashare::judge::ledger::{Ledger, LedgerEntry};
use datashare::judge::permit::Credential;
use datashare::judge::refusal::Code;
use datashare::judge::verdict::Finding;
use ed25519_dalek::Signer as _;
use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};
use serde_json::{Value, json};
use ssh_key::PrivateKey;
use ssh_key::private::{Ed25519Keypair, KeypairData};

pub const PROVIDER: &str = "registration";
pub const UNIT: &str = "11370100DEM000268Y";
pub const SYSTEM: &str = "deed-tax-system";
pub const TOKEN: TokenHash = [7; 32];
const PEOPLE: [(&str, u8); 4] = [("director@jinan", 1), ("share@jinan", 2), ("intake@jinan", 3), ("deputy@jinan", 4)];

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn now() -> Timestamp {
    at("2026-11-24T12:00:00+08:00")
}

pub fn site() -> Site {
    Site { name: "test".into(), time_zone: TimeZone::fixed(offset(8)) }
}

fn private(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "").unwrap()
}

/// `allowed_signers` without the people named.
pub fn signers_without(left_out: &[&str]) -> Signers {
    let lines = PEOPLE.iter().filter(|(name, _)| !left_out.contains(name)).map(|(name, seed)| {
        let public = private(*seed).public_key().to_openssh().unwrap();
        format!("{name} namespaces=\"approval@datashare.dev\" {public}\n")
    });
    let (signers, issues) = Signers::parse(&lines.collect::<String>());
    assert!(issues.is_empty(), "{issues:?}");
    signers
}

/// `allowed_signers` of these principals, keys and options.
pub fn signers_of(listed: &[(&str, u8, &str)]) -> Signers {
    let lines = listed.iter().map(|(name, seed, options)| {
        let public = private(*seed).public_key().to_openssh().unwrap();
        format!("{name} {options}{public}\n")
    });
    Signers::parse(&lines.collect::<String>()).0
}

/// What stands against the scene's grant under these signers, its serial written down.
pub fn judged(scene: &Scene, signers: Signers) -> Option<Finding> {
    let mut index = Index::new(site(), signers, Ledger::default());
    let effects = index.load(scene.changes(), now());
    flush(&mut index, effects);
    match index.standing(&scene.key(), now()).unwrap() {
        Standing::Serves => None,
        Standing::Refused(finding) => Some(finding),
    }
}

pub fn signers() -> Signers {
    signers_without(&[])
}

#[derive(Clone, Debug)]
pub struct Approver {
    pub role: &'static str,
    pub principal: &'static str,
    pub seed: u8,
    pub at: String,
}

impl Approver {
    pub fn new(role: &'static str, principal: &'static str, at: &str) -> Self {
        let seed = PEOPLE.iter().find(|(name, _)| *name == principal).unwrap().1;
        Self { role, principal, seed, at: at.to_owned() }
    }
}

/// What is written before anybody signs. Digests are taken, and signatures made, by [`Scene::grant`].
#[derive(Clone, Debug)]
pub struct Scene {
    pub name: String,
    pub resource: Value,
    pub request: Value,
    pub terms: Value,
    pub approvals: Vec<Approver>,
}

impl Scene {
    pub fn new() -> Self {
        let field = |name: &str, class: &str| json!({"name": name, "title": name, "path": format!("$.data[*].{name}"), "type": "String", "class": class});
        let operation = |name: &str| {
            json!({"name": name, "method": "GET", "path": format!("/{name}/{{id}}"),
                "parameters": [{"name": "id", "in": "Path", "sensitive": true}]})
        };
        Self {
            name: "deed-tax".to_owned(),
            resource: json!({
                "title": "ownership", "direction": "Out", "sharing": "Conditional",
                "provider": {"name": "registration", "code": "12370100DEM000284H"},
                "channel": {"tier": "City", "platform": "city platform"},
                "fields": [field("owner", "Personal"), field("use", "Internal"), field("area", "Internal")],
                "interface": {"standard": "s", "upstream": {"url": "https://upstream.example/v1", "timeout": "5s"},
                    "operations": [operation("by-unit"), operation("by-owner")]},
                "approval": [
                    {"role": "Provider", "principals": ["director@jinan", "deputy@jinan"], "threshold": 1},
                    {"role": "DataAuthority", "principals": ["share@jinan"], "threshold": 1},
                ],
            }),
            request: json!({
                "date": "2026-11-12",
                "applicant": {
                    "unit": {"name": "tax", "code": UNIT}, "person": "zhou", "phone": "0531-00000117",
                    "system": {"name": SYSTEM, "sources": ["10.0.0.0/8"]},
                },
                "receivedBy": "intake@jinan",
                "resourceRef": {"namespace": PROVIDER, "name": "ownership"},
                "purpose": "deed tax", "legalBasis": "law",
                "fields": ["owner", "use"], "mode": "Interface", "operations": ["by-unit"],
                "notAfter": "2027-10-31",
                "form": {"uri": "https://scans.example/a.pdf", "sha256": "1".repeat(64)},
                "commitment": {"uri": "https://scans.example/b.pdf", "sha256": "2".repeat(64),
                    "accepts": ["ScopeOnly", "RotateCredentials", "ConsentProof", "NoCopy", "ThirdParty", "Recall", "Handover"]},
            }),
            terms: json!({
                "serial": "S-1", "decision": "Approved",
                "provider": {"contact": "sun", "phone": "0531-00000100", "email": "s@x.example", "office": "1"},
                "fields": ["owner", "use"], "operations": ["by-unit"], "requires": {"consent": true},
                "notBefore": "2026-11-20T00:00:00+08:00", "notAfter": "2027-10-31T00:00:00+08:00",
            }),
            approvals: vec![
                Approver::new("Provider", "director@jinan", "2026-11-18T10:00:00+08:00"),
                Approver::new("DataAuthority", "share@jinan", "2026-11-19T10:00:00+08:00"),
            ],
        }
    }

    pub fn with_serial(mut self, name: &str, serial: &str) -> Self {
        self.name = name.to_owned();
        self.terms["serial"] = serial.into();
        self
    }

    pub fn key(&self) -> Key {
        Key::new(PROVIDER, self.name.as_str())
    }

    pub fn request_key() -> Key {
        Key::new("tax", "deed-tax")
    }

    pub fn resource_key() -> Key {
        Key::new(PROVIDER, "ownership")
    }

    pub fn resource(&self) -> Resource {
        let spec: SharedResourceSpec = serde_json::from_value(self.resource.clone()).unwrap();
        Resource::read(Self::resource_key(), &spec).unwrap()
    }

    pub fn request(&self) -> Request {
        self.request_as("deed-tax")
    }

    pub fn request_as(&self, name: &str) -> Request {
        let spec: DataShareRequestSpec = serde_json::from_value(self.request.clone()).unwrap();
        Request::read(Key::new("tax", name), &spec).unwrap()
    }

    pub fn grant(&self) -> Grant {
        self.grant_for("deed-tax")
    }

    /// The grant as signed over request and resource as they are now.
    pub fn grant_for(&self, request: &str) -> Grant {
        let mut spec = self.terms.clone();
        let resource: SharedResourceSpec = serde_json::from_value(self.resource.clone()).unwrap();
        let list = |member: &str| -> Vec<String> {
            spec[member].as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
        };
        let mode: Mode = serde_json::from_value(self.request["mode"].clone()).unwrap();
        let slice = digests::slice(PROVIDER, "ownership", &resource, &list("fields"), &list("operations"), mode);
        // where there is no slice, an earlier check refuses
        let slice = slice.unwrap_or_else(|_| Digest::of(b""));
        let digest = self.request_as(request).digest;
        spec["requestRef"] = json!({"namespace": "tax", "name": request, "digest": digest.to_string()});
        spec["resourceRef"] = json!({"name": "ownership", "digest": slice.to_string()});
        let key = self.key();
        let unsigned: AccessGrantSpec = serde_json::from_value(spec.clone()).unwrap();
        let statement = Statement::new("test", &key.namespace, &key.name, &unsigned).unwrap();
        let approvals = self.approvals.iter().map(|a| {
            let private = private(a.seed);
            let data = sshsig::signed_data(&statement.bytes(a.role, a.principal, &a.at).unwrap());
            let signature = private.try_sign(&data).unwrap();
            let blob = private.public_key().to_bytes().unwrap();
            let armoured = sshsig::armour(&blob, &Vec::try_from(signature).unwrap());
            json!({"role": a.role, "principal": a.principal, "approvedAt": a.at, "signature": armoured})
        });
        spec["approvals"] = approvals.collect();
        let spec: AccessGrantSpec = serde_json::from_value(spec).unwrap();
        Grant::read(key, &spec, &site()).unwrap()
    }

    pub fn changes(&self) -> [Change; 3] {
        [Change::Resource(self.resource()), Change::from(self.request()), Change::from(self.grant())]
    }

    /// The scene, serving, with a token of its first grant.
    pub fn serving(&self) -> Index {
        let mut index = Index::new(site(), signers(), Ledger::default());
        let effects = index.load(self.changes(), now());
        flush(&mut index, effects);
        index.add_credentials(&self.key(), &self.grant().serial, [(TOKEN, credential())]);
        assert_eq!(ask(&index), Ok(()));
        index
    }
}

pub fn credential() -> Credential {
    let (from, until) = (at("2026-11-20T00:00:00Z"), at("2027-12-01T00:00:00Z"));
    Credential { id: "c1".into(), not_before: from, not_after: until, rotate_by: until }
}

pub fn revocation(name: &str, target: &Value, resources: Option<&[&str]>) -> Revocation {
    let mut spec = json!({
        "target": target, "clause": "4.3.2", "reason": "leak", "decidedBy": "registration",
        "decidedAt": "2026-11-23T10:00:00+08:00",
        "evidence": {"uri": "https://scans.example/r.pdf", "sha256": "3".repeat(64)},
    });
    if let Some(names) = resources {
        spec["resources"] = json!(names);
    }
    let spec: RevocationSpec = serde_json::from_value(spec).unwrap();
    Revocation::read(Key::new(PROVIDER, name), &spec).unwrap()
}

/// What the shell does: makes facts durable and says so.
pub fn flush(index: &mut Index, effects: Effects) {
    flush_at(index, effects, now());
}

pub fn flush_at(index: &mut Index, effects: Effects, now: Timestamp) {
    let more = index.record(&effects.ledger, now);
    assert!(more.ledger.is_empty(), "{:?}", more.ledger);
}

pub fn apply(index: &mut Index, change: Change) {
    apply_at(index, change, now());
}

pub fn apply_at(index: &mut Index, change: Change, now: Timestamp) {
    let effects = index.apply(change, now);
    flush_at(index, effects, now);
}

/// What a caller with [`TOKEN`] is told now.
pub fn ask(index: &Index) -> Result<(), Code> {
    ask_as(index, None, now())
}

pub fn ask_as(index: &Index, user: Option<&str>, now: Timestamp) -> Result<(), Code> {
    let Some(holder) = index.identify(&TOKEN, user, now) else { return Err(Code::CredentialInvalid) };
    holder.served().map(|_| ()).map_err(|refusal| refusal.code)
}

/// An inspection's suspension of the scene's grant.
pub fn suspended(at: Timestamp) -> LedgerEntry {
    LedgerEntry::Suspended {
        namespace: PROVIDER.into(),
        serial: "S-1".into(),
        check: Check::BulkHarvest,
        by: "default".into(),
        receipt: Some("guard-0/7".into()),
        at,
    }
}

//! A small signed world around one guard: one resource, as many grants as a test wants, a record on
//! a real disk, and a clock that stands still.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;

use datashare::api::v1alpha1::{AccessGrantSpec, DataShareRequestSpec, RevocationSpec, SharedResourceSpec};
use datashare::approval::canonical::Digest;
use datashare::approval::digests;
use datashare::approval::signers::Signers;
use datashare::approval::signing::SigningKey;
use datashare::approval::statement::Statement;
use datashare::audit::upkeep::Standing;
use datashare::audit::{Disk, Log, Options, Recorded, SiteKey, Storage};
use datashare::clock::Clock;
use datashare::delivery::state_dir::StateDir;
use datashare::guard::limits::Limits;
use datashare::guard::retention::Retentions;
use datashare::guard::upstream::Resolver;
use datashare::guard::view::{Proof, View, ViewSettings};
use datashare::guard::{Guard, Parts, accept};
use datashare::judge::facts::{Grant, Key, Request, Resource, Revocation, Site};
use datashare::judge::index::{Change, Index};
use datashare::judge::ledger::Ledger;
use datashare::judge::permit::Credential;
use datashare::redacted::Redacted;
use jiff::{SignedDuration, Timestamp};
use parking_lot::RwLock;
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::record::disk::Moody;

pub const NOW: &str = "2026-11-24T02:00:00Z";
pub const PROVIDER: &str = "jinan-registration";
pub const CONSUMER: &str = "tax-bureau";
pub const RESOURCE: &str = "property-ownership";
pub const UNIT: &str = "12370100DEM000284H";
pub const SITE: &str = "test-site";
pub const SIGNER: &str = "director@registration";
const HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a test may change before the world begins.
pub struct Plan {
    pub upstream: SocketAddr,
    pub resource: Value,
    pub grants: Vec<GrantPlan>,
    pub limits: Limits,
    pub gateways: Vec<String>,
    pub tls: Option<TlsAcceptor>,
    pub threads: usize,
    /// What the record is written to instead of the real disk.
    pub disk: Option<Moody>,
}

/// One request with its grant; both carry the name.
pub struct GrantPlan {
    pub name: String,
    pub request: Value,
    pub grant: Value,
    pub signed: bool,
}

pub struct World {
    pub address: SocketAddr,
    pub guard: Arc<Guard>,
    pub index: Arc<RwLock<Index>>,
    pub clock: Clock,
    pub log: Log,
    pub site_key: SiteKey,
    pub state: StateDir,
    pub stop: CancellationToken,
    pub view: View,
    view_proved: Arc<AtomicI64>,
    key: SigningKey,
    threads: Vec<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

impl Plan {
    /// One resource of this upstream and one grant, `deed-tax`.
    pub fn new(upstream: SocketAddr) -> Self {
        let parameter =
            |name: &str, place: &str, sensitive: bool| json!({"name": name, "in": place, "sensitive": sensitive});
        let resource = json!({
            "title": "不动产权属", "direction": "Out", "sharing": "Conditional",
            "provider": {"name": "登记中心", "code": UNIT},
            "channel": {"tier": "City"},
            "fields": [
                {"name": "ownerName", "title": "权利人", "path": "$.data[*].ownerName", "type": "String", "class": "Internal"},
                {"name": "certificateNumber", "title": "证号", "path": "$.data[*].certificateNumber", "type": "String", "class": "Internal"},
                {"name": "idNumber", "title": "证件号", "path": "$.data[*].idNumber", "type": "String", "class": "Personal"},
            ],
            "interface": {
                "standard": "test",
                "upstream": {"url": format!("http://{upstream}/api"), "timeout": "2s"},
                "operations": [
                    {"name": "by-id", "method": "GET", "path": "/owners/{idNumber}", "parameters": [
                        parameter("idNumber", "Path", true), parameter("year", "Query", false),
                    ]},
                    {"name": "everybody", "method": "GET", "path": "/owners/all"},
                    {"name": "refresh", "method": "POST", "path": "/owners/{idNumber}/refresh", "parameters": [
                        parameter("idNumber", "Path", true),
                    ]},
                ],
            },
            "approval": [{"role": "Provider", "principals": [SIGNER]}],
        });
        Self {
            upstream,
            resource,
            grants: vec![GrantPlan::new("deed-tax")],
            limits: Limits::default(),
            gateways: Vec::new(),
            tls: None,
            threads: 1,
            disk: None,
        }
    }

    pub fn start(self) -> World {
        World::start(self)
    }
}

impl GrantPlan {
    pub fn new(name: &str) -> Self {
        let request = json!({
            "date": "2026-11-02",
            "applicant": {
                "unit": {"name": "税务局", "code": UNIT}, "person": "王", "phone": "1",
                "system": {"name": "契税征管", "sources": ["127.0.0.0/8"]},
            },
            "receivedBy": "intake@registration",
            "resourceRef": {"namespace": PROVIDER, "name": RESOURCE},
            "purpose": "tax", "fields": ["ownerName", "certificateNumber"], "mode": "Interface",
            "operations": ["by-id", "refresh"], "notAfter": "2027-10-31",
            "form": {"uri": "file:///form", "sha256": HASH},
            "commitment": {"uri": "file:///commitment", "sha256": HASH, "accepts": [
                "ScopeOnly", "RotateCredentials", "ConsentProof", "NoCopy", "ThirdParty", "Recall", "Handover",
            ]},
        });
        let grant = json!({
            "serial": format!("serial-{name}"), "decision": "Approved",
            "provider": {"contact": "李"},
            "fields": ["ownerName"], "operations": ["by-id", "refresh"],
            "notBefore": "2026-11-05T00:00:00+08:00", "notAfter": "2027-10-31T00:00:00+08:00",
        });
        Self { name: name.to_owned(), request, grant, signed: true }
    }

    /// Sets a member of the grant.
    pub fn grant(mut self, member: &str, value: Value) -> Self {
        self.grant[member] = value;
        self
    }

    /// Sets a member of the request.
    pub fn request(mut self, member: &str, value: Value) -> Self {
        self.request[member] = value;
        self
    }

    pub fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }

    /// The specs of the request and of its grant, with the digests and the signature that belong to them.
    pub fn signed_by(
        &self,
        key: &SigningKey,
        resource: &SharedResourceSpec,
    ) -> (DataShareRequestSpec, AccessGrantSpec) {
        let request: DataShareRequestSpec = serde_json::from_value(self.request.clone()).unwrap();
        let mut spec = self.grant.clone();
        spec["requestRef"] = json!({
            "namespace": CONSUMER, "name": self.name,
            "digest": digests::request(CONSUMER, &self.name, &request).unwrap(),
        });
        spec["resourceRef"] = json!({"name": RESOURCE, "digest": format!("sha256:{HASH}")});
        let unsigned: AccessGrantSpec = serde_json::from_value(spec.clone()).unwrap();
        let names = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        let (fields, operations) = (names(&unsigned.fields), names(&unsigned.operations));
        let slice = digests::slice(PROVIDER, RESOURCE, resource, &fields, &operations, request.mode).unwrap();
        spec["resourceRef"]["digest"] = json!(slice);
        let mut spec: AccessGrantSpec = serde_json::from_value(spec).unwrap();
        if self.signed {
            let at = "2026-11-04T02:00:00Z";
            let statement = Statement::new(SITE, PROVIDER, &self.name, &spec).unwrap();
            let signature = key.sign(&statement.bytes("Provider", SIGNER, at).unwrap()).unwrap();
            let approval = json!([{"role": "Provider", "principal": SIGNER, "approvedAt": at, "signature": signature}]);
            spec.approvals = serde_json::from_value(approval).unwrap();
        }
        (request, spec)
    }
}

/// The token of a grant's first credential.
pub fn token(grant: &str) -> String {
    format!("token-of-{grant}")
}

pub fn hash(token: &str) -> [u8; 32] {
    *Digest::of(token.as_bytes()).as_bytes()
}

impl World {
    fn start(plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = signing_key(folder.path());
        let clock = Clock::manual(now());
        let state = StateDir::hold(&folder.path().join("state"), folder.path()).unwrap();
        let site_key = SiteKey::new(&Redacted::new([7; 32]));
        let disk: Arc<dyn Storage> = match plan.disk {
            Some(moody) => Arc::new(moody),
            None => Arc::new(Disk),
        };
        let (log, _) = Log::open_on(disk, &state.log(), &Options::default(), clock.clone()).unwrap();
        let site = Site { name: SITE.into(), time_zone: jiff::tz::TimeZone::get("Asia/Shanghai").unwrap() };
        let (signers, issues) = Signers::parse(&format!("{SIGNER} {}\n", key.public_line()));
        assert!(issues.is_empty(), "{issues:?}");
        let index = Arc::new(RwLock::new(Index::new(site, signers, Ledger::default())));

        let view_proved = Arc::new(AtomicI64::new(now().as_microsecond()));
        let gateways = plan.gateways.iter().map(|range| range.parse().unwrap()).collect();
        let settings = ViewSettings { max_staleness: SignedDuration::from_secs(30), trusted_gateways: gateways };
        let view = View::new(settings);
        view.prove(Some(proof(&view_proved)));
        let guard = Guard::new(Parts {
            index: index.clone(),
            view: view.clone(),
            log: log.clone(),
            site_key: site_key.clone(),
            secrets: state.secrets().into(),
            resolver: Resolver { sample: Some(plan.upstream) },
            retentions: Retentions::default(),
            standing: Standing::default(),
            clock: clock.clone(),
            limits: plan.limits,
        });
        let mut world = Self {
            address: ([127, 0, 0, 1], 0).into(),
            guard,
            index,
            clock,
            log,
            site_key,
            state,
            stop: CancellationToken::new(),
            view,
            view_proved,
            key,
            threads: Vec::new(),
            _folder: folder,
        };
        world.put_resource(&plan.resource);
        for grant in &plan.grants {
            world.put_grant(grant);
            world.credential(&grant.name, &token(&grant.name), "2026-11-05T00:00:00Z", "2027-10-30T16:00:00Z");
        }
        world.listen(plan.threads, plan.tls.as_ref());
        world
    }

    fn listen(&mut self, threads: usize, tls: Option<&TlsAcceptor>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        self.address = listener.local_addr().unwrap();
        for _ in 0..threads {
            let (guard, listener, tls) = (self.guard.clone(), listener.try_clone().unwrap(), tls.cloned());
            let stop = self.stop.clone();
            self.threads.push(std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                    tokio::select! {
                        () = accept::serve(guard.clone(), listener, tls, stop) => {}
                        () = guard.relay_receipts() => {}
                    }
                });
            }));
        }
    }

    pub fn put_resource(&self, spec: &Value) {
        let spec: SharedResourceSpec = serde_json::from_value(spec.clone()).unwrap();
        let resource = Resource::read(Key::new(PROVIDER, RESOURCE), &spec).unwrap();
        self.apply(Change::Resource(resource));
    }

    /// Puts a request and its grant, with the digests that belong together.
    pub fn put_grant(&self, plan: &GrantPlan) {
        let resource = self.index.read().resource(&Key::new(PROVIDER, RESOURCE)).unwrap().spec.clone();
        let (request, grant) = plan.signed_by(&self.key, &resource);
        self.apply(Change::from(Request::read(Key::new(CONSUMER, plan.name.as_str()), &request).unwrap()));
        let key = Key::new(PROVIDER, plan.name.as_str());
        let grant = Grant::read(key, &grant, self.index.read().site()).unwrap();
        self.apply(Change::from(grant));
    }

    pub fn credential(&self, grant: &str, token: &str, not_before: &str, not_after: &str) {
        let not_after: Timestamp = not_after.parse().unwrap();
        let credential = Credential {
            id: format!("c-{}", token.len()).into(),
            not_before: not_before.parse().unwrap(),
            not_after,
            rotate_by: not_after,
        };
        let serial = format!("serial-{grant}").into();
        self.index.write().add_credentials(&Key::new(PROVIDER, grant), &serial, [(hash(token), credential)]);
    }

    /// Applies an event, and makes durable what it asks for, as `up` does.
    pub fn apply(&self, change: Change) {
        let now = self.clock.now();
        let mut index = self.index.write();
        let effects = index.apply(change, now);
        index.record(&effects.ledger, now);
    }

    pub fn revoke(&self, name: &str, target: Value) {
        let spec: RevocationSpec = serde_json::from_value(json!({
            "target": target, "clause": "4.3.1", "reason": "test", "decidedBy": "office", "decidedAt": NOW,
        }))
        .unwrap();
        self.apply(Change::Revocation(Revocation::read(Key::new(PROVIDER, name), &spec).unwrap()));
    }

    /// Moves time, the index's timers and the proof of freshness with it.
    pub fn advance(&self, step: SignedDuration) {
        self.clock.advance(step);
        self.prove_view();
        self.index.write().settle(self.clock.now());
    }

    pub fn prove_view(&self) {
        self.view_proved.store(self.clock.now().as_microsecond(), Ordering::SeqCst);
    }

    /// Makes every call panic where it asks how old the view is, or no call any more.
    pub fn panic(&self, on: bool) {
        let proof = proof(&self.view_proved);
        self.view.prove(Some(if on { Arc::new(|| panic!("as the test wants")) } else { proof }));
    }

    /// Where a secret of the provider lies.
    pub fn secret(&self, name: &str, key: &str, value: &str) {
        let path = self.state.secrets().path(PROVIDER, name, key).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, value).unwrap();
    }

    /// The text of every entry on disk, and each by its receipt.
    pub fn entries(&self) -> (String, HashMap<String, Recorded>) {
        let mut text = String::new();
        let folder = self.state.log().join(&**self.log.stream()).join("entries");
        let mut segments: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        segments.sort();
        for segment in segments {
            text.push_str(&std::fs::read_to_string(segment).unwrap());
        }
        let entries = text.lines().map(|line| {
            let entry: Recorded = serde_json::from_str(line).unwrap();
            (format!("{}/{}", entry.stream, entry.index), entry)
        });
        let entries = entries.collect();
        (text, entries)
    }

    /// Stops, and waits until nothing runs any more.
    pub fn finish(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            // a test that fails has said so already
            let _ = thread.join();
        }
    }
}

fn proof(proved: &Arc<AtomicI64>) -> Proof {
    let proved = proved.clone();
    Arc::new(move || Timestamp::from_microsecond(proved.load(Ordering::SeqCst)).unwrap())
}

pub fn signing_key(folder: &Path) -> SigningKey {
    let path = folder.join("key");
    let key = ssh_key::PrivateKey::random(&mut ssh_key::rand_core::OsRng, ssh_key::Algorithm::Ed25519).unwrap();
    std::fs::write(&path, key.to_openssh(ssh_key::LineEnding::LF).unwrap().as_bytes()).unwrap();
    SigningKey::open(&path, None, &mut |_| None).unwrap()
}

//! One test's part of the control plane: namespaces of its own, settings and signers, and operators that run in this
//! process with a service account's rights and a clock that the test moves.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use datashare::api::v1alpha1::Kind;
use datashare::clock::Clock;
use datashare::judge::build::Layout;
use datashare::operator::lease::LeaseError;
use datashare::operator::{OperatorError, Parts, lease, run};
use datashare::source::cluster::told::APPLIED;
use jiff::SignedDuration;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::scene::{SITE, Scene, signers};
use crate::charts::roles::rules;
use crate::control_plane::{ControlPlane, Identity, eventually, eventually_of};
use crate::definitions::{collection, served};

/// The moment a test's clock begins at.
const NOW: &str = "2026-11-24T04:00:00Z";
const STEP: Duration = Duration::from_millis(20);

pub struct World {
    pub plane: &'static ControlPlane,
    pub own: String,
    pub scene: Scene,
    pub clock: Clock,
    pub gateway: Option<(String, String)>,
    pub guard_ca: Option<String>,
    pub pace: lease::Pace,
    /// The operator's kubeconfig, where it is not the usual one.
    pub through: Option<PathBuf>,
    watched: Vec<String>,
    _time: Ticking,
}

/// Time goes on while a test runs.
struct Ticking(CancellationToken, Option<JoinHandle<()>>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.cancel();
        self.1.take().unwrap().join().unwrap();
    }
}

fn ticking(clock: Clock) -> Ticking {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let thread = std::thread::spawn(move || {
        while !stopped.is_cancelled() {
            std::thread::sleep(STEP);
            clock.advance(SignedDuration::try_from(STEP).unwrap());
        }
    });
    Ticking(stop, Some(thread))
}

/// The control plane with everything an operator needs beside the five kinds.
pub fn plane() -> &'static ControlPlane {
    static READY: OnceLock<()> = OnceLock::new();
    let plane = served().with_controllers();
    READY.get_or_init(|| prepare(plane));
    plane
}

/// Gives a control plane that serves the five kinds the rest: routes, and the chart's roles.
pub fn prepare(plane: &ControlPlane) {
    let folder = crate::control_plane::Programs::installed().find("gateway-api");
    let applied = plane.kubectl(&["apply", "--server-side", "-f", folder.to_str().unwrap()]);
    assert!(applied.ok, "{}", applied.err);
    for (kind, name) in [("ClusterRole", "datashare-operator"), ("Role", "datashare-operator-own")] {
        // a Role's rules are bound in many namespaces here, so it stands once for all of them
        let role = json!({"metadata": {"name": format!("{name}-test")}, "rules": rules(kind, name)});
        let made = plane.ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", &role);
        assert_eq!(made.status, 201, "{made:?}");
    }
}

impl World {
    pub fn new(name: &str) -> Self {
        Self::on(plane(), name)
    }

    /// On a control plane that was prepared.
    pub fn on(plane: &'static ControlPlane, name: &str) -> Self {
        let scene =
            Scene { provider: plane.namespace(&format!("{name}-p")), consumer: plane.namespace(&format!("{name}-c")) };
        let watched = vec![scene.provider.clone(), scene.consumer.clone()];
        let world = Self::over(plane, &plane.namespace(&format!("{name}-own")), scene, watched);
        world.settle(SITE, &signers());
        world
    }

    /// Over namespaces that are there.
    pub fn over(plane: &'static ControlPlane, own: &str, scene: Scene, watched: Vec<String>) -> Self {
        let world = Self::bare(plane, own, scene, watched);
        let subject = json!([{"kind": "ServiceAccount", "namespace": world.own, "name": "operator"}]);
        let bind = |uri: &str, name: &str, role: &str| {
            let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role});
            let binding = json!({"metadata": {"name": name}, "roleRef": role, "subjects": subject});
            let made = plane.ask("POST", &format!("/apis/rbac.authorization.k8s.io/v1/{uri}"), &binding);
            assert_eq!(made.status, 201, "{made:?}");
        };
        bind("clusterrolebindings", &world.own, "datashare-operator-test");
        bind(&format!("namespaces/{}/rolebindings", world.own), "operator", "datashare-operator-own-test");
        for (group, resource) in [("datashare.dev", "accessgrants"), ("coordination.k8s.io", "leases")] {
            eventually("the roles count", || world.may_list(group, resource).then_some(()));
        }
        world
    }

    /// Whether the operator may list something in its own namespace.
    fn may_list(&self, group: &str, resource: &str) -> bool {
        let who = self.identity();
        let about = json!({"namespace": self.own, "verb": "list", "group": group, "resource": resource});
        let review = json!({"spec": {"user": who.user, "groups": who.groups, "resourceAttributes": about}});
        let answer = self.plane.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", &review);
        answer.body["status"]["allowed"] == true
    }

    /// The same, where somebody else gives the operator its rights.
    pub fn bare(plane: &'static ControlPlane, own: &str, scene: Scene, watched: Vec<String>) -> Self {
        let clock = Clock::manual(NOW.parse().unwrap());
        Self {
            plane,
            own: own.to_owned(),
            scene,
            gateway: None,
            guard_ca: None,
            pace: lease::Pace::default(),
            through: None,
            watched,
            _time: ticking(clock.clone()),
            clock,
        }
    }

    /// Who the operator is.
    pub fn identity(&self) -> Identity {
        Identity::service_account(&self.own, "operator")
    }

    /// Settings and signers.
    pub fn settle(&self, site: &str, signers: &str) {
        self.map("datashare-settings", "datashare.yaml", &format!("site: {site}\nmaxStaleness: 5s\n"));
        self.map("datashare-signers", "allowed_signers", signers);
    }

    fn map(&self, name: &str, key: &str, text: &str) {
        let map = json!({
            "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "datashare"}}, "data": {key: text},
        });
        let made = self.plane.ask("POST", &format!("/api/v1/namespaces/{}/configmaps", self.own), &map);
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// An operator by that name; the same name is the same process started again.
    pub fn operator(&self, name: &str) -> Running {
        self.operator_that_writes(name, &Writes::default())
    }

    /// An operator whose writes are counted, and whose every request fails once it has made its last. Before that, one that
    /// could not renew its Lease is started anew, as a Deployment does it: a machine that does much else may stand still
    /// for longer than it lasts.
    pub fn operator_that_writes(&self, name: &str, writes: &Writes) -> Running {
        let usual = || self.plane.kubeconfig(Some(&self.identity()));
        let kubeconfig = self.through.clone().unwrap_or_else(usual);
        let (stop, writes) = (CancellationToken::new(), writes.clone());
        let (watch_namespaces, clock, pace, me) =
            (self.watched.clone(), self.clock.clone(), self.pace, name.to_owned());
        let layout = Layout {
            namespace: self.own.clone(),
            service: "datashare-guard".to_owned(),
            port: 8080,
            gateway: self.gateway.clone(),
            guard_ca: self.guard_ca.clone(),
        };
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let ended = loop {
                let (layout, me, clock) = (layout.clone(), me.clone(), clock.clone());
                let (watch_namespaces, stop) = (watch_namespaces.clone(), stopped.child_token());
                let ended = runtime.block_on(async {
                    let client = client(&kubeconfig, writes.clone()).await;
                    let url = "https://share.example".to_owned();
                    let parts = Parts { client, watch_namespaces, layout, url, me, pace, observe: None, clock };
                    run(parts, stop).await
                });
                match ended {
                    Err(OperatorError::Lease(LeaseError::NotRenewed(cause)))
                        if !writes.are_over() && !stopped.is_cancelled() =>
                    {
                        println!("an operator ended: {cause}");
                    }
                    ended => break ended,
                }
            };
            runtime.shutdown_background();
            ended
        });
        Running { stop, thread: Some(thread) }
    }

    pub fn put(&self, object: &Value) -> Value {
        let (uri, name) = place(object);
        eventually("nobody else writes the object at the same moment", || {
            let there = self.plane.ask("GET", &format!("{uri}/{name}"), &Value::Null);
            let answer = if there.status == 404 {
                self.plane.ask("POST", &uri, object)
            } else {
                let mut object = object.clone();
                object["metadata"]["resourceVersion"] = there.body["metadata"]["resourceVersion"].clone();
                self.plane.ask("PUT", &format!("{uri}/{name}"), &object)
            };
            assert!(matches!(answer.status, 200 | 201 | 409), "{answer:?}");
            (answer.status != 409).then_some(answer.body)
        })
    }

    pub fn get(&self, object: &Value) -> Option<Value> {
        let (uri, name) = place(object);
        let answer = self.plane.ask("GET", &format!("{uri}/{name}"), &Value::Null);
        (answer.status == 200).then_some(answer.body)
    }

    pub fn delete(&self, object: &Value) {
        let (uri, name) = place(object);
        let answer = self.plane.ask("DELETE", &format!("{uri}/{name}"), &Value::Null);
        assert!(matches!(answer.status, 200 | 202), "{answer:?}");
    }

    /// Merges into an object, or into its status.
    pub fn patch(&self, object: &Value, below: &str, patch: &Value) {
        let (uri, name) = place(object);
        let answer = self.plane.ask("PATCH", &format!("{uri}/{name}{below}"), patch);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    pub fn secret(&self, request: &str) -> Option<Value> {
        let uri = format!("/api/v1/namespaces/{}/secrets/datashare-{request}", self.scene.consumer);
        let answer = self.plane.ask("GET", &uri, &Value::Null);
        (answer.status == 200).then_some(answer.body)
    }

    /// A guard that has taken in everything up to `version`.
    pub fn guard(&self, name: &str, version: u64) {
        let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.own);
        let version = version.to_string();
        let kinds = Kind::ALL.iter().map(|kind| kind.name()).chain(["ConfigMap"]);
        let applied: Value =
            kinds.map(|kind| (kind.to_owned(), json!(version))).collect::<serde_json::Map<_, _>>().into();
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "namespace": self.own, "labels": {"app.kubernetes.io/component": "guard"},
                "annotations": {APPLIED: applied.to_string()}},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 3600, "renewTime": "2026-11-24T04:00:00.000000Z"},
        });
        let there = self.plane.ask("GET", &format!("{uri}/{name}"), &Value::Null);
        let answer = if there.status == 404 {
            self.plane.ask("POST", &uri, &lease)
        } else {
            self.plane.ask("PATCH", &format!("{uri}/{name}"), &lease)
        };
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    }

    /// Another annotation of a guard's Lease.
    pub fn tells(&self, name: &str, annotation: &str, value: &str) {
        let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{name}", self.own);
        let told = json!({"metadata": {"annotations": {annotation: value}}});
        assert_eq!(self.plane.ask("PATCH", &uri, &told).status, 200);
    }

    pub fn maps(&self) -> Vec<Value> {
        let labels = "labelSelector=app.kubernetes.io/component%3Dtombstones";
        let answer =
            self.plane.ask("GET", &format!("/api/v1/namespaces/{}/configmaps?{labels}", self.own), &Value::Null);
        answer.body["items"].as_array().unwrap().clone()
    }

    /// Everything durable that was written down, as one text.
    pub fn tombstones(&self) -> String {
        let maps = self.maps();
        maps.iter().map(|map| map["data"]["entries.jsonl"].as_str().unwrap_or_default()).collect()
    }

    /// Waits until an object's condition has this status and reason.
    pub fn condition(&self, object: &Value, kind: &str, status: &str, reason: &str) -> Value {
        let (_, name) = place(object);
        let what = format!("{} {name} is {kind}={status} {reason}", object["kind"]);
        eventually_of(&what, |last| {
            let there = self.get(object)?;
            let condition = condition(&there, kind);
            let is = condition["status"] == status && condition["reason"] == reason;
            last.clone_from(&there["status"]);
            is.then_some(there)
        })
    }

    /// Every version of what an operator writes, to see that nothing was written.
    pub fn versions(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for namespace in &self.watched {
            let kinds = Kind::ALL.iter().map(|kind| collection(*kind, namespace));
            let others = [
                format!("/api/v1/namespaces/{namespace}/secrets"),
                format!("/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes"),
                format!("/api/v1/namespaces/{}/configmaps", self.own),
                format!("/apis/gateway.networking.k8s.io/v1beta1/namespaces/{}/referencegrants", self.own),
            ];
            for uri in kinds.chain(others) {
                let answer = self.plane.ask("GET", &uri, &Value::Null);
                for item in answer.body["items"].as_array().unwrap() {
                    let text = |member: &str| item["metadata"][member].as_str().unwrap().to_owned();
                    all.push((format!("{uri}/{}", text("name")), text("resourceVersion")));
                }
            }
        }
        all
    }
}

pub fn condition(object: &Value, kind: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind).cloned().unwrap_or_default()
}

pub fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

/// Collection and name.
fn place(object: &Value) -> (String, String) {
    let text = |name: &str| object["metadata"][name].as_str().unwrap().to_owned();
    let kind = object["kind"].as_str().unwrap();
    (collection(Kind::from_word(kind).unwrap(), &text("namespace")), text("name"))
}

/// An operator that runs.
pub struct Running {
    stop: CancellationToken,
    thread: Option<JoinHandle<Result<(), OperatorError>>>,
}

impl Running {
    /// As SIGTERM does.
    pub fn stop(mut self) {
        self.end().unwrap();
    }

    /// Waits until it ends by itself.
    pub fn ended(mut self) -> Result<(), OperatorError> {
        self.thread.take().unwrap().join().unwrap()
    }

    fn end(&mut self) -> Result<(), OperatorError> {
        self.stop.cancel();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.end();
        }
    }
}

/// Writes of an operator, and the one after which nothing of it reaches the API server any more.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    pub made: Arc<AtomicUsize>,
    pub last: Option<usize>,
    pub seen: Arc<Mutex<Vec<String>>>,
}

impl Writes {
    pub fn only(last: usize) -> Self {
        Self { last: Some(last), ..Self::default() }
    }

    pub fn are_over(&self) -> bool {
        self.last.is_some_and(|last| self.made.load(Ordering::SeqCst) >= last)
    }

    /// Counts a request; Leases and Events are not what is tested.
    fn count(&self, method: &str, uri: &hyper::Uri) {
        let path = uri.path();
        let tries = uri.query().is_some_and(|query| query.contains("dryRun"));
        if method != "GET" && !tries && !path.contains("/leases") && !path.contains("/events") {
            self.made.fetch_add(1, Ordering::SeqCst);
            self.seen.lock().unwrap().push(format!("{method} {path}"));
        }
    }
}

async fn client(kubeconfig: &std::path::Path, writes: Writes) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let layer = tower::layer::layer_fn(move |inner| Dying { inner, writes: writes.clone() });
    ClientBuilder::try_from(config).unwrap().with_layer(&layer).build()
}

/// A way to the API server that is cut after so many writes: the last one arrives there, and its answer never here.
struct Dying<S> {
    inner: S,
    writes: Writes,
}

impl<S, B, R> tower::Service<hyper::Request<B>> for Dying<S>
where
    S: tower::Service<hyper::Request<B>, Response = R, Error = tower::BoxError> + Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
    R: Send + 'static,
{
    type Response = R;
    type Error = tower::BoxError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<R, tower::BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: hyper::Request<B>) -> Self::Future {
        let cut = || Err("this process is dead".into());
        if self.writes.are_over() {
            return Box::pin(async move { cut() });
        }
        self.writes.count(request.method().as_str(), request.uri());
        let (writes, answer) = (self.writes.clone(), self.inner.call(request));
        Box::pin(async move {
            let answer = answer.await;
            if writes.are_over() { cut() } else { answer }
        })
    }
}

//! A real control plane for the suites: etcd and kube-apiserver with RBAC on random ports, once for all tests of this
//! binary, and kube-controller-manager for those that ask for it. Each test keeps to namespaces of its own.
//! Nothing outlives the tests, and a test that fails shows the ends of the logs.

mod access;
mod answer;
mod process;
mod programs;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Request;
use kube::Client;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub use access::Identity;
pub use answer::Answer;
pub use programs::Programs;

use access::Access;
pub use process::{Process, tail};

/// How long anything may take on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Created with the first test and ended with the process.
pub fn shared() -> &'static ControlPlane {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    SHARED.get_or_init(ControlPlane::start)
}

/// Asks again and again until there is an answer, for at most [`PATIENCE`].
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    eventually_of(what, |_| ask())
}

/// The same for a question that tells what it saw last, which is said when there is no answer in time.
pub fn eventually_of<T>(what: &str, mut ask: impl FnMut(&mut Value) -> Option<T>) -> T {
    let (start, mut last) = (Instant::now(), Value::Null);
    loop {
        if let Some(answer) = ask(&mut last) {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}; last: {last:#}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What a program said.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

pub struct ControlPlane {
    access: Access,
    folder: PathBuf,
    audited: bool,
    /// Of the store and of the API server.
    ports: [u16; 2],
    // the last is the first to go
    processes: Mutex<Vec<Process>>,
    controllers: Once,
    runtime: Runtime,
    admin: Client,
    /// Makes names that no other test has.
    names: AtomicU64,
}

impl ControlPlane {
    pub fn start() -> Self {
        Self::start_as(false)
    }

    /// One that writes down who asked for what.
    pub fn start_audited() -> Self {
        Self::start_as(true)
    }

    fn start_as(audited: bool) -> Self {
        // a port that was free may be taken by the time it is used, by anybody on this machine
        for _ in 0..3 {
            match Self::attempt(audited) {
                Ok(plane) => {
                    plane.show_logs_of_failures();
                    return plane;
                }
                Err(log) if log.contains("address already in use") => {}
                Err(log) => panic!("the control plane ended at its start\n{log}"),
            }
        }
        panic!("no free ports");
    }

    fn attempt(audited: bool) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("datashare-control-plane-").tempdir().unwrap().keep();
        let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [store, secure] = ports.map(|port| port.local_addr().unwrap().port());
        let access = Access::new(format!("https://127.0.0.1:{secure}"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let admin = runtime.block_on(access.client(None));
        let (processes, controllers, names) = (Mutex::default(), Once::new(), AtomicU64::default());
        let ports = [store, secure];
        let plane = Self { access, folder, audited, ports, processes, controllers, runtime, admin, names };
        plane.run_program("etcd", &plane.etcd(store));
        plane.run_api_server()?;
        Ok(plane)
    }

    fn run_api_server(&self) -> Result<(), String> {
        let [store, secure] = self.ports;
        self.run_program("kube-apiserver", &self.api_server(store, secure));
        eventually("the API server is ready", || {
            let mut processes = self.processes.lock().unwrap();
            if let Some(ended) = processes.iter_mut().find_map(|process| process.ended().then(|| process.log())) {
                return Some(Err(tail(&ended)));
            }
            let ready = Request::get("/readyz").body(Vec::new()).unwrap();
            self.run(self.admin.request_text(ready)).is_ok().then_some(Ok(()))
        })
    }

    /// Ends the API server and starts it anew over the same store; for a control plane of the test's own, without
    /// controllers.
    pub fn restart_api_server(&self) {
        drop(self.processes.lock().unwrap().pop());
        self.run_api_server().unwrap();
    }

    /// Where the store answers.
    pub fn store_port(&self) -> u16 {
        self.ports[0]
    }

    fn etcd(&self, port: u16) -> Vec<String> {
        let url = format!("http://127.0.0.1:{port}");
        let mut arguments = vec![format!("--data-dir={}", self.folder.join("etcd/data").display())];
        arguments.push(format!("--listen-client-urls={url}"));
        arguments.push(format!("--advertise-client-urls={url}"));
        // a benchmark's objects are more than its usual 2 GiB
        arguments.push("--quota-backend-bytes=17179869184".to_owned());
        // nobody else joins, and nothing of it is needed after a crash
        arguments.extend(["--listen-peer-urls=http://127.0.0.1:0", "--unsafe-no-fsync"].map(str::to_owned));
        arguments
    }

    fn api_server(&self, store: u16, secure: u16) -> Vec<String> {
        let folder = self.folder.join("kube-apiserver");
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, content: &str| {
            fs::write(folder.join(name), content).unwrap();
            folder.join(name).display().to_string()
        };
        let service_accounts = rcgen::KeyPair::generate().unwrap();
        let tokens = format!("{},admin,admin,system:masters\n", self.access.token);
        let signing = file("service-accounts.key", &service_accounts.serialize_pem());
        let mut arguments = vec![
            format!("--etcd-servers=http://127.0.0.1:{store}"),
            format!("--secure-port={secure}"),
            format!("--cert-dir={}", folder.display()),
            format!("--tls-cert-file={}", file("server.crt", &self.access.certificate)),
            format!("--tls-private-key-file={}", file("server.key", &self.access.key)),
            format!("--token-auth-file={}", file("tokens.csv", &tokens)),
            format!("--client-ca-file={}", file("clients.crt", &self.access.authority())),
            format!("--service-account-key-file={}", file("service-accounts.pub", &service_accounts.public_key_pem())),
            format!("--service-account-signing-key-file={signing}"),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
        ];
        if self.audited {
            let policy = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
                "rules": [{"level": "Metadata"}]});
            arguments.push(format!("--audit-policy-file={}", file("audit.yaml", &policy.to_string())));
            arguments.push(format!("--audit-log-path={}", folder.join("audit").display()));
        }
        arguments
    }

    /// Who asked for what so far.
    pub fn audit(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join("kube-apiserver/audit")).unwrap();
        // the last line may be half written
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Starts kube-controller-manager too, once: namespaces then really go away, and owners take what they own along.
    pub fn with_controllers(&self) -> &Self {
        self.controllers.call_once(|| {
            let signing = self.folder.join("kube-apiserver/service-accounts.key");
            self.run_program(
                "kube-controller-manager",
                &[
                    format!("--kubeconfig={}", self.kubeconfig(None).display()),
                    format!("--service-account-private-key-file={}", signing.display()),
                    "--leader-elect=false".to_owned(),
                    // each controller in its own name, as real clusters have it
                    "--use-service-account-credentials=true".to_owned(),
                    "--secure-port=0".to_owned(),
                ],
            );
        });
        self
    }

    fn run_program(&self, name: &str, arguments: &[String]) {
        let program = Programs::installed().find(name);
        let process = Process::start(&program, &self.folder.join(name), arguments);
        self.processes.lock().unwrap().push(process);
    }

    fn show_logs_of_failures(&self) {
        let folder = self.folder.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            before(panic);
            for program in ["etcd", "kube-apiserver", "kube-controller-manager"] {
                eprintln!("{}", tail(&folder.join(program).join("log")));
            }
        }));
    }

    /// Waits for what a test does with a client, on the runtime that all clients live on.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The administrator's client, or somebody else's.
    pub fn client(&self, identity: Option<&Identity>) -> Client {
        match identity {
            None => self.admin.clone(),
            Some(_) => self.run(self.access.client(identity)),
        }
    }

    /// A kubeconfig file for a program under test; it goes away with the control plane.
    pub fn kubeconfig(&self, identity: Option<&Identity>) -> PathBuf {
        let name = identity.map_or("admin", |identity| &identity.user).replace([':', '/'], "-");
        let file = self.folder.join("kube-apiserver").join(format!("{name}.kubeconfig"));
        // written under another name and moved: two tests may want the same one
        let new = file.with_extension(self.names.fetch_add(1, Ordering::Relaxed).to_string());
        fs::write(&new, self.access.kubeconfig(identity).to_string()).unwrap();
        fs::rename(&new, &file).unwrap();
        file
    }

    /// The kubeconfig of somebody with a client certificate.
    pub fn kubeconfig_of_certificate(&self, user: &str, group: &str) -> PathBuf {
        let mut config = self.access.kubeconfig(None);
        let (certificate, key) = self.access.certificate_of(user, group);
        config["users"][0]["user"] = json!({
            "client-certificate-data": STANDARD.encode(certificate), "client-key-data": STANDARD.encode(key),
        });
        let file = self.folder.join("kube-apiserver").join(format!("{user}.certificate.kubeconfig"));
        fs::write(&file, config.to_string()).unwrap();
        file
    }

    /// A new namespace that no other test has.
    pub fn namespace(&self, base: &str) -> String {
        let name = format!("{base}-{}", self.names.fetch_add(1, Ordering::Relaxed));
        self.named_namespace(&name);
        name
    }

    /// A namespace whose name matters: signatures name it. Tests that share it write the same objects there.
    pub fn named_namespace(&self, name: &str) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let answer = self.ask("POST", "/api/v1/namespaces", &namespace);
        assert!(matches!(answer.status, 201 | 409), "{answer:?}");
    }

    /// One request by the administrator; see [`Answer`].
    pub fn ask(&self, method: &str, uri: &str, body: &Value) -> Answer {
        let type_ = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        self.ask_as(&self.admin, method, uri, type_, body)
    }

    pub fn ask_as(&self, client: &Client, method: &str, uri: &str, type_: &str, body: &Value) -> Answer {
        self.run(answer::ask(client, method, uri, type_, body))
    }

    pub fn kubectl(&self, arguments: &[&str]) -> Said {
        let mut kubectl = Command::new(Programs::installed().find("kubectl"));
        kubectl
            .args(arguments)
            .env("KUBECONFIG", self.kubeconfig(None))
            .env("HOME", self.folder.join("kube-apiserver"));
        let output = kubectl.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        let mut processes = self.processes.lock().unwrap();
        while let Some(process) = processes.pop() {
            drop(process);
        }
    }
}

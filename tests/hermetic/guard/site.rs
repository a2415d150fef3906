//! A directory of signed objects on disk, and the whole of `up` over it, by a clock that the test moves.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use datashare::api::v1alpha1::SharedResourceSpec;
use datashare::approval::signing::SigningKey;
use datashare::audit::{LogError, Recorded};
use datashare::cli::up::{self, UpArgs, UpError};
use datashare::clock::Clock;
use datashare::delivery::credentials::{Credentials, Minted};
use datashare::delivery::state_dir::StateError;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::talk::{Caller, Reply, path, with_token};
use super::world::{CONSUMER, PROVIDER, Plan, RESOURCE, SIGNER, SITE, now, signing_key};

/// What a test waits for comes within this time, or never.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Site {
    pub clock: Clock,
    folder: tempfile::TempDir,
}

/// `up` while it runs.
pub struct Up<'s> {
    pub address: SocketAddr,
    site: &'s Site,
    stop: CancellationToken,
    thread: Option<JoinHandle<Result<(), UpError>>>,
}

/// Callers that never pause, with whatever token stands in the slot.
pub struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Vec<Reply>>>,
}

/// Waits for something that other threads bring about.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

impl Site {
    /// Writes the plan's objects as files.
    pub fn new(plan: &Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = signing_key(folder.path());
        let site = Self { clock: Clock::manual(now()), folder };
        std::fs::create_dir(site.root()).unwrap();
        site.write("datashare.yaml", &format!("site: {SITE}\n"));
        site.write("allowed_signers", &format!("{SIGNER} {}\n", key.public_line()));
        site.put("SharedResource", PROVIDER, RESOURCE, &plan.resource);
        for grant in &plan.grants {
            site.put_grant(&key, plan, grant);
        }
        site
    }

    fn put_grant(&self, key: &SigningKey, plan: &Plan, grant: &super::world::GrantPlan) {
        let resource: SharedResourceSpec = serde_json::from_value(plan.resource.clone()).unwrap();
        let (request, spec) = grant.signed_by(key, &resource);
        self.put("DataShareRequest", CONSUMER, &grant.name, &serde_json::to_value(request).unwrap());
        self.put("AccessGrant", PROVIDER, &grant.name, &serde_json::to_value(spec).unwrap());
    }

    pub fn put(&self, kind: &str, namespace: &str, name: &str, spec: &Value) {
        let object = json!({
            "apiVersion": "datashare.dev/v1alpha1", "kind": kind,
            "metadata": {"namespace": namespace, "name": name}, "spec": spec,
        });
        self.write(&format!("{kind}-{name}.yaml"), &object.to_string());
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    /// A place beside the directory of objects.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn set_time_zone(&self, zone: &str) {
        // as an editor saves it: never half a file
        let new = self.beside("datashare.yaml");
        std::fs::write(&new, format!("site: {SITE}\ntimeZone: {zone}\n")).unwrap();
        std::fs::rename(new, self.root().join("datashare.yaml")).unwrap();
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.root().join(file), text).unwrap();
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The tokens of a grant, the oldest first.
    pub fn tokens(&self, grant: &str) -> Vec<Minted> {
        let mut all = Credentials::read(&self.state().join("credentials")).unwrap();
        all.retain(|minted| &*minted.grant.name == grant);
        all
    }

    /// Every entry of the record.
    pub fn entries(&self) -> Vec<Recorded> {
        let mut entries = Vec::new();
        for stream in folders(&self.state().join("log")) {
            let mut segments: Vec<_> =
                std::fs::read_dir(stream.join("entries")).unwrap().map(|segment| segment.unwrap().path()).collect();
            segments.sort();
            for segment in segments {
                let text = std::fs::read_to_string(segment).unwrap();
                entries.extend(text.lines().map(|line| Recorded::parse(line.as_bytes()).unwrap()));
            }
        }
        entries
    }

    /// Starts the whole of `up` in this process. Another test's child may still hold a copy of the state's lock
    /// for the moment between its fork and its exec.
    pub fn up(&self) -> Up<'_> {
        let mut started = None;
        until("the state is free", || {
            started = self.try_up();
            started.is_some()
        });
        started.unwrap()
    }

    fn try_up(&self) -> Option<Up<'_>> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let args = UpArgs {
            directory: self.root(),
            listen: any,
            metrics: any,
            state: self.state(),
            threads: Some(2),
            tls_cert: None,
            tls_key: None,
        };
        let (reader, mut writer) = std::io::pipe().unwrap();
        let (clock, stop) = (self.clock.clone(), CancellationToken::new());
        let ended = stop.clone();
        let thread = std::thread::spawn(move || {
            up::serve(&args, &clock, &mut writer, || Ok(async move { ended.cancelled().await }))
        });
        let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
        let Some(ready) = lines.find_map(|line| line.strip_prefix("ready http://").map(str::to_owned)) else {
            match thread.join().unwrap() {
                Err(UpError::State(StateError::InUse { .. }) | UpError::Log(LogError::Locked { .. })) => return None,
                other => panic!("{other:?}"),
            }
        };
        // the rest of the page is read, so that nothing blocks on it
        std::thread::spawn(move || lines.for_each(drop));
        Some(Up { address: ready.parse().unwrap(), site: self, stop, thread: Some(thread) })
    }
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(path).unwrap().map(|item| item.unwrap().path());
    all.filter(|path| path.is_dir()).collect()
}

impl Up<'_> {
    /// `GET` of the usual call with a token.
    pub fn get(&self, token: &str) -> Reply {
        self.ask(&format!("GET {}", path("1")), token)
    }

    pub fn ask(&self, line: &str, token: &str) -> Reply {
        let mut caller = Caller::connect(self.address);
        caller.send(with_token(line, token, "").as_bytes());
        caller.read().unwrap()
    }

    pub fn about(&self, token: &str) -> Value {
        let reply = self.ask("GET /.well-known/datashare/grant", token);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    /// Moves time by less than makes the view stale, and waits until the directory was looked at again.
    pub fn advance(&self, step: SignedDuration) {
        self.site.clock.advance(step);
        until("fresh again", || self.ask("GET /x", "nobody").code() != "view-stale");
    }

    pub fn advance_to(&self, time: Timestamp) {
        self.advance(time.duration_since(self.site.clock.now()));
    }

    /// Callers that go on until they are stopped.
    pub fn load(&self, token: &Arc<Mutex<String>>, callers: usize) -> Load {
        let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let threads = (0..callers).map(|_| {
            let (address, token, over, answered) = (self.address, token.clone(), over.clone(), answered.clone());
            std::thread::spawn(move || {
                let mut caller = Caller::connect(address);
                let mut replies = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let token = token.lock().clone();
                    caller.send(with_token(&format!("GET {}", path("1")), &token, "").as_bytes());
                    replies.push(caller.read().unwrap());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                replies
            })
        });
        Load { threads: threads.collect(), over, answered }
    }

    /// Stops as a signal does.
    pub fn stop(mut self) -> Result<(), UpError> {
        self.stop.cancel();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Load {
    /// Waits for so many more answers.
    pub fn go_on(&self, calls: usize) {
        let goal = self.answered.load(Ordering::Relaxed) + calls;
        until("calls", || self.answered.load(Ordering::Relaxed) >= goal);
    }

    /// Stops, and gives every answer.
    pub fn end(self) -> Vec<Reply> {
        self.over.store(true, Ordering::Relaxed);
        self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // a test that fails has said so already
            let _ = thread.join();
        }
    }
}

//! `datashare guard`: one of the guards of a cluster. It follows the objects through the API server,
//! answers behind the gateway what their approvals let out, and vouches in its Lease for how far it has come.

mod following;

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use kube::{Client, Config};
use parking_lot::RwLock;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use crate::api::v1alpha1::validate::syntax::dns_label;
use crate::approval::signers::Signers;
use crate::audit::checkpoint::Signed;
use crate::audit::query::QueryError;
use crate::audit::upkeep::Upkeep;
use crate::audit::{Entry, Event, Evidence, Log, LogError, Options, Parameter, SiteKey, SiteKeyError};
use crate::cli::audit::SITE_KEY;
use crate::cli::inspecting;
use crate::cli::keeper::{Keeper, KeeperError};
use crate::cli::serving::{self, Doors, Listeners, RecordLost, ServingError};
use crate::clock::Clock;
use crate::delivery::state_dir::NOTARY;
use crate::guard::inquiry::Inquiry;
use crate::guard::inquiry::certificate::{CertificateError, Own};
use crate::guard::inquiry::wire::{DOOR, Door};
use crate::guard::inspecting::{Inspector, Orders, Suspend, Telling, elsewhere};
use crate::guard::lease::{GuardLease, LeaseError};
use crate::guard::limits::Limits;
use crate::guard::retention::Retentions;
use crate::guard::upstream::{ClusterSecrets, Resolver, Secrets};
use crate::guard::used::Used;
use crate::guard::view::View;
use crate::guard::{Guard, Parts};
use crate::judge::facts::Site;
use crate::judge::index::Index;
use crate::judge::ledger::{Ledger, LedgerEntry};
use crate::settings::Settings;
use crate::source::cluster::Scope;
use crate::source::cluster::told::STREAM;
use crate::telemetry;
use following::Following;

/// Connecting to the API server takes no longer.
const CONNECT: Duration = Duration::from_secs(5);

/// Answer calls in a cluster, as one of the guards behind its gateway.
#[derive(Debug, Args)]
#[command(
    after_help = "Runs in a pod; elsewhere the current context of the kubeconfig is used:\n  datashare guard --name guard-0 --log /var/lib/datashare/log"
)]
pub struct GuardArgs {
    /// Namespace of the product itself: settings, signers, tombstones and Leases
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE", default_value = "datashare-system", value_parser = label)]
    pub namespace: String,
    /// Name of this guard among all guards, in its Lease
    #[arg(long, value_name = "POD", env = "POD_NAME", value_parser = label)]
    pub name: String,
    /// Where the guard answers
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Where metrics and health are answered
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9464")]
    pub metrics: SocketAddr,
    /// Where auditors may ask for entries of the record, over TLS; absent: nowhere
    #[arg(long, value_name = "ADDRESS")]
    pub audit: Option<SocketAddr>,
    /// Address at which they reach this guard, as its Lease tells them; absent: the one listened on, if it is one
    #[arg(long, value_name = "IP", env = "POD_IP")]
    pub audit_address: Option<IpAddr>,
    /// Where the record is kept, on a volume that outlives the pod
    #[arg(long, value_name = "DIR", default_value = "/var/lib/datashare/log")]
    pub log: PathBuf,
    /// Stream of the record; absent: the one this guard has there, or a new one, with its name and a random end
    #[arg(long, value_name = "NAME")]
    pub stream: Option<String>,
    /// Key with which sensitive values are hashed in the record, the same for all guards of a site (a mounted Secret);
    /// absent: a key of this guard's own, beside the record
    #[arg(long, value_name = "FILE")]
    pub site_key: Option<PathBuf>,
    /// Namespaces whose objects count; absent: all of them
    #[arg(long, value_name = "NAMESPACES", value_delimiter = ',', value_parser = label)]
    pub watch_namespaces: Vec<String>,
    /// Worker threads; absent: one a core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Certificate chain (PEM) with which the guard speaks TLS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

/// The guard cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    #[error(transparent)]
    Serving(#[from] ServingError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    SiteKey(#[from] SiteKeyError),
    #[error("the system gives no thread, event loop or file: {0}")]
    System(#[from] std::io::Error),
    #[error("no API server: {0}; run in a pod with a service account, or name one in KUBECONFIG")]
    Server(String),
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    #[error("today's calls cannot be counted from the record, so no quota would hold: {0}")]
    Usage(#[from] QueryError),
    #[error("the thread that follows the cluster ended")]
    Followed,
    #[error(transparent)]
    Record(#[from] RecordLost),
}

impl GuardError {
    /// Whether what was named cannot be read, as against a machine or a cluster that refuses.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Serving(ServingError::Tls { .. }) | Self::Server(_))
    }
}

impl GuardArgs {
    fn doors(&self) -> Doors<'_> {
        Doors {
            listen: self.listen,
            metrics: self.metrics,
            threads: self.threads,
            tls: self.tls_cert.as_deref().zip(self.tls_key.as_deref()),
        }
    }

    fn open(&self, clock: &Clock) -> Result<Log, LogError> {
        let (stream, owner) = (self.stream.clone(), Some(self.name.clone()));
        let evidence = Some(Evidence::new(&self.log.with_file_name(NOTARY)));
        let options = Options { stream, owner, evidence, ..Options::default() };
        Log::open(&self.log, &options, clock.clone()).map(|(log, _recovery)| log)
    }

    fn site_key(&self) -> Result<SiteKey, SiteKeyError> {
        match &self.site_key {
            Some(path) => SiteKey::load(path),
            None => SiteKey::load_or_create(&self.log.with_file_name(SITE_KEY)),
        }
    }
}

/// The world before anything was read.
fn nothing_known() -> (Arc<RwLock<Index>>, View) {
    let unknown = Settings::unknown();
    let site = Site { name: unknown.site.as_str().into(), time_zone: unknown.time_zone.clone() };
    let index = Index::new(site, Signers::default(), Ledger::default());
    (Arc::new(RwLock::new(index)), View::new((&unknown).into()))
}

/// Who seals, archives and removes, by the policies in force.
fn keep(
    folder: &Path,
    log: &Log,
    clock: &Clock,
    retentions: &Retentions,
    index: &Arc<RwLock<Index>>,
) -> Result<Upkeep, GuardError> {
    let (policies, judged) = (retentions.clone(), index.clone());
    let ask = Box::new(move || policies.keeping(judged.read().site()));
    let upkeep = Upkeep::open(folder, log.clone(), clock.clone(), ask)?;
    upkeep.standing().tell(|line| tracing::warn!("{line}"));
    Ok(upkeep)
}

/// Serves until a signal or until it must not go on.
pub fn run(args: &GuardArgs, out: &mut dyn Write) -> Result<(), GuardError> {
    telemetry::begin();
    let clock = Clock::system();
    // everything that can be wrong with the machine is found before the long part
    let listeners = Listeners::bind(&args.doors())?;
    let door = args.audit.map(|address| audit_door(address, args.audit_address)).transpose()?;
    let log = args.open(&clock)?;
    // watches, Lease and proofs go on while a large change is judged
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let client = runtime.block_on(connect())?;

    let ((index, view), retentions) = (nothing_known(), Retentions::default());
    let upkeep = keep(&args.log, &log, &clock, &retentions, &index)?;
    let secrets = ClusterSecrets::new(client.clone(), &args.namespace, runtime.handle().clone());
    let guard = Guard::new(Parts {
        index: index.clone(),
        view: view.clone(),
        log: log.clone(),
        site_key: args.site_key()?,
        secrets: Secrets::Cluster(Box::new(secrets)),
        resolver: Resolver::default(),
        retentions: retentions.clone(),
        standing: upkeep.standing(),
        clock: clock.clone(),
        limits: Limits::of_process(),
    });
    let (telling, orders) = (Telling::default(), Orders::default());
    let mut lease =
        GuardLease::new(&client, &args.namespace, &args.name, view.clone(), clock.clone(), log.published())?
            .keeping(upkeep.standing())
            .inspecting(telling.clone())
            .counting(Used::of(guard.clone()))
            .telling(STREAM, log.stream().to_string())
            .missing(missed(&log));
    let (stop, answered) = (CancellationToken::new(), CancellationToken::new());
    if let Some((listener, told, own)) = door {
        lease = lease.telling(DOOR, serde_json::to_string(&told).unwrap_or_default());
        let inquiry = Inquiry::new(guard.clone(), client.clone(), args.log.clone(), own);
        let listener = runtime.block_on(async { tokio::net::TcpListener::from_std(listener) })?;
        runtime.spawn(inquiry.serve(listener, stop.clone()));
    }
    let lease = Arc::new(lease);
    let scope = Scope { namespace: args.namespace.clone(), watch_namespaces: args.watch_namespaces.clone() };
    let (suspend, suspensions) = suspending(&telling);
    let stopping = stop.clone();
    let inspector = Inspector {
        index: index.clone(),
        orders: orders.clone(),
        log: log.clone(),
        folder: args.log.clone(),
        retentions: retentions.clone(),
        view: view.clone(),
        clock: clock.clone(),
        figures: guard.inspections().clone(),
        suspend,
        stopping: Box::new(move || stopping.is_cancelled()),
        telling: telling.clone(),
        elsewhere: Some(elsewhere(client.clone(), runtime.handle().clone())),
        begun: clock.now(),
        past: None,
    };
    let (seen, ticks) = (view.clone(), clock.clone());
    let fresh = move || seen.is_fresh(ticks.now());
    let following = Following {
        client,
        scope,
        guard: guard.clone(),
        keeper: Keeper::new(index, clock.clone()),
        view: view.clone(),
        retentions,
        lease: lease.clone(),
        clock,
        log: args.log.clone(),
        record: log.clone(),
        orders,
        telling: telling.clone(),
        suspensions,
    };
    let (handle, ended, over) = (runtime.handle().clone(), stop.clone(), answered.clone());
    let followed = std::thread::Builder::new().name("following".to_owned()).spawn(move || {
        let result = handle.block_on(following.run(&over));
        // without this thread the view is stale, and the process ends
        view.prove(None);
        ended.cancel();
        result
    })?;
    let upkeep = upkeep.start()?;
    let inspecting = inspecting::start(inspector, fresh, stop.clone());
    let served = listeners.serve(&guard, None, &stop, serving::a_signal, |base| {
        writeln!(out, "guard {} on {base}", args.name)?;
        out.flush()
    });
    // open calls have ended, each by the newest view; whoever waits for this guard need not wait any longer
    answered.cancel();
    let followed = followed.join();
    stop.cancel();
    telling.end();
    inspecting.thread().unpark();
    // a panic there has recorded nothing, and is done again
    let _ = inspecting.join();
    runtime.block_on(lease.release());
    upkeep.stop();
    let recorded = serving::close(&log);
    // the checkpoint of the stop
    runtime.block_on(lease.bequeath());
    served?;
    recorded?;
    followed.unwrap_or(Err(GuardError::Followed))
}

/// How an inspection suspends, and what whoever follows the cluster lets hold at once.
fn suspending(telling: &Telling) -> (Suspend, Receiver<Vec<LedgerEntry>>) {
    let (in_force, suspensions) = tokio::sync::mpsc::channel(1);
    let suspend = telling.suspend(move |entries| {
        // whoever follows has ended, and the process does too
        let _ = in_force.blocking_send(entries.to_vec());
    });
    (suspend, suspensions)
}

/// Records that another record was here, of which this disk knows nothing or less.
fn missed(log: &Log) -> impl FnOnce(Signed) + Send + 'static {
    let log = log.clone();
    move |lost| {
        let lost = lost.checkpoint;
        tracing::warn!(origin = lost.origin, entries = lost.size, "a record that this guard had is not on this disk");
        let (number, entries) = (lost.number.to_string(), lost.size.to_string());
        let named = [("origin", lost.origin.as_str()), ("checkpoint", &number), ("entries", &entries)];
        let parameters: Vec<_> = named.into_iter().map(|(name, value)| Parameter { name, value }).collect();
        let entry = Entry::<&str> { code: Some("record-lost"), parameters: &parameters, ..Entry::new(Event::Audit) };
        // also while calls are refused for want of space: it is about the record itself
        if let Err(error) = log.append_own(&entry) {
            tracing::error!("the record does not say that another was lost: {error}");
        }
    }
}

/// Where auditors are answered, and what is told of it.
fn audit_door(address: SocketAddr, reached: Option<IpAddr>) -> Result<(TcpListener, Door, Own), GuardError> {
    let listener = serving::bind(address, "--audit", false)?;
    let bound = listener.local_addr()?;
    tracing::info!("auditors on https://{bound}");
    let own = Own::make()?;
    let reached = reached.unwrap_or(bound.ip());
    let address = (!reached.is_unspecified()).then(|| SocketAddr::new(reached, bound.port()));
    let door = Door { address, certificate: own.pem.clone() };
    Ok((listener, door, own))
}

async fn connect() -> Result<Client, GuardError> {
    let mut config = Config::infer().await.map_err(|error| GuardError::Server(error.to_string()))?;
    config.connect_timeout = Some(CONNECT);
    Client::try_from(config).map_err(|error| GuardError::Server(error.to_string()))
}

/// A name as Kubernetes takes it, and as a path takes it.
pub(super) fn label(text: &str) -> Result<String, String> {
    if dns_label(text) {
        return Ok(text.to_owned());
    }
    Err("use 1 to 63 lowercase letters, digits and '-', with a letter or digit at both ends".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::audit::checkpoint::Checkpoint;
    use crate::audit::note::SigningKey;

    use super::*;

    #[test]
    fn a_lost_record_is_told_of_while_calls_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let options = Options { reserve_bytes: u64::MAX, ..Options::default() };
        let (log, _) = Log::open(folder.path(), &options, clock.clone()).unwrap();
        assert!(log.append_blocking(&Entry::<&str>::new(Event::Call)).is_err());
        let key = SigningKey::generate("jinan/guard-0").unwrap();
        let (origin, time) = ("jinan/guard-0".to_owned(), clock.now());
        let checkpoint = Checkpoint { origin, size: 7, root: [7; 32], number: 3, interim: false, time };
        missed(&log)(checkpoint.sign(&[&key]));
        let segments = folder.path().join(&**log.stream()).join("entries");
        let written = std::fs::read_to_string(segments.join(format!("{:020}.jsonl", 0))).unwrap();
        assert!(written.contains("record-lost"), "{written}");
        log.close().unwrap();
    }
}

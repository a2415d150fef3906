//! `datashare up`: the product without Kubernetes. A directory instead of a cluster, a state
//! directory instead of Secrets; everything that decides is the same.

mod sampling;
mod watcher;
mod welcome;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;

use crate::approval::signers::Signers;
use crate::audit::upkeep::Upkeep;
use crate::audit::{Evidence, Log, LogError, Options, SiteKey, SiteKeyError, query};
use crate::cli::audit::SITE_KEY;
use crate::cli::inspecting;
use crate::cli::keeper::{First, Keeper, KeeperError};
use crate::cli::serving::{self, Doors, Listeners, RecordLost, ServingError};
use crate::cli::world::site;
use crate::clock::Clock;
use crate::delivery::credentials::{CredentialError, Credentials};
use crate::delivery::journal::JournalError;
use crate::delivery::state_dir::{self, StateDir, StateError};
use crate::delivery::tombstones::Tombstones;
use crate::guard::inspecting::{Inspector, Orders, Telling};
use crate::guard::limits::Limits;
use crate::guard::retention::Retentions;
use crate::guard::upstream::Resolver;
use crate::guard::view::View;
use crate::guard::{Guard, Parts};
use crate::judge::index::Index;
use crate::settings::Settings;
use crate::source::change::SourceChange;
use crate::source::live::{Live, LiveError};
use sampling::Sampling;
use watcher::Watcher;

/// Serve a directory of objects on this machine, without Kubernetes.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  datashare up examples/jinan\n\nA second terminal in the same place can run 'datashare get ag' and 'datashare token NAMESPACE/REQUEST'."
)]
pub struct UpArgs {
    /// Directory with datashare.yaml, allowed_signers and the objects
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Where the guard answers
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where metrics and health are answered
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    pub metrics: SocketAddr,
    /// Where record, credentials and tombstones are kept
    #[arg(long, value_name = "DIR", default_value = state_dir::DEFAULT)]
    pub state: PathBuf,
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

/// `up` cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Live(#[from] LiveError),
    #[error("{0}")]
    Settings(String),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    SiteKey(#[from] SiteKeyError),
    #[error(transparent)]
    Tombstones(#[from] JournalError),
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    #[error("today's calls cannot be counted from the record, so no quota would hold: {0}")]
    Usage(#[from] query::QueryError),
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    #[error(transparent)]
    Serving(#[from] ServingError),
    #[error(transparent)]
    Record(#[from] RecordLost),
    #[error("the record cannot be kept: {0}")]
    Upkeep(#[source] std::io::Error),
    #[error("cannot write to the terminal: {0}")]
    Terminal(#[from] std::io::Error),
}

impl UpError {
    /// Whether what was named cannot be read, as against a machine or a state that refuses.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Live(_) | Self::Settings(_) | Self::Serving(ServingError::Tls { .. }))
    }
}

impl UpArgs {
    fn doors(&self) -> Doors<'_> {
        Doors {
            listen: self.listen,
            metrics: self.metrics,
            threads: self.threads,
            tls: self.tls_cert.as_deref().zip(self.tls_key.as_deref()),
        }
    }
}

/// Serves until a signal or until it must not go on.
pub fn run(args: &UpArgs, out: &mut dyn Write) -> Result<(), UpError> {
    serve(args, &Clock::system(), out, serving::a_signal)
}

/// The same by any clock, until what `until` gives resolves; it is called once when everything listens.
pub fn serve<F: Future<Output = ()>>(
    args: &UpArgs,
    clock: &Clock,
    out: &mut dyn Write,
    until: impl FnOnce() -> std::io::Result<F>,
) -> Result<(), UpError> {
    // everything that can be wrong with the machine is found before the long part
    let state = StateDir::hold(&args.state, &args.directory)?;
    let listeners = Listeners::bind(&args.doors())?;
    let sample = Listeners::sample()?;
    let now = clock.now();
    let (tombstones, ledger) = Tombstones::open(&state.tombstones(), now)?;
    let credentials = Credentials::open(&state.credentials(), now)?;
    let site_key = SiteKey::load_or_create(&state.path().join(SITE_KEY))?;
    let (log, _recovery) = Log::open(&state.log(), &options(&state), clock.clone())?;
    let mut said = Vec::new();
    let (retentions, orders) = (Retentions::default(), Orders::default());
    let (live, first, settings) = first(args, clock, &retentions, &orders, &mut said)?;
    for line in said {
        eprintln!("{line}");
    }
    log.set_site(&settings.site);
    log.set_checkpoint_every(retentions.checkpoint_every());
    let index = Arc::new(RwLock::new(Index::new(site(&settings), Signers::default(), ledger)));
    let view = View::new((&settings).into());
    let mut keeper = Keeper::with_state(index.clone(), tombstones, credentials, settings, clock.clone());
    keeper.first(first)?;
    let sampling = Sampling::new(&index);
    let (policies, judged) = (retentions.clone(), index.clone());
    let ask = Box::new(move || policies.keeping(judged.read().site()));
    let upkeep = Upkeep::open(&state.log(), log.clone(), clock.clone(), ask).map_err(UpError::Upkeep)?;
    upkeep.standing().tell(|line| eprintln!("{line}"));
    let guard = Guard::new(Parts {
        index: index.clone(),
        view: view.clone(),
        log: log.clone(),
        site_key,
        secrets: state.secrets().into(),
        resolver: Resolver { sample: Some(sample.address) },
        retentions: retentions.clone(),
        standing: upkeep.standing(),
        clock: clock.clone(),
        limits: Limits::of_process(),
    });
    guard.count_today(&state.log())?;
    let freshness = live.freshness();
    view.prove(Some(Arc::new(move || freshness.last_readable())));
    let stop = CancellationToken::new();
    let (suspend, suspensions) = inspecting::suspensions();
    let stopping = stop.clone();
    let inspector = Inspector {
        index: index.clone(),
        orders: orders.clone(),
        log: log.clone(),
        folder: state.log(),
        retentions: retentions.clone(),
        view: view.clone(),
        clock: clock.clone(),
        figures: guard.inspections().clone(),
        suspend,
        stopping: Box::new(move || stopping.is_cancelled()),
        telling: Telling::default(),
        elsewhere: None,
        begun: now,
        past: None,
    };
    let watcher = Watcher {
        directory: args.directory.clone(),
        keeper,
        live,
        view,
        retentions,
        record: log.clone(),
        orders,
        suspensions,
        sampling: sampling.clone(),
        clock: clock.clone(),
    };
    let watching = watcher.start(stop.clone());
    let upkeep = upkeep.start().map_err(UpError::Upkeep)?;
    let inspecting = inspecting::start(inspector, || true, stop.clone());
    let ready = |base: &str| welcome::print(out, args, base, &index, &state, clock);
    let sample = Some((sample, sampling.source()));
    let served = listeners.serve(&guard, sample, &stop, until, ready);
    stop.cancel();
    let kept = watching.join();
    upkeep.stop();
    inspecting.thread().unpark();
    // a panic there has recorded nothing, and is done again
    let _ = inspecting.join();
    let recorded = serving::close(&log);
    served?;
    recorded?;
    match kept {
        Ok(result) => result,
        Err(_) => Err(UpError::Settings("the thread that watches the directory ended".to_owned())),
    }
}

/// How the record is kept: signed by keys of this state.
fn options(state: &StateDir) -> Options {
    Options { evidence: Some(Evidence::new(&state.notary())), ..Options::default() }
}

/// The first view of a directory, and the settings it was read for.
fn first(
    args: &UpArgs,
    clock: &Clock,
    retentions: &Retentions,
    orders: &Orders,
    said: &mut Vec<String>,
) -> Result<(Live, First, Settings), UpError> {
    let mut settings: Option<Settings> = None;
    let mut first = First::default();
    let live = Live::open(&args.directory, clock.clone(), &mut |batch| {
        for change in &batch.changes {
            retentions.take(change);
            orders.take(change);
            if let SourceChange::Settings(read) = change {
                settings = read.as_deref().cloned();
            }
        }
        for finding in batch.findings {
            said.push(format!("{}:{}: {}; {}", finding.file, finding.line, finding.message, finding.fix));
        }
        if let Some(settings) = &settings {
            first.add(batch.changes, &site(settings));
        }
    })?;
    let Some(settings) = settings else {
        let directory = args.directory.display();
        let why = said.join("\n");
        return Err(UpError::Settings(format!(
            "{directory}: no datashare.yaml that can be read; add one with 'site: NAME' at the root of the directory\n{why}"
        )));
    };
    Ok((live, first, settings))
}

//! The operator: in a cluster, makes what follows from signed decisions and says how everything stands. What enters is
//! the source's stream, guards' Leases and what gateways say; what leaves are statuses, hashes of tokens, Secrets,
//! tombstones and routes. Who may see what is decided by the judge alone, and every guard asks its own: whatever is
//! written here can only open what was signed.
//!
//! One process of several writes, the one that holds the Lease; the others keep their view warm. Every write is safe
//! all the same if two should write: compare-and-swap, or the same again.

mod apply;
mod context;
mod credentials;
mod events;
mod fetch;
mod grant;
mod guards;
mod keeper;
pub mod lease;
pub mod metrics;
mod policy;
mod queue;
mod record_keys;
mod report;
mod request;
mod resource;
mod revocation;
pub mod tombstones;
mod trouble;
mod watch;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use jiff::tz::TimeZone;
use kube::Client;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::approval::signers::Signers;
use crate::clock::Clock;
use crate::judge::build::Layout;
use crate::judge::facts::Site;
use crate::judge::index::Index;
use crate::judge::ledger::Ledger;
use crate::observe::{self, Answer};
use crate::settings::DEFAULT_MAX_STALENESS;
use crate::source::cluster::{Cluster, Pace, Scope};
use context::Context;
use events::Publisher;
use keeper::{Keeper, Took};
use lease::{Contender, LeaseError};

pub use credentials::{ROTATE, SECRET_TYPE};
pub use record_keys::RECORD_KEYS;

/// How often it is looked what time has changed.
const TICK: Duration = Duration::from_millis(200);

/// What an operator is made of.
pub struct Parts {
    pub client: Client,
    /// Namespaces whose objects count; none named: all.
    pub watch_namespaces: Vec<String>,
    pub layout: Layout,
    /// Base URL at which consumers call.
    pub url: String,
    /// Name of this process, different from every other's.
    pub me: String,
    pub pace: lease::Pace,
    /// Where metrics and health are answered.
    pub observe: Option<TcpListener>,
    pub clock: Clock,
}

/// The operator cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error("a part of the operator ended that must never end")]
    Ended,
}

/// Works until stopped or until it must not go on.
pub async fn run(parts: Parts, stop: CancellationToken) -> Result<(), OperatorError> {
    let Parts { client, watch_namespaces, layout, url, me, pace, observe, clock } = parts;
    let namespace = layout.namespace.clone();
    let events = Publisher::new(client.clone(), clock.clone(), me.clone());
    // judged by nothing until there are settings
    let nowhere = Site { name: "".into(), time_zone: TimeZone::UTC };
    let index = Index::new(nowhere, Signers::default(), Ledger::default());
    let context = Arc::new(Context::new(client.clone(), clock.clone(), layout, url, index, events));
    let mut tasks = JoinSet::new();
    // all of it ends when this function does
    let ending = stop.child_token();
    let _end = ending.clone().drop_guard();
    tasks.spawn(watch::guards(context.clone(), namespace.clone(), ending.clone()));
    if let Some(listener) = observe {
        let seen = context.clone();
        tasks.spawn(observe::serve(move |path, stopping| answer(&seen, path, stopping), listener, ending.clone()));
    }
    let (leads, mut led) = tokio::sync::watch::channel(false);
    let quiet = CancellationToken::new();
    let contender = Contender::new(client.clone(), &namespace, &me, pace, clock);
    let mut lease = tokio::spawn(contender.contend(leads, stop.clone(), quiet.clone()));
    let mut writers = JoinSet::new();
    let working = CancellationToken::new();
    let follow = async {
        let scope = Scope { namespace: namespace.clone(), watch_namespaces: watch_namespaces.clone() };
        let pace = Pace::for_staleness(DEFAULT_MAX_STALENESS);
        let mut keeper = Keeper::new(context.clone(), &namespace);
        let mut leading = false;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut cluster = Cluster::follow(&client, &scope, &pace);
        loop {
            tokio::select! {
                batch = cluster.next() => {
                    let Some(batch) = batch else { return Err(OperatorError::Ended) };
                    if keeper.take(batch).await == Took::NeedsReload {
                        tracing::info!("the settings changed: everything is read again");
                        keeper.reload();
                        cluster = Cluster::follow(&client, &scope, &pace);
                    } else if cluster.is_complete() && !keeper.is_complete() {
                        keeper.completed().await;
                    }
                }
                _ = ticks.tick() => keeper.tick().await,
                Ok(()) = led.changed(), if !leading => {}
                () = stop.cancelled() => return Ok(()),
            }
            if !leading && *led.borrow() && keeper.is_complete() {
                leading = true;
                tracing::info!("{me} leads");
                context.metrics.leads();
                keeper.lead().await;
                writers.spawn(watch::objects(context.clone(), watch_namespaces.clone(), working.clone()));
                if context.layout.gateway.is_some() {
                    writers.spawn(watch::routes(context.clone(), watch_namespaces.clone(), working.clone()));
                }
                writers.spawn(record_keys::publish(context.clone(), namespace.clone(), working.clone()));
                writers.spawn(workers::work(context.clone(), working.clone()));
            }
        }
    };
    let ended = tokio::select! {
        ended = follow => ended,
        // whatever is half done is safe to leave: somebody else may lead by now
        lost = &mut lease => return match lost {
            Ok(lost) => Ok(lost?),
            Err(_) => Err(OperatorError::Ended),
        },
    };
    stop.cancel();
    working.cancel();
    while writers.join_next().await.is_some() {}
    quiet.cancel();
    // it only gives the Lease back now
    let _ = lease.await;
    ended
}

fn answer(context: &Context, path: &str, stopping: bool) -> Answer {
    match path {
        "/metrics" => Answer::metrics(context.metrics.render()),
        "/healthz" => Answer::plain(StatusCode::OK, "ok"),
        "/readyz" => Answer::is_so(context.is_ready() && !stopping, "ready", "the view is not whole yet"),
        _ => Answer::plain(StatusCode::NOT_FOUND, "/metrics, /healthz and /readyz are here"),
    }
}

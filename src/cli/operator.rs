//! `datashare operator`: the controllers, in a cluster.

use std::net::SocketAddr;

use clap::Args;
use kube::Client;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::guard::label;
use crate::clock::Clock;
use crate::judge::build::Layout;
use crate::operator::{OperatorError as RunError, Parts, lease, run as work};
use crate::random::{self, RandomError};
use crate::telemetry;

/// Keep statuses, tokens, routes and tombstones in a cluster as the signed decisions say.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  datashare operator --namespace datashare-system --gateway gateways/city --url https://share.example"
)]
pub struct OperatorArgs {
    /// The product's own namespace
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE", default_value = "datashare-system", value_parser = label)]
    pub namespace: String,
    /// Namespaces whose objects count; absent: all of them
    #[arg(long, value_name = "NAMESPACE,…", value_delimiter = ',', value_parser = label)]
    pub watch_namespaces: Vec<String>,
    /// Gateway on which the resources' routes hang; absent: no routes are written
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = gateway)]
    pub gateway: Option<(String, String)>,
    /// Base URL at which consumers call; absent: the guards' Service
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The guards' Service
    #[arg(long, value_name = "NAME", default_value = "datashare-guard")]
    pub guard_service: String,
    /// Its port
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub guard_port: u16,
    /// ConfigMap (key ca.crt) with the authority of the guards' certificate; absent: they speak plain HTTP
    #[arg(long, value_name = "NAME")]
    pub guard_ca: Option<String>,
    /// Where metrics and health are answered
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9464")]
    pub metrics: SocketAddr,
    /// Name of this process; absent: one that nobody else has
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    pub name: Option<String>,
}

/// The operator cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("cannot listen on {0}: {1}; choose another address with --metrics")]
    Listen(SocketAddr, std::io::Error),
    #[error("no way to the API server: {0}; run it in a cluster, or set KUBECONFIG")]
    Config(#[from] kube::Error),
    #[error(transparent)]
    Random(#[from] RandomError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("cannot start: {0}")]
    Io(#[from] std::io::Error),
}

/// Works until a signal or until it must not go on.
pub fn run(args: &OperatorArgs) -> Result<(), OperatorError> {
    telemetry::begin();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let listener =
            TcpListener::bind(args.metrics).await.map_err(|error| OperatorError::Listen(args.metrics, error))?;
        let stop = CancellationToken::new();
        let parts = parts(args, Client::try_default().await?, listener)?;
        let told = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            told.cancel();
        });
        Ok(work(parts, stop).await?)
    })
}

fn parts(args: &OperatorArgs, client: Client, listener: TcpListener) -> Result<Parts, OperatorError> {
    let me = match &args.name {
        Some(name) => name.clone(),
        None => random::bytes::<4>()?.iter().fold("operator-".to_owned(), |name, byte| format!("{name}{byte:02x}")),
    };
    let scheme = if args.guard_ca.is_some() { "https" } else { "http" };
    let service = format!("{scheme}://{}.{}.svc:{}", args.guard_service, args.namespace, args.guard_port);
    Ok(Parts {
        client,
        watch_namespaces: args.watch_namespaces.clone(),
        layout: Layout {
            namespace: args.namespace.clone(),
            service: args.guard_service.clone(),
            port: i32::from(args.guard_port),
            gateway: args.gateway.clone(),
            guard_ca: args.guard_ca.clone(),
        },
        url: args.url.as_deref().map_or(service, |url| url.trim_end_matches('/').to_owned()),
        me,
        pace: lease::Pace::default(),
        observe: Some(listener),
        clock: Clock::system(),
    })
}

fn gateway(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err("write it as NAMESPACE/NAME".to_owned()),
    }
}

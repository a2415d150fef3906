//! The same questions to all guards of a cluster, with the caller's own Kubernetes identity. A part is never presented
//! as the whole: every guard that is known must answer, to its end, before the first line is shown. For whatever needs
//! the record itself, each of them gives a copy.

mod ask;
pub mod caller;
mod copy;
mod guards;
mod merge;
mod published;
mod site;

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::{AuditError, Show};
use crate::api::v1alpha1::validate::syntax::dns_label;
use crate::cli::cluster::NoCluster;
use crate::guard::inquiry::wire::Question;
use caller::Caller;
pub use copy::{Copied, copy};
use guards::{Guard, Guards};
pub use published::Published;
pub use site::world;

/// Where the guards are, and which of them may be missing.
#[derive(Debug, Args)]
pub struct ClusterArgs {
    /// Ask the guards of a cluster, as whom the kubeconfig says (what kubectl datashare does without --state)
    #[arg(long, conflicts_with = "state")]
    cluster: bool,
    /// Context of the kubeconfig; absent: the current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The product's own namespace in the cluster
    #[arg(long, value_name = "NAMESPACE", default_value = "datashare-system", value_parser = label)]
    system: String,
    /// Reach a guard there instead of where its Lease says, as through kubectl port-forward; may be given again
    #[arg(long, value_name = "GUARD=HOST:PORT", value_parser = way)]
    guard_url: Vec<(String, String)>,
    /// Do without this guard's part of the record; may be given again
    #[arg(long, value_name = "GUARD")]
    without: Vec<String>,
}

impl ClusterArgs {
    /// Whether a cluster is asked; `elsewhere`: a record of another place was named.
    #[must_use]
    pub fn is_asked(&self, as_plugin: bool, elsewhere: bool) -> bool {
        self.cluster || (as_plugin && !elsewhere)
    }

    /// Whether the caller does without this guard's part.
    fn does_without(&self, guard: &str) -> bool {
        self.without.iter().any(|without| without == guard)
    }

    /// Whether a stream is part of what the caller does without.
    #[must_use]
    pub fn lacks(&self, stream: &str) -> bool {
        self.without.iter().any(|guard| guards::may_write(guard, stream))
    }

    /// What is asked, by the names the caller gave.
    fn place(&self) -> String {
        let context = self.context.as_ref().map(|name| format!(", context {name}")).unwrap_or_default();
        format!("{}{context}", self.system)
    }
}

/// A cluster does not answer, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(transparent)]
    Config(#[from] NoCluster),
    #[error("guards answer people as themselves: take --as out of the kubeconfig, and use that person's own context")]
    Impersonation,
    #[error("the credentials of the kubeconfig cannot be used: {0}")]
    Credentials(String),
    #[error("the guards cannot be found: {0}; whoever asks the record must be allowed to list Leases in {1}")]
    Guards(String, String),
    #[error("there are no guards that answer auditors in {0}: name the product's namespace with --system")]
    None(String),
    #[error("no guard here writes a stream {0}")]
    NoSuchStream(String),
    #[error("the site cannot be read: {0}; it takes the ClusterRoles datashare-auditor, and datashare-site in {1}")]
    Site(String, String),
    #[error("the system gives no event loop: {0}")]
    System(#[from] io::Error),
}

/// Why there is no whole answer from one guard.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    #[error("it is gone, and its part of the record is on its volume (datashare audit query --state)")]
    Gone,
    #[error("its Lease does not say where it answers auditors: start it with --audit")]
    NoDoor,
    #[error("its Lease does not say how it is reached: name a way with --guard-url")]
    NoAddress,
    #[error("cannot be reached at {0}: {1}; name another way with --guard-url, as through kubectl port-forward")]
    Unreached(String, String),
    #[error("{0}")]
    Refused(String),
    #[error("its answer broke off: {0}")]
    BrokeOff(String),
    #[error(
        "it has more entries than one answer holds: ask for less with --since and --until, or for the newest with --limit"
    )]
    More,
}

/// Asks every guard and shows what they say together. The exit code is 1 when one of them is missing: then nothing is
/// shown.
pub(super) fn run(
    args: &ClusterArgs,
    question: &Question,
    form: &mut dyn Show,
    messages: &mut dyn Write,
) -> Result<u8, AuditError> {
    let runtime = runtime()?;
    let answered = runtime.block_on(async {
        let caller = Caller::new(args.context.as_deref()).await?;
        let guards = Guards::find(&caller, args, question.namespace.as_deref()).await?;
        let ask = |guard: Guard| {
            let (caller, question) = (caller.clone(), question.clone());
            async move { ask::ask(&caller, &guard, &question).await }
        };
        all(args, guards, messages, ask).await
    });
    // what is still on its way is of no use any more
    runtime.shutdown_timeout(Duration::from_millis(100));
    let Some(parts) = answered? else { return Ok(1) };
    let mut unreadable = 0;
    for part in parts.iter().filter(|part| part.end.unreadable > 0) {
        writeln!(messages, "guard {}: {} lines that are no entries, passed over", part.guard, part.end.unreadable)?;
        unreadable += part.end.unreadable;
    }
    merge::show(parts, question.limit, form)?;
    Ok(u8::from(unreadable > 0))
}

fn runtime() -> Result<Runtime, ClusterError> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// What every guard answers, by their names; nothing when one of them does not, which is said then.
async fn all<T, F>(
    args: &ClusterArgs,
    guards: Guards,
    messages: &mut dyn Write,
    ask: impl Fn(Guard) -> F,
) -> Result<Option<Vec<T>>, AuditError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Missing>> + Send + 'static,
{
    if let Some(note) = &guards.note {
        writeln!(messages, "{note}")?;
    }
    let mut asked = JoinSet::new();
    for guard in guards.all {
        if args.does_without(&guard.name) {
            writeln!(messages, "without guard {}: this is not the whole record", guard.name)?;
            continue;
        }
        let name = guard.name.clone();
        let answer = ask(guard);
        asked.spawn(async move { (name, answer.await) });
    }
    let (mut parts, mut missing) = (Vec::new(), Vec::new());
    while let Some(answered) = asked.join_next().await {
        match answered {
            Ok((name, Ok(part))) => parts.push((name, part)),
            Ok((name, Err(why))) => missing.push((name, why)),
            Err(error) => missing.push(("?".to_owned(), Missing::BrokeOff(error.to_string()))),
        }
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    missing.sort_by(|a, b| a.0.cmp(&b.0));
    for (guard, why) in &missing {
        writeln!(messages, "guard {guard} does not answer: {why}")?;
    }
    if missing.is_empty() {
        return Ok(Some(parts.into_iter().map(|(_, part)| part).collect()));
    }
    writeln!(messages, "nothing is shown: it would be a part only (--without GUARD does without one)")?;
    Ok(None)
}

fn label(text: &str) -> Result<String, String> {
    if dns_label(text) {
        return Ok(text.to_owned());
    }
    Err("use the name of a namespace".to_owned())
}

/// A way to one guard.
fn way(text: &str) -> Result<(String, String), String> {
    let (guard, place) = text.split_once('=').ok_or("write it as GUARD=HOST:PORT")?;
    let place = place.trim_start_matches("https://").trim_end_matches('/');
    let port = place.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if guard.is_empty() || !port {
        return Err("write it as GUARD=HOST:PORT".to_owned());
    }
    Ok((guard.to_owned(), place.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_names_a_guard_and_a_place() {
        let made = |text| way(text).map(|(guard, place)| format!("{guard} {place}"));
        assert_eq!(made("guard-0=127.0.0.1:9443").unwrap(), "guard-0 127.0.0.1:9443");
        assert_eq!(made("guard-0=https://localhost:9443/").unwrap(), "guard-0 localhost:9443");
        assert_eq!(made("guard-0=[::1]:9443").unwrap(), "guard-0 [::1]:9443");
        for wrong in ["", "guard-0", "=127.0.0.1:1", "guard-0=host", "guard-0=:9443", "guard-0=host:99999"] {
            assert!(way(wrong).is_err(), "{wrong}");
        }
    }
}

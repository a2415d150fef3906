//! `datashare get`: objects with their status, in the columns that kubectl shows.

mod jsonpath;
mod kind_word;
mod list;
mod observe;
mod table;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::world::{World, WorldError};
use super::{FINE, REFUSED};
use crate::api::v1alpha1::Kind;
use crate::audit::query::QueryError;
use crate::clock::Clock;
use crate::delivery::credentials::CredentialError;
use crate::delivery::journal::JournalError;
use crate::delivery::state_dir::{DEFAULT, StateDir, StateError};
use crate::delivery::tombstones::Tombstones;
use crate::source::typed::nearest;
use crate::source::yaml::EmitError;
use kind_word::KindWord;

/// Show objects with their status
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  datashare get ag                                 every grant and how it stands
  datashare get dsr deed-tax -n tax-bureau -o yaml one request, whole
  datashare get accessgrants -o json | jq '.items[] | {name: .metadata.name, status}'")]
pub struct GetArgs {
    /// sharedresource (shr), datasharerequest (dsr), accessgrant (ag), auditpolicy (ap) or revocation (rev)
    #[arg(value_parser = KindWord)]
    kind: Kind,
    /// Only the object of this name
    name: Option<String>,
    /// Only objects of this namespace
    #[arg(short, long)]
    namespace: Option<String>,
    /// Objects of every namespace, as without -n; for fingers that know kubectl
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// The state directory of `datashare up`
    #[arg(long, value_name = "DIR", default_value = DEFAULT)]
    state: PathBuf,
    /// wide has the columns of lower priority too; json and yaml are a Kubernetes List
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Wide,
    Json,
    Yaml,
}

/// Why `get` gives no result; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error(transparent)]
    Tombstones(#[from] JournalError),
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    #[error("the record cannot be read: {0}")]
    Usage(#[from] QueryError),
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Yaml(#[from] EmitError),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

/// Runs the command. Gives the exit code: 0, or 1 when the named object is not there.
pub fn run(args: &GetArgs, clock: &Clock, out: &mut dyn Write, messages: &mut dyn Write) -> Result<u8, GetError> {
    let now = clock.now();
    let state = StateDir::read(&args.state)?;
    let world = World::load(&state.source()?, Tombstones::read(&state.tombstones())?, now)?;
    let observed = observe::observe(&state, &world, args.kind, now)?;
    let mut items = list::items(&world, &observed, args.kind, now)?;
    items.retain(|item| args.namespace.as_deref().is_none_or(|wanted| list::namespace(item) == wanted));
    if let Some(name) = &args.name {
        let (plural, _) = args.kind.aliases();
        let place = args.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in {namespace}"));
        let names: Vec<&str> = items.iter().map(list::name).collect();
        let near = nearest(name, &names).map_or_else(String::new, |near| format!("did you mean {near}? "));
        let missing =
            format!("error: {plural} \"{name}\" not found{place}; {near}'datashare get {plural}' lists what there is");
        items.retain(|item| list::name(item) == name);
        if items.is_empty() {
            writeln!(messages, "{missing}")?;
            return Ok(REFUSED);
        }
    }
    let text = match args.output {
        Output::Json => serde_json::to_string_pretty(&list::list(&items))? + "\n",
        Output::Yaml => list::yaml(&items)?,
        Output::Table | Output::Wide if items.is_empty() => {
            writeln!(messages, "No resources found")?;
            String::new()
        }
        form => {
            let all_namespaces = args.all_namespaces || args.namespace.is_none();
            table::draw(args.kind, &items, all_namespaces, form == Output::Wide, now)
        }
    };
    out.write_all(text.as_bytes())?;
    out.flush()?;
    let broken = world.findings.iter().filter(|f| f.severity == crate::source::finding::Severity::Error).count();
    if broken > 0 {
        writeln!(
            messages,
            "{broken} errors in {}: what they hold counts as absent; 'datashare check' names them",
            world.root.display()
        )?;
    }
    Ok(FINE)
}

#[cfg(test)]
mod tests;

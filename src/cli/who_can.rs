//! `datashare who-can`: who may read a resource now, which of its fields, for whom, until when, and who approved it. Of
//! the state directory of `up`, or of a cluster with the caller's own rights.

mod directory;
mod objects;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::cluster::NoCluster;
use super::world::WorldError;
use super::{FINE, columns};
use crate::clock::Clock;
use crate::delivery::journal::JournalError;
use crate::delivery::state_dir::{DEFAULT, StateError};

/// Show who may read a resource, which fields, and until when
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  datashare who-can property-ownership                                who may read any of it
  datashare who-can property-ownership --field idNumber -o json       who may read this field
  kubectl datashare who-can -n jinan-registration property-ownership  the same of a cluster, as whom the kubeconfig speaks")]
pub struct WhoCanArgs {
    /// The resource, as NAME or NAMESPACE/NAME
    resource: String,
    /// The provider's namespace; absent: any, where NAME is asked for
    #[arg(short, long)]
    namespace: Option<String>,
    /// Only who may read this field
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// The state directory of `datashare up`; absent: .datashare
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Ask a cluster (what kubectl datashare does without --state)
    #[arg(long, conflicts_with = "state")]
    cluster: bool,
    /// Context of the kubeconfig; absent: the current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Why there is no answer; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum WhoCanError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error(transparent)]
    Tombstones(#[from] JournalError),
    #[error(transparent)]
    Cluster(#[from] NoCluster),
    #[error(
        "AccessGrants{place} cannot be read: {cause}; the ClusterRoles datashare-auditor, -approver and -provider may"
    )]
    Grants { place: String, cause: String },
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

/// Who may read what under one grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Right {
    resource: Name,
    /// Absent where the caller may not see the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<Unit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    fields: Vec<String>,
    operations: Vec<String>,
    /// Absent: any user whom the system names.
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<String>>,
    not_after: String,
    serial: String,
    grant: Name,
    request: Name,
    approved_by: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Name {
    namespace: String,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Unit {
    name: String,
    code: String,
}

/// What is asked for.
struct Wanted<'a> {
    namespace: Option<&'a str>,
    name: &'a str,
    field: Option<&'a str>,
}

impl Wanted<'_> {
    fn is(&self, namespace: &str, name: &str) -> bool {
        self.name == name && self.namespace.is_none_or(|wanted| wanted == namespace)
    }
}

/// Runs the command; `as_plugin` when kubectl started it.
pub fn run(
    args: &WhoCanArgs,
    as_plugin: bool,
    clock: &Clock,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<u8, WhoCanError> {
    let (place, name) = args.resource.split_once('/').map_or((None, args.resource.as_str()), |(a, b)| (Some(a), b));
    let wanted = Wanted { namespace: place.or(args.namespace.as_deref()), name, field: args.field.as_deref() };
    let mut rights = if args.cluster || (as_plugin && args.state.is_none()) {
        objects::rights(args.context.as_deref(), &wanted, messages)?
    } else {
        let state = args.state.clone().unwrap_or_else(|| PathBuf::from(DEFAULT));
        directory::rights(&state, &wanted, clock.now())?
    };
    if let Some(field) = wanted.field {
        rights.retain(|right| right.fields.iter().any(|own| own == field));
    }
    rights.sort();
    match args.output {
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&rights)?)?,
        Output::Table if rights.is_empty() => writeln!(messages, "Nobody")?,
        Output::Table => out.write_all(table(&rights).as_bytes())?,
    }
    out.flush()?;
    Ok(FINE)
}

fn table(rights: &[Right]) -> String {
    let headings = ["RESOURCE", "UNIT", "SYSTEM", "FIELDS", "USERS", "UNTIL", "SERIAL", "APPROVED BY"];
    let text = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), str::to_owned);
    let row = |right: &Right| {
        vec![
            format!("{}/{}", right.resource.namespace, right.resource.name),
            text(right.unit.as_ref().map(|unit| unit.name.as_str())),
            text(right.system.as_deref()),
            right.fields.join(","),
            right.users.as_ref().map_or_else(|| "any".to_owned(), |users| users.join(",")),
            right.not_after.get(..10).unwrap_or(&right.not_after).to_owned(),
            right.serial.clone(),
            right.approved_by.join(" "),
        ]
    };
    columns::draw(&headings.map(str::to_owned), &rights.iter().map(row).collect::<Vec<_>>())
}

/// Who signed, each once.
fn approved_by<'a>(principals: impl Iterator<Item = &'a str>) -> Vec<String> {
    principals.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

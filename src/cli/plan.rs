//! `datashare plan`: what a change of the directory means, in the words a reviewer thinks in: who
//! gains or loses which fields of what, until when and why.

mod access;
mod diff;
mod json;
mod markdown;
mod revision;
mod table;
mod words;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::FINE;
use super::world::{World, WorldError};
use crate::clock::Clock;
use crate::judge::ledger::Ledger;
use revision::{RevisionError, Tree};

/// Show who gains or loses which fields between two versions
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  datashare plan origin/main HEAD
  datashare plan main . -o markdown >> \"$GITHUB_STEP_SUMMARY\"
  datashare plan before/ after/ -o json

A name that is a directory is taken as that directory, anything else as a git revision of the
repository here. Both versions are judged for the present moment. NEW is judged with what OLD has
ended: a Revocation that was deleted revives nothing.

-o json is {old, new, changes, notServing, revocations}:
  changes      effect Gains|Loses|Changes, resource, unit, system, gained and lost fields
               {name, title, class}, differences {what, from, to}, before and after {grants,
               serials, fields, operations, users, requires, quota, until, purpose, approvedBy},
               reason and message when access ends
  notServing   grants that do not serve and whose reason is new: grant, serial, before, after,
               message
  revocations  change Added|Removed, namespace, name, target, clause, reason, decidedBy")]
pub struct PlanArgs {
    /// What is in force: a directory or a git revision
    old: String,
    /// What is proposed: a directory or a git revision
    new: String,
    /// The directory of objects within the revisions, where there are several
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// markdown is for a pull request's comment
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
    Markdown,
}

/// Why there is no plan; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error(transparent)]
    Revision(#[from] RevisionError),
    #[error("{name}: {source}")]
    World { name: String, source: WorldError },
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

/// Runs the command; the exit code is 0 whether or not anything changes.
pub fn run(args: &PlanArgs, clock: &Clock, out: &mut dyn Write, messages: &mut dyn Write) -> Result<u8, PlanError> {
    let now = clock.now();
    let load = |name: &str, ledger: Ledger| {
        let tree = Tree::open(name, args.dir.as_deref())?;
        World::load(tree.root(), ledger, now).map_err(|source| PlanError::World { name: name.to_owned(), source })
    };
    let old = load(&args.old, Ledger::default())?;
    let new = load(&args.new, old.index.ledger().clone())?;
    for (name, world) in [(&args.old, &old), (&args.new, &new)] {
        let errors = world.findings.iter().filter(|f| f.severity == crate::source::finding::Severity::Error).count();
        if errors > 0 {
            writeln!(
                messages,
                "{name}: {errors} errors; what they hold counts as absent ('datashare check' names them)"
            )?;
        }
    }
    let diff = diff::diff(&old, &new, now);
    let zone = &new.settings.time_zone;
    let text = match args.output {
        Output::Table => table::draw(&diff, zone),
        Output::Json => serde_json::to_string_pretty(&json::value(&args.old, &args.new, &diff))? + "\n",
        Output::Markdown => markdown::draw(&args.old, &args.new, &diff, zone),
    };
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(FINE)
}

#[cfg(test)]
mod tests;

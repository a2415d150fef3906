//! `datashare check`: everything that is wrong with a directory of objects, each with file, line and
//! mend, so that a pull request can be refused before anyone is asked to sign.

mod broken;
mod finding;
mod grants;
mod output;
mod places;
mod references;
mod signers;
mod sweep;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{FINE, REFUSED, root};
use crate::clock::Clock;
use crate::source::directory::SETTINGS;
use crate::source::finding::Severity;
use crate::source::live::LiveError;
pub use finding::Told;

/// Find what is wrong: schema, rules, references, signatures
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  datashare check examples/jinan
  datashare check grants/deed-tax.yaml requests/tax-bureau/deed-tax.yaml
  datashare check . --output github        annotations in a pull request

Pending, expired and denied grants are notes; only errors make the exit code 1.")]
pub struct CheckArgs {
    /// Directories or files; each is judged within the nearest directory with a datashare.yaml
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// json is an array of findings; github annotates a pull request
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
    Github,
}

/// Why nothing can be checked; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("{path}: cannot be read: {cause}; name a directory of objects, or files in one")]
    Path { path: String, cause: io::Error },
    #[error(transparent)]
    Live(#[from] LiveError),
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

/// Runs the command. Gives the exit code: 1 when there are errors.
pub fn run(args: &CheckArgs, clock: &Clock, out: &mut dyn Write, messages: &mut dyn Write) -> Result<u8, CheckError> {
    let mut told: Vec<Told> = Vec::new();
    for (root, asked) in roots(&args.paths)? {
        let found = sweep::sweep(&root, clock.now())?;
        told.extend(found.into_iter().filter(|one| is_asked(&asked, &one.file)).map(|mut one| {
            one.file = root::shown(&root, &one.file);
            one
        }));
    }
    told.sort();
    told.dedup();
    let text = match args.output {
        Output::Text => output::text(&told),
        Output::Json => serde_json::to_string_pretty(&told)? + "\n",
        Output::Github => output::github(&told),
    };
    out.write_all(text.as_bytes())?;
    out.flush()?;
    if args.output == Output::Text {
        writeln!(messages, "{}", output::summary(&told))?;
    }
    let errors = told.iter().any(|one| one.severity == Severity::Error);
    Ok(if errors { REFUSED } else { FINE })
}

/// What is wrong in the directory `root` at `now`, files named relative to it.
pub fn findings(root: &Path, now: Timestamp) -> Result<Vec<Told>, CheckError> {
    sweep::sweep(root, now)
}

/// The directories to judge, each with the paths below it that were asked for; an empty path is all of it.
fn roots(paths: &[PathBuf]) -> Result<BTreeMap<PathBuf, Vec<String>>, CheckError> {
    let mut roots: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for path in paths {
        let fault = |cause| CheckError::Path { path: path.display().to_string(), cause };
        let whole = std::fs::canonicalize(path).map_err(fault)?;
        let holder = if whole.is_dir() { whole.as_path() } else { whole.parent().unwrap_or(&whole) };
        if whole.is_dir() {
            std::fs::read_dir(&whole).map_err(fault)?;
        } else {
            std::fs::File::open(&whole).map_err(fault)?;
        }
        // without settings anywhere, the missing settings are the first finding
        let root = root::at_or_above(holder).unwrap_or_else(|| holder.to_owned());
        let below = whole.strip_prefix(&root).unwrap_or(Path::new("")).to_string_lossy().into_owned();
        roots.entry(root).or_default().push(below);
    }
    Ok(roots)
}

/// Without settings nothing can be judged, so that is told whatever was asked for.
fn is_asked(asked: &[String], file: &str) -> bool {
    file == SETTINGS || asked.iter().any(|path| path.is_empty() || path == file || Path::new(file).starts_with(path))
}

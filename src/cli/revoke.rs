//! `datashare revoke`: writes a Revocation, the one object that takes access away for good. It is in
//! force once the file is there; what it ends is said at once.

mod draft;
mod effect;
mod write;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args};

use super::world::{World, WorldError};
use super::{FINE, REFUSED, root};
use crate::clock::Clock;
use crate::delivery::state_dir::{DEFAULT, StateDir};
use crate::judge::ledger::Ledger;
use crate::source::directory;
use crate::source::finding::Finding;
use crate::source::yaml::EmitError;
use draft::Draft;

/// Write a Revocation of a grant, unit, system or person
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("target").required(true).args(["grant", "unit", "system", "person"]),
    after_help = "\
Examples:
  datashare revoke --grant 济登共享〔2026〕12号 --clause End --reason 项目结束 --decided-by 孙示例
  datashare revoke --unit 11370100MB28523456 --clause 4.3.2 --reason 超范围使用 --decided-by 领导小组
  datashare revoke --person p-0417@11370100MB28523456 --clause 4.3.1 --reason 违规查询 --decided-by 孙示例
  datashare revoke --system 11370100MB28523456/契税征管系统 --clause B7 --reason 系统下线 \\
      --decided-by 孙示例 --recall-due 2026-12-31 --recall-what Destroy

Clauses: 4.3.1 misuse by staff, 4.3.2 misuse by a unit, B6 and B7 the data is called back (name
--recall-due), End the purpose is over, Leak the credential is exposed.
Deleting a Revocation revives nothing."
)]
pub struct RevokeArgs {
    /// Serial of the grant to end
    #[arg(long, value_name = "SERIAL")]
    grant: Option<String>,
    /// Unified social credit code of the unit to bar
    #[arg(long, value_name = "CODE")]
    unit: Option<String>,
    /// Consumer system to bar
    #[arg(long, value_name = "CODE/NAME", value_parser = draft::system)]
    system: Option<(String, String)>,
    /// Person to bar, in one unit or everywhere
    #[arg(long, value_name = "ID[@CODE]")]
    person: Option<String>,
    /// Rule it rests on
    #[arg(long, value_parser = PossibleValuesParser::new(draft::CLAUSES.map(|(word, _)| word)))]
    clause: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decided
    #[arg(long, value_name = "WHO")]
    decided_by: String,
    /// When it was decided; without it, now
    #[arg(long, value_name = "TIME")]
    decided_at: Option<String>,
    /// Only these resources; without it, every one of the namespace
    #[arg(long = "resource", value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    resources: Vec<String>,
    /// Document that shows the misuse
    #[arg(long, value_name = "URI", requires = "evidence_sha256")]
    evidence: Option<String>,
    /// Hash of that document
    #[arg(long, value_name = "HEX", requires = "evidence")]
    evidence_sha256: Option<String>,
    /// Day by which the data must be back
    #[arg(long, value_name = "YYYY-MM-DD", requires = "recall_what")]
    recall_due: Option<String>,
    /// What happens to the data
    #[arg(long, value_name = "WHAT", requires = "recall_due",
        value_parser = PossibleValuesParser::new(draft::RECALLS.map(|(word, _)| word)))]
    recall_what: Option<String>,
    /// The provider's namespace; without it, the only one there is
    #[arg(short, long)]
    namespace: Option<String>,
    /// Name of the Revocation; without it, one that says what it ends
    #[arg(long)]
    name: Option<String>,
    /// Where it is written, `-` for stdout; without it, `revocations/NAME.yaml` in the directory of objects
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The directory of objects; without it, the nearest with a datashare.yaml, or that of .datashare
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Why nothing can be written; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    #[error("{}: no datashare.yaml at or above it; name the directory of objects with --dir", .0.display())]
    NoDirectory(PathBuf),
    #[error("no datashare.yaml here or above; name the directory of objects with --dir, or the file with -o")]
    Nowhere,
    #[error("name the provider's namespace with -n{0}")]
    Namespace(String),
    #[error("{}: {cause}; the Revocation is not written", path.display())]
    Io { path: PathBuf, cause: io::Error },
    #[error("{}: exists already and stays as it is; name another file with -o or another name with --name", .0.display())]
    Exists(PathBuf),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error(transparent)]
    Yaml(#[from] EmitError),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

/// Runs the command; the path of the written file goes to `out`. Gives the exit code: 0, or 1 when
/// the Revocation would break a rule of its kind.
pub fn run(args: &RevokeArgs, clock: &Clock, out: &mut dyn Write, messages: &mut dyn Write) -> Result<u8, RevokeError> {
    let now = clock.now();
    let root = find_root(args)?;
    // what is broken in the directory must not keep anyone from ending access
    let world = match root.as_deref().map(|root| World::load(root, Ledger::default(), now)) {
        Some(Ok(world)) => Some(world),
        Some(Err(error)) => {
            writeln!(messages, "the directory cannot be judged, so what this ends cannot be told: {error}")?;
            None
        }
        None => None,
    };
    let draft = Draft::new(args, world.as_ref(), now)?;
    let text = draft.yaml()?;
    let broken = directory::load_text("(new)", &text).findings;
    if !broken.is_empty() {
        for finding in &broken {
            writeln!(messages, "error: {}", told(finding))?;
        }
        return Ok(REFUSED);
    }
    if args.output.as_deref() == Some(Path::new("-")) {
        out.write_all(text.as_bytes())?;
    } else {
        let path = match (&args.output, &root) {
            (Some(path), _) => path.clone(),
            (None, Some(root)) => PathBuf::from(root::shown(root, &format!("revocations/{}.yaml", draft.name))),
            (None, None) => return Err(RevokeError::Nowhere),
        };
        write::new_file(&path, &text)?;
        writeln!(out, "{}", path.display())?;
    }
    out.flush()?;
    if let Some(world) = &world {
        effect::tell(world, &draft, now, messages)?;
    }
    Ok(FINE)
}

fn find_root(args: &RevokeArgs) -> Result<Option<PathBuf>, RevokeError> {
    if let Some(dir) = &args.dir {
        return root::at_or_above(dir).map(Some).ok_or_else(|| RevokeError::NoDirectory(dir.clone()));
    }
    let beside = args.output.as_deref().filter(|path| *path != Path::new("-")).and_then(Path::parent);
    let beside = beside.map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    let near = beside.and_then(root::at_or_above).or_else(|| root::at_or_above(Path::new(".")));
    let served = || StateDir::read(Path::new(DEFAULT)).and_then(|state| state.source()).ok();
    Ok(near.or_else(served))
}

fn told(finding: &Finding) -> String {
    let member = finding.member.as_ref().map_or_else(String::new, |member| format!("{member}: "));
    format!("{member}{}; {}", finding.message, finding.fix)
}

//! `datashare approve`: a decision on a request, or one more signature on a decision. Shows what is
//! about to be signed in plain words, refuses what could never count, asks, and only then signs.

mod case;
mod check;
mod draft;
mod insert;
mod key;
mod save;
mod show;
mod terminal;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::file::{FileError, ObjectFile};
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::access_grant::Approval;
use crate::approval::canonical::CanonicalError;
use crate::approval::signing::{Agent, SigningError};
use crate::approval::statement::Statement;
use crate::clock::Clock;
use crate::redacted::Redacted;
use case::Case;
pub use save::SaveError;
pub use terminal::Terminal;

/// Approve or deny a request, or add a signature to a grant
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  datashare approve requests/tax-bureau/deed-tax.yaml --role Provider \\
      --principal director@registration.jinan --serial 济登共享〔2026〕12号 \\
      --fields ownerName,propertyAddress --require consent -o grants/deed-tax.yaml
  datashare approve grants/deed-tax.yaml --role DataAuthority --principal share@bigdata.jinan
  datashare approve grants/deed-tax.yaml --role Provider --principal director@registration.jinan --again
  datashare approve requests/notary-office/inheritance.yaml --role Provider \\
      --principal director@registration.jinan --serial 济登共享〔2026〕13号 --deny 未附公证委托书

What is signed is shown first, and nothing that could never count is signed.
The path of the grant goes to stdout.")]
#[allow(clippy::struct_excessive_bools)] // each is one flag of the command line
pub struct ApproveArgs {
    /// A request, for a new grant; or a grant, for one more signature
    #[arg(value_name = "REQUEST.yaml|GRANT.yaml")]
    file: PathBuf,
    /// Role of the resource's approval list in which you sign
    #[arg(long)]
    role: String,
    /// Who signs, as named in `allowed_signers`
    #[arg(long)]
    principal: String,
    /// Private key, or a .pub whose key ssh-agent holds; without it, the listed key in ssh-agent or ~/.ssh
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    terms: TermsArgs,
    /// Where the result is written; without it, beside the request, or the grant itself
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the new grant without a signature, to be completed by hand and signed later
    #[arg(long, conflicts_with = "deny")]
    draft: bool,
    /// Sign terms again that you have signed before: clears a suspension by an inspection, once you have looked into it
    #[arg(long, conflicts_with_all = ["draft", "deny"])]
    again: bool,
    /// Sign without asking
    #[arg(long)]
    yes: bool,
    /// The directory of the site; without it, the nearest above the file with a datashare.yaml
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Terms of a new grant; those of an existing one are fixed.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub struct TermsArgs {
    /// Number of the decision
    #[arg(long)]
    serial: Option<String>,
    /// Name of the new grant; without it, the request's
    #[arg(long)]
    name: Option<String>,
    /// Granted fields; without it, all that are asked for
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    fields: Option<Vec<String>>,
    /// Granted operations; without it, all that are asked for
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    operations: Option<Vec<String>>,
    /// Only these people; without it, those that are asked for
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    users: Option<Vec<String>>,
    /// What each call must name, besides what the resource asks for
    #[arg(long, value_name = "WHAT,…", value_delimiter = ',')]
    require: Vec<Requirement>,
    /// The law that allows personal data without consent per call
    #[arg(long, value_name = "TEXT")]
    legal_basis: Option<String>,
    /// First day or moment; without it, now
    #[arg(long, value_name = "TIME")]
    not_before: Option<String>,
    /// Last day or moment; without it, the last day asked for, or 366 days on
    #[arg(long, value_name = "TIME")]
    not_after: Option<String>,
    /// Calls per second
    #[arg(long, value_name = "N")]
    quota_per_second: Option<i64>,
    /// Calls per day
    #[arg(long, value_name = "N")]
    quota_per_day: Option<i64>,
    /// Serial of the grant that this one replaces; without it, that of the request that this one amends
    #[arg(long, value_name = "SERIAL")]
    supersedes: Option<String>,
    /// Deny, for this reason
    #[arg(long, value_name = "REASON")]
    deny: Option<String>,
}

/// What a call must name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Requirement {
    User,
    Case,
    Consent,
}

/// The person at the command, or a test in their place.
pub struct Person<'p> {
    pub agent: Option<Agent>,
    /// Key files to look at when none is named.
    pub keys: Vec<PathBuf>,
    pub passphrase: &'p mut dyn FnMut(&Path) -> Option<Redacted<String>>,
    /// `None` when there is nobody to ask.
    pub agrees: &'p mut dyn FnMut() -> Option<bool>,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// Exit code 1, all others 2.
    #[error("{0}")]
    Refused(String),
    #[error("a new decision needs its number: give --serial, as in --serial 济登共享〔2026〕12号")]
    NoSerial,
    #[error("the terms of a grant are fixed by what was signed; leave out {0}, or approve the request anew")]
    FixedTerms(&'static str),
    #[error("--{option} {text}: write a day as 2026-11-05 or a time as 2026-11-05T00:00:00+08:00")]
    Time { option: &'static str, text: String },
    #[error(
        "no key for {principal}: allowed_signers lists none of those in ssh-agent and ~/.ssh for them now; give --key"
    )]
    NoKey { principal: String },
    #[error("cannot ask without a terminal; look at the summary above and give --yes")]
    CannotAsk,
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error("the grant has no canonical form: {0}")]
    Canonical(#[from] CanonicalError),
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// Runs the command; the path of the written grant goes to `out`, all else to `messages`. Gives the
/// exit code: 0, or 1 when signing was refused or declined.
pub fn run(
    args: &ApproveArgs,
    clock: &Clock,
    person: &mut Person<'_>,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<u8, ApproveError> {
    match approve(args, clock, person, messages) {
        Ok(Some(path)) => {
            writeln!(out, "{}", path.display())?;
            Ok(0)
        }
        Ok(None) => {
            writeln!(messages, "not signed")?;
            Ok(1)
        }
        Err(ApproveError::Refused(why)) => {
            writeln!(messages, "refused: {why}")?;
            Ok(1)
        }
        Err(error) => Err(error),
    }
}

/// The written file; `None` when the person declined.
fn approve(
    args: &ApproveArgs,
    clock: &Clock,
    person: &mut Person<'_>,
    messages: &mut dyn Write,
) -> Result<Option<PathBuf>, ApproveError> {
    let now = clock.now();
    let file = ObjectFile::read(&args.file)?;
    let object = file.one(&[Kind::DataShareRequest, Kind::AccessGrant], "DataShareRequest or AccessGrant")?;
    let world = file.world(args.dir.as_deref(), now)?;
    let mut case = Case::gather(object, &world, &args.terms, now)?;
    if args.draft {
        if !case.is_new {
            return Err(ApproveError::FixedTerms("--draft"));
        }
        return Ok(Some(save::new_grant(&case, &file.path, args.output.as_deref())?));
    }
    let key = key::choose(args.key.as_deref(), &args.principal, &case.signers, now, person)?;
    let approved_at = draft::stamp(now, &case.site.time_zone);
    let foreseen = check::foresee(&case, args, &approved_at, &key, now)?;
    let summary = show::summary(&case, &args.role, &args.principal, &key.id(), &foreseen);
    messages.write_all(summary.as_bytes())?;
    if !args.yes {
        match (person.agrees)() {
            Some(true) => {}
            Some(false) => return Ok(None),
            None => return Err(ApproveError::CannotAsk),
        }
    }
    let statement = Statement::new(&case.site.name, &case.namespace, &case.name, &case.spec)?;
    let approval = Approval {
        role: args.role.clone(),
        principal: args.principal.clone(),
        signature: key.sign(&statement.bytes(&args.role, &args.principal, &approved_at)?)?,
        approved_at,
    };
    case.spec.approvals.get_or_insert_default().push(approval.clone());
    let path = if case.is_new {
        save::new_grant(&case, &file.path, args.output.as_deref())?
    } else {
        save::signed_grant(&case, &file, &approval, args.output.as_deref())?
    };
    Ok(Some(path))
}

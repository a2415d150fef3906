//! The commands, one file each: arguments in, results to stdout, messages to stderr, and the exit
//! code: 0 fine, 1 findings or refusal, 2 usage or unreadable input.

pub mod approve;
pub mod audit;
pub mod check;
mod cluster;
mod columns;
pub mod completion;
pub mod crds;
pub mod digest;
pub mod file;
pub mod get;
pub mod guard;
mod inspecting;
pub mod keeper;
pub mod operator;
pub mod plan;
pub mod revoke;
pub mod root;
pub mod sample;
pub mod serving;
pub mod statement;
pub mod token;
mod unread;
pub mod up;
pub mod who_can;
pub mod world;

use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::clock::Clock;

use self::unread::Unread;

/// Nothing to object to.
pub const FINE: u8 = 0;
/// Findings, or a refusal.
pub const REFUSED: u8 = 1;
/// Wrong usage, or input that cannot be read.
pub const UNREADABLE: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  datashare up examples/jinan               serve it on this machine, and say what to try
  datashare check examples/jinan            what is wrong, with file, line and mend
  datashare plan origin/main HEAD           who gains or loses which fields
  datashare get accessgrants                every grant and how it stands
  datashare who-can property-ownership      who may read which of its fields, until when
  datashare token tax-bureau/deed-tax       the token of a granted request
  datashare approve request.yaml --help     sign a decision, with a key of ssh-agent or a file
  datashare revoke --unit 11370100MB28523456 --clause 4.3.2 --reason '…' --decided-by '…'
  datashare audit query --person 370102…    who looked this person up, and why

Exit codes: 0 fine, 1 findings or refusal, 2 usage or unreadable input.";

/// Governed data sharing between departments: signed approvals in, filtered and recorded answers out
#[derive(Debug, Parser)]
#[command(name = "datashare", version, after_help = EXAMPLES, arg_required_else_help = true, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::UpArgs),
    Get(get::GetArgs),
    Token(token::TokenArgs),
    Check(check::CheckArgs),
    Plan(plan::PlanArgs),
    Digest(digest::DigestArgs),
    Statement(statement::StatementArgs),
    Approve(Box<approve::ApproveArgs>),
    Revoke(Box<revoke::RevokeArgs>),
    WhoCan(who_can::WhoCanArgs),
    Audit(audit::AuditArgs),
    Guard(Box<guard::GuardArgs>),
    Operator(Box<operator::OperatorArgs>),
    Crds(crds::Crds),
    Completion(completion::CompletionArgs),
}

/// Why a command gave no result.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error(transparent)]
    Up(#[from] up::UpError),
    #[error(transparent)]
    Digest(#[from] digest::DigestError),
    #[error(transparent)]
    Statement(#[from] statement::StatementError),
    #[error(transparent)]
    Approve(#[from] approve::ApproveError),
    #[error(transparent)]
    Get(#[from] get::GetError),
    #[error(transparent)]
    Token(#[from] token::TokenError),
    #[error(transparent)]
    Check(#[from] check::CheckError),
    #[error(transparent)]
    Plan(#[from] plan::PlanError),
    #[error(transparent)]
    Revoke(#[from] revoke::RevokeError),
    #[error(transparent)]
    WhoCan(#[from] who_can::WhoCanError),
    #[error(transparent)]
    Audit(#[from] audit::AuditError),
    #[error(transparent)]
    Guard(#[from] guard::GuardError),
    #[error(transparent)]
    Operator(#[from] operator::OperatorError),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

impl CliError {
    /// What the process ends with: a refusal is not the same as input that cannot be read.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Approve(approve::ApproveError::Refused(_)) | Self::Operator(_) => REFUSED,
            Self::Up(error) if !error.is_input() => REFUSED,
            Self::Guard(error) if !error.is_input() => REFUSED,
            _ => UNREADABLE,
        }
    }
}

/// Runs the command that the words ask for; gives the exit code.
pub fn main(words: impl IntoIterator<Item = OsString>) -> Result<u8, CliError> {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut command = Cli::command();
    let as_plugin = words.first().is_some_and(|word| is_plugin(Path::new(word)));
    if as_plugin {
        command = command.name("kubectl-datashare").bin_name("kubectl datashare");
    }
    let parsed = command.try_get_matches_from_mut(&words).and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(asked) => {
            asked.print()?;
            return Ok(if asked.use_stderr() { UNREADABLE } else { FINE });
        }
    };
    let (out, messages, clock) = (&mut io::stdout().lock(), &mut io::stderr(), &Clock::system());
    Ok(match &cli.command {
        Command::Up(args) => {
            up::run(args, out)?;
            FINE
        }
        Command::Guard(args) => {
            guard::run(args, out)?;
            FINE
        }
        Command::Operator(args) => {
            operator::run(args)?;
            FINE
        }
        Command::Digest(args) => digest::run(args, clock, out, messages)?,
        Command::Statement(args) => statement::run(args, clock, out)?,
        Command::Approve(args) => {
            approve::Terminal::default().person(|person| approve::run(args, clock, person, out, messages))?
        }
        Command::Crds(args) => {
            args.run(out)?;
            FINE
        }
        Command::Get(args) => get::run(args, clock, out, messages)?,
        Command::Token(args) => token::run(args, clock, out, messages)?,
        Command::Check(args) => check::run(args, clock, &mut Unread(out), &mut Unread(messages))?,
        Command::Plan(args) => plan::run(args, clock, out, messages)?,
        Command::Revoke(args) => revoke::run(args, clock, out, messages)?,
        Command::WhoCan(args) => who_can::run(args, as_plugin, clock, out, messages)?,
        Command::Audit(args) => audit::run(args, as_plugin, clock, out, messages)?,
        Command::Completion(args) => completion::run(args, &mut Cli::command(), command.get_name(), out)?,
    })
}

/// kubectl starts its plugins by this name.
fn is_plugin(program: &Path) -> bool {
    program.file_stem().is_some_and(|name| name == "kubectl-datashare" || name == "kubectl_datashare")
}

/// Whether an error is only that nobody reads the output any more.
#[must_use]
pub fn is_broken_pipe(error: &CliError) -> bool {
    if let CliError::Audit(error) = error {
        return error.is_unread();
    }
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        next = error.source();
    }
    false
}

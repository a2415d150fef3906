//! `datashare statement`: exactly the bytes that an approver signs, for `ssh-keygen -Y sign`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::file::{FileError, ObjectFile};
use crate::api::v1alpha1::validate::syntax;
use crate::api::v1alpha1::{Kind, messages};
use crate::approval::canonical::CanonicalError;
use crate::approval::statement::Statement;
use crate::clock::Clock;
use crate::source::object::Spec;

/// Print the bytes to sign, for `ssh-keygen -Y sign -n approval@datashare.dev`
#[derive(Debug, Args)]
#[command(after_help = "\
Example, without any software of ours for the signature itself:
  datashare statement grants/deed-tax.yaml --role Provider \\
      --principal director@registration.jinan --approved-at 2026-11-18T10:12:00+08:00 > statement
  ssh-keygen -Y sign -n approval@datashare.dev -f ~/.ssh/id_ed25519 statement
  ssh-keygen -Y verify -n approval@datashare.dev -f allowed_signers \\
      -I director@registration.jinan -s statement.sig < statement")]
pub struct StatementArgs {
    /// The grant
    #[arg(value_name = "GRANT.yaml")]
    grant: PathBuf,
    /// Role of the resource's approval list
    #[arg(long)]
    role: String,
    /// Who signs, as named in `allowed_signers`
    #[arg(long)]
    principal: String,
    /// When, as it will stand in the grant: 2026-11-05T09:00:00+08:00
    #[arg(long, value_name = "TIME")]
    approved_at: String,
    /// The directory of the site; without it, the nearest above the grant with a datashare.yaml
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Why there are no bytes; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("--approved-at {0}: {rule}", rule = messages::TIME)]
    Time(String),
    #[error("the grant has no canonical form: {0}")]
    Canonical(#[from] CanonicalError),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

/// Runs the command; the exit code is 0.
pub fn run(args: &StatementArgs, clock: &Clock, out: &mut dyn Write) -> Result<u8, StatementError> {
    if syntax::time(&args.approved_at).is_none() {
        return Err(StatementError::Time(args.approved_at.clone()));
    }
    let file = ObjectFile::read(&args.grant)?;
    let object = file.one(&[Kind::AccessGrant], Kind::AccessGrant.name())?;
    let world = file.world(args.dir.as_deref(), clock.now())?;
    if let Spec::AccessGrant(spec) = &object.spec {
        let statement = Statement::new(&world.settings.site, &object.namespace, &object.name, spec)?;
        out.write_all(&statement.bytes(&args.role, &args.principal, &args.approved_at)?)?;
    }
    Ok(0)
}

//! `datashare audit`: the auditor's commands over the record.

mod places;
mod progress;
mod prove;
mod rotate;
mod inspect;
mod report;
mod rows;
mod table;
mod verify;
mod when;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::tz::TimeZone;

use crate::audit::archive::ArchiveError;
use crate::audit::checkpoint::CheckpointError;
use crate::audit::keys::KeyFileError;
use crate::audit::query::{self, Places, QueryError, Summary};
use crate::audit::verify::{ProveError, SeenError};
use crate::audit::{Event, Filter, Outcome, Person, SiteKey, SiteKeyError};
use crate::cli::world::WorldError;
use crate::clock::Clock;
use crate::delivery::credentials::CredentialError;
use crate::delivery::journal::JournalError;
use crate::delivery::state_dir::StateError;
use crate::guard::inspecting::InspectError;
use crate::random::RandomError;

use self::progress::Progress;
use self::rows::Rows;
use self::table::Table;
pub(in crate::cli) use self::table::plain;
use self::when::{BadTime, Edge};

/// The file of the site key in the state directory.
pub const SITE_KEY: &str = "site-key";

/// Ask the record.
#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Who saw what, why, and with whose approval
    Query(Box<QueryArgs>),
    /// Whether the record is complete and unchanged; names the first bad place
    Verify(Box<verify::VerifyArgs>),
    /// One entry with the proof that it was recorded, as one small file
    Prove(prove::ProveArgs),
    /// Whether such a file proves its entry, given nothing but public keys
    VerifyProof(prove::VerifyProofArgs),
    /// Let a new key sign the record from now on
    RotateKey(rotate::RotateKeyArgs),
    Inspect(inspect::InspectArgs),
    Report(report::ReportArgs),
}

/// Which entries, and how they are shown. All conditions must hold.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// The state directory that holds the record
    #[arg(long, value_name = "DIR", default_value = ".datashare")]
    state: PathBuf,
    /// An archive of the record, asked too; the state directory need not be there then
    #[arg(long, value_name = "URL")]
    archive: Vec<String>,
    /// The site to look for in archives that have several
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// The key with which --person is hashed; absent: the state directory's
    #[arg(long, value_name = "FILE")]
    site_key: Option<PathBuf>,
    /// Calls of this unit, by code or name
    #[arg(long)]
    unit: Option<String>,
    /// Calls for this user
    #[arg(long)]
    user: Option<String>,
    /// Calls for this case
    #[arg(long)]
    case: Option<String>,
    /// Calls to this resource
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    resource: Option<String>,
    /// Calls that looked up this person, by the value of any parameter (hashed with the site key)
    #[arg(long, value_name = "VALUE")]
    person: Option<String>,
    /// From then on: 2026-11-24, 2026-11-24T08:00:00+08:00, or 24h or 7d ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Until then, a day to its end: in the same forms
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Calls under the grant with this serial
    #[arg(long, value_name = "SERIAL")]
    grant: Option<String>,
    /// released, refused or failed
    #[arg(long)]
    outcome: Option<Outcome>,
    /// Refusals and failures with this code
    #[arg(long)]
    code: Option<String>,
    /// call, refusal, unknown-credentials, delivery, recall, inspection, audit, key, start or stop
    #[arg(long)]
    event: Option<Event>,
    /// The newest N only
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// The time zone of days given, and of times in the table
    #[arg(long, value_name = "ZONE", default_value = "Asia/Shanghai")]
    time_zone: String,
    /// json has the entries as they were recorded; csv puts ' before what a spreadsheet would take for a formula
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
    Csv,
}

/// Why a command over the record gives no result; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("there is no record at {}: name the state directory with --state", .0.display())]
    NoRecord(PathBuf),
    #[error("`{zone}` is no time zone: {source}")]
    Zone { zone: String, source: jiff::Error },
    #[error("--{option}: {source}")]
    Time { option: &'static str, source: BadTime },
    #[error("{url} has several sites ({sites}): name one with --site")]
    SeveralSites { url: String, sites: String },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("--person needs the site key: {0}")]
    Key(#[from] SiteKeyError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Month(#[from] report::BadMonth),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error(transparent)]
    Tombstones(#[from] JournalError),
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Random(#[from] RandomError),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
    #[error("{place}: {source}")]
    Read { place: String, source: io::Error },
    #[error("{place} has no stream {stream}")]
    NoStream { place: String, stream: String },
    #[error("stream {0} has no keys yet: they are made at the guard's first start")]
    NoKeys(String),
    #[error(transparent)]
    Keys(KeyFileError),
    #[error("{path}: {source}")]
    Checkpoint { path: String, source: CheckpointError },
    #[error(transparent)]
    Seen(#[from] SeenError),
    #[error("there is no home directory to remember what was seen in: name a folder with --seen")]
    NoSeen,
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error("stream {stream}: the new key waits, and could not take over: {says}")]
    Rotation { stream: String, says: String },
}

/// Runs the command: results to `out`, messages to `messages`. Gives the exit code: 0, or 1 when the record has lines
/// that are no entries, or does not hold.
pub fn run(args: &AuditArgs, clock: &Clock, out: &mut dyn Write, messages: &mut dyn Write) -> Result<u8, AuditError> {
    match &args.command {
        AuditCommand::Query(args) => query(args, clock, out, messages),
        AuditCommand::Verify(args) => verify::run(args, clock, out, messages),
        AuditCommand::Prove(args) => prove::prove(args, out),
        AuditCommand::VerifyProof(args) => prove::verify_proof(args, out, messages),
        AuditCommand::RotateKey(args) => rotate::run(args, clock, out),
        AuditCommand::Inspect(args) => inspect::run(args, clock.now(), out, messages),
        AuditCommand::Report(args) => report::run(args, clock.now(), out, messages),
    }
}

fn query(args: &QueryArgs, clock: &Clock, out: &mut dyn Write, messages: &mut dyn Write) -> Result<u8, AuditError> {
    let zone =
        TimeZone::get(&args.time_zone).map_err(|source| AuditError::Zone { zone: args.time_zone.clone(), source })?;
    let filter = filter(args, clock, &zone)?;
    let places = places::segments(&args.state, &args.archive, args.site.as_deref())?;
    let shown = match args.output {
        Output::Table => show(&places, &filter, args.limit, &mut Table::new(out, zone)),
        Output::Csv => show(&places, &filter, args.limit, &mut Rows::new(out)),
        Output::Json => show(&places, &filter, args.limit, &mut Array { out, begun: false }),
    };
    match shown {
        Ok(summary) => Ok(report(&summary, messages)?),
        // whoever reads has seen enough
        Err(QueryError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn filter(args: &QueryArgs, clock: &Clock, zone: &TimeZone) -> Result<Filter, AuditError> {
    let time = |option, text: &Option<String>, edge| {
        let time = text.as_deref().map(|text| when::parse(text, edge, zone, clock.now()));
        time.transpose().map_err(|source| AuditError::Time { option, source })
    };
    let person = match &args.person {
        Some(value) => {
            let path = args.site_key.clone().unwrap_or_else(|| args.state.join(SITE_KEY));
            Some(Person::new(value, &SiteKey::load(&path)?))
        }
        None => None,
    };
    Ok(Filter {
        unit: args.unit.clone(),
        user: args.user.clone(),
        case: args.case.clone(),
        resource: args.resource.clone(),
        person,
        since: time("since", &args.since, Edge::Begin)?,
        until: time("until", &args.until, Edge::End)?,
        grant: args.grant.clone(),
        outcome: args.outcome,
        code: args.code.clone(),
        event: args.event,
    })
}

fn report(summary: &Summary, messages: &mut dyn Write) -> io::Result<u8> {
    for place in &summary.places {
        writeln!(messages, "{}:{}: not an entry, passed over", place.path.display(), place.line)?;
    }
    let unnamed = summary.unreadable.saturating_sub(summary.places.len() as u64);
    if unnamed > 0 {
        writeln!(messages, "… and {unnamed} more lines that are no entries")?;
    }
    Ok(u8::from(summary.unreadable > 0))
}

/// A form of output, fed with one entry after the other.
trait Show {
    fn add(&mut self, found: &query::Found) -> io::Result<()>;
    fn end(&mut self) -> io::Result<()>;
}

fn show(
    places: &Places,
    filter: &Filter,
    limit: Option<NonZeroUsize>,
    form: &mut dyn Show,
) -> Result<Summary, QueryError> {
    let progress = Progress::new(places.bytes());
    let summary = query::search(places, filter, limit, &mut |found| form.add(found), &|bytes| progress.step(bytes));
    progress.end();
    let summary = summary?;
    form.end().map_err(QueryError::Write)?;
    Ok(summary)
}

/// A JSON array of the entries, each byte for byte as recorded.
struct Array<'a> {
    out: &'a mut dyn Write,
    begun: bool,
}

impl Show for Array<'_> {
    fn add(&mut self, found: &query::Found) -> io::Result<()> {
        let lead: &[u8] = if self.begun { b",\n" } else { b"[\n" };
        self.begun = true;
        self.out.write_all(lead)?;
        self.out.write_all(found.line.as_bytes())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })?;
        self.out.flush()
    }
}

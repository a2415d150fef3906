//! `datashare audit`: the auditor's commands over the record.

pub mod cluster;
mod inspect;
mod places;
mod progress;
mod prove;
mod report;
mod rotate;
mod rows;
mod subject;
mod table;
mod verify;
mod when;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use jiff::tz::TimeZone;

use crate::audit::archive::ArchiveError;
use crate::audit::checkpoint::CheckpointError;
use crate::audit::keys::KeyFileError;
use crate::audit::query::{self, QueryError, Summary};
use crate::audit::verify::{ProveError, SeenError};
use crate::audit::{Event, NotaryError, Outcome, Person, SiteKey, SiteKeyError};
use crate::cli::unread::Unread;
use crate::cli::world::WorldError;
use crate::clock::Clock;
use crate::delivery::credentials::CredentialError;
use crate::delivery::journal::JournalError;
use crate::delivery::state_dir::StateError;
use crate::guard::inquiry::wire::Question;
use crate::guard::inspecting::InspectError;
use crate::random::RandomError;

use self::cluster::{ClusterArgs, ClusterError};
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
    /// The state directory that holds the record; absent: .datashare
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// An archive of the record, asked too; the state directory need not be there then
    #[arg(long, value_name = "URL", conflicts_with = "cluster")]
    archive: Vec<String>,
    /// The site to look for in archives that have several
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// The key with which --person is hashed; absent: the state directory's
    #[arg(long, value_name = "FILE")]
    site_key: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Only what is about resources and grants of this provider's namespace
    #[arg(short, long)]
    namespace: Option<String>,
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
    #[error("{url} has no site {site} (there: {there})")]
    NoSite { url: String, site: String, there: String },
    #[error("{place} has no stream of a record (there: {there}): an archive is named by the folder above its sites")]
    NoArchive { place: String, there: String },
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
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
    #[error("{place}: {source}")]
    Read { place: String, source: io::Error },
    #[error("there is nothing to verify in {0}: it has no stream with keys or entries")]
    NothingThere(String),
    #[error("{place} has no stream {stream}")]
    NoStream { place: String, stream: String },
    #[error("{0} has no stream yet: the first is made at the guard's first start")]
    NoStreams(String),
    #[error("there is no audit policy {wanted} (there: {there})")]
    NoPolicy { wanted: String, there: String },
    #[error("no audit policy asks for inspections: name one with --policy (there: {0})")]
    NoInspection(String),
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
    #[error(transparent)]
    Notary(#[from] NotaryError),
    #[error("stream {stream}: the new key waits, and could not take over: {says}")]
    Rotation { stream: String, says: String },
}

impl AuditError {
    /// Whether it is only that nobody reads the result any more; what else breaks off is a fault.
    pub(in crate::cli) fn is_unread(&self) -> bool {
        matches!(self, Self::Write(error) | Self::Query(QueryError::Write(error))
            if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Runs the command: results to `out`, messages to `messages`; `as_plugin` when kubectl started it. Gives the exit code:
/// 0, or 1 when the record has lines that are no entries, does not hold, or when a part of it does not answer.
pub fn run(
    args: &AuditArgs,
    as_plugin: bool,
    clock: &Clock,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<u8, AuditError> {
    match &args.command {
        AuditCommand::Query(args) => query(args, as_plugin, clock, out, messages),
        AuditCommand::Verify(args) => verify::run(args, as_plugin, clock, &mut Unread(out), &mut Unread(messages)),
        AuditCommand::Prove(args) => prove::prove(args, as_plugin, out, messages),
        AuditCommand::VerifyProof(args) => prove::verify_proof(args, &mut Unread(out), &mut Unread(messages)),
        AuditCommand::RotateKey(args) => rotate::run(args, clock, &mut Unread(out)),
        AuditCommand::Inspect(args) => {
            inspect::run(args, as_plugin, clock.now(), &mut Unread(out), &mut Unread(messages))
        }
        AuditCommand::Report(args) => report::run(args, as_plugin, clock.now(), out, messages),
    }
}

fn query(
    args: &QueryArgs,
    as_plugin: bool,
    clock: &Clock,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<u8, AuditError> {
    let zone =
        TimeZone::get(&args.time_zone).map_err(|source| AuditError::Zone { zone: args.time_zone.clone(), source })?;
    let question = question(args, clock, &zone)?;
    let mut form: Box<dyn Show + '_> = match args.output {
        Output::Table => Box::new(Table::new(out, zone)),
        Output::Csv => Box::new(Rows::new(out)),
        Output::Json => Box::new(Array { out, begun: false }),
    };
    let shown = if args.cluster.is_asked(as_plugin, args.state.is_some() || !args.archive.is_empty()) {
        cluster::run(&args.cluster, &question, &mut *form, messages)
    } else {
        show(args, &question, &mut *form).and_then(|summary| Ok(tell(&summary, messages)?))
    };
    match shown {
        // whoever reads has seen enough
        Err(error) if error.is_unread() => Ok(0),
        other => other,
    }
}

fn question(args: &QueryArgs, clock: &Clock, zone: &TimeZone) -> Result<Question, AuditError> {
    let time = |option, text: &Option<String>, edge| {
        let time = text.as_deref().map(|text| when::parse(text, edge, zone, clock.now()));
        time.transpose().map_err(|source| AuditError::Time { option, source })
    };
    Ok(Question {
        namespace: args.namespace.clone(),
        unit: args.unit.clone(),
        user: args.user.clone(),
        case: args.case.clone(),
        resource: args.resource.clone(),
        person: args.person.clone(),
        since: time("since", &args.since, Edge::Begin)?,
        until: time("until", &args.until, Edge::End)?,
        grant: args.grant.clone(),
        outcome: args.outcome,
        code: args.code.clone(),
        event: args.event,
        limit: args.limit,
    })
}

/// What there is instead of what was asked for.
fn there<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn tell(summary: &Summary, messages: &mut dyn Write) -> io::Result<u8> {
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

/// Asks the record of a state directory, of archives, or of both.
fn show(args: &QueryArgs, question: &Question, form: &mut dyn Show) -> Result<Summary, AuditError> {
    let state = args.state.as_deref().unwrap_or(Path::new(".datashare"));
    let person = match &question.person {
        Some(value) => {
            let path = args.site_key.clone().unwrap_or_else(|| state.join(SITE_KEY));
            Some(Person::new(value, &SiteKey::load(&path)?))
        }
        None => None,
    };
    let places = places::segments(state, &args.archive, args.site.as_deref())?;
    let progress = Progress::new(places.bytes());
    let filter = question.filter(person);
    let summary =
        query::search(&places, &filter, question.limit, &mut |found| form.add(found), &|bytes| progress.step(bytes));
    progress.end();
    let summary = summary?;
    form.end()?;
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
